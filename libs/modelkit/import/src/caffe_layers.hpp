#pragma once

/// What Caffe's layers compute, as ONNX operators.

#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "caffe_net.hpp"
#include "caffe_weights.hpp"

namespace visavis::modelkit {

/// A blob as it is known while layers are put together.
struct CaffeValue {
  std::string name;  ///< Of the ONNX value.
  Shape shape;       ///< For the sizes of the inputs that the file states.
};

struct CaffeCall {
  CaffeLayer& layer;
  CaffeLayer* scale;  ///< Of a BatchNorm layer: the Scale layer that belongs to it, or null.
  std::span<const CaffeValue> inputs;
  std::span<const std::string> names;  ///< For the outputs.
  const CaffeWeights& weights;
  bool free_sizes;  ///< Height and width may be others than the shapes say.
  Builder& builder;
};

[[nodiscard]] bool knows_caffe_layer(std::string_view type) noexcept;

/// Whether the layer works at any height and width.
[[nodiscard]] Result<bool> keeps_sizes_free(const CaffeLayer& layer);

/// @return the layer's outputs; kUnsupported, kDecodeFailed for parameters that make no sense,
/// kModelMismatch for weights that do not fit.
[[nodiscard]] Result<std::vector<CaffeValue>> convert_caffe_layer(CaffeCall& call);

}  // namespace visavis::modelkit
