#pragma once

/// What a .prototxt says, before any layer is understood: inputs, and the layers that run in the
/// test phase.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "caffe_text.hpp"

namespace visavis::modelkit {

struct CaffeInput {
  std::string name;
  std::vector<std::int64_t> shape;
};

struct CaffeLayer {
  std::string name{};
  std::string type{};  ///< As the present form of Caffe names it: "Convolution".
  std::vector<std::string> bottoms{};
  std::vector<std::string> tops{};
  CaffeText* text = nullptr;

  CaffeText none{};

  /// The parameters of its kind; `none`, if the layer has none.
  [[nodiscard]] Result<CaffeText*> parameters(std::string_view field);
};

struct CaffeNet {
  std::string name;
  std::vector<CaffeInput> inputs;
  std::vector<CaffeLayer> layers;  ///< But for Input layers.
};

/// @param text  outlives the result
/// @return kDecodeFailed for what Caffe would not read either; kUnsupported for a network without
/// an input, or more than 4096 layers, or the form of Caffe's first year.
[[nodiscard]] Result<CaffeNet> read_caffe_net(CaffeText& text);

}  // namespace visavis::modelkit
