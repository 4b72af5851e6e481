#pragma once

/// What Core ML's layers compute (coremltools, NeuralNetwork.proto), as ONNX operators.

#include <coreml.pb.h>

#include <map>
#include <string>
#include <visavis/core/result.hpp>

#include "builder.hpp"

namespace visavis::modelkit {

/// A blob; -1 stands for a dimension that is not known beforehand. Channels, height and width are
/// the last three.
struct CoreMlValue {
  std::string name;
  Shape shape;
};

/// The kind of a layer: "convolution", or "kind 165" for one that is not known.
[[nodiscard]] std::string coreml_kind(const coreml::NeuralNetworkLayer& layer);
[[nodiscard]] bool knows_coreml_layer(const coreml::NeuralNetworkLayer& layer);

/// Puts layers together, one after the other.
class CoreMlAssembly {
 public:
  explicit CoreMlAssembly(Builder& builder) : builder_(builder) {}

  /// @return kDecodeFailed if the blob is there already.
  [[nodiscard]] Result<void> add(const std::string& blob, CoreMlValue value);
  /// @return kUnsupported, kDecodeFailed or kModelMismatch.
  [[nodiscard]] Result<void> add(const coreml::NeuralNetworkLayer& layer);
  /// Null if there is none.
  [[nodiscard]] const CoreMlValue* find(const std::string& blob) const;

 private:
  using Layer = coreml::NeuralNetworkLayer;
  using Made = Result<CoreMlValue>;

  Made convert(const Layer& layer);
  Made convolution(const Layer& layer);
  Made deconvolution(const Layer& layer, const CoreMlValue& x);
  Made pooling(const Layer& layer);
  Made activation(const Layer& layer);
  Made inner_product(const Layer& layer);
  Made batch_norm(const Layer& layer);
  Made l2_normalize(const Layer& layer);
  Made upsample(const Layer& layer);
  Made resize_bilinear(const Layer& layer);
  Made unary(const Layer& layer);
  Made arithmetic(const Layer& layer);
  Made broadcast(const Layer& layer);
  Made scale(const Layer& layer);
  Made load_constant(const Layer& layer);
  Made softmax(const Layer& layer);
  Made concat(const Layer& layer);
  Made reshape(const Layer& layer);
  Made flatten(const Layer& layer);
  Made dims(const Layer& layer);
  Made permute(const Layer& layer);
  Made clip(const Layer& layer);
  Made slice(const Layer& layer);
  Made pad(const Layer& layer);
  Made reduce(const Layer& layer);
  Result<void> split(const Layer& layer);

  [[nodiscard]] Result<const CoreMlValue*> only_input(const Layer& layer) const;
  std::string number(const std::string& name, float value);
  /// One operator with a number, unless the number changes nothing.
  std::string with_number(const char* op, const std::string& name, const std::string& x,
                          float value, float neutral);
  Made two(const Layer& layer, const char* op);
  Made named(const Layer& layer, const std::string& value, Shape shape);
  Made reshaped(const Layer& layer, const CoreMlValue& x, Shape written, Shape shape);

  Builder& builder_;
  std::map<std::string, CoreMlValue> blobs_;
};

}  // namespace visavis::modelkit
