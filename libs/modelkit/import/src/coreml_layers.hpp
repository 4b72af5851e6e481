#pragma once

/// What Core ML's layers compute (coremltools, NeuralNetwork.proto), as ONNX operators. The table
/// of them is in coreml_layers, the rules in coreml_windows, coreml_arithmetic and coreml_shapes.

#include <coreml.pb.h>

#include <map>
#include <string>
#include <visavis/core/result.hpp>

#include "builder.hpp"

namespace visavis::modelkit::ml {

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

  [[nodiscard]] Result<const CoreMlValue*> only_input(const Layer& layer) const;
  std::string number(const std::string& name, float value);
  /// One operator with a number, unless the number changes nothing.
  std::string with_number(const char* op, const std::string& name, const std::string& x,
                          float value, float neutral);
  Made named(const Layer& layer, const std::string& value, Shape shape);
  Made reshaped(const Layer& layer, const CoreMlValue& x, Shape written, Shape shape);

  // Windows over pictures, and larger pictures.

  Made convolution(const Layer& layer);
  Made deconvolution(const Layer& layer, const CoreMlValue& x);
  Made pooling(const Layer& layer);
  Made upsample(const Layer& layer);
  Made resize_bilinear(const Layer& layer);

  // Arithmetic.

  Made inner_product(const Layer& layer);
  Made batch_norm(const Layer& layer);
  Made l2_normalize(const Layer& layer);
  Made scale(const Layer& layer);
  Made activation(const Layer& layer);
  Made unary(const Layer& layer);
  Made two(const Layer& layer, const char* op);
  Made arithmetic(const Layer& layer);
  Made broadcast(const Layer& layer);
  Made softmax(const Layer& layer);
  Made clip(const Layer& layer);
  Made reduce(const Layer& layer);

  // Shapes and constants.

  Made load_constant(const Layer& layer);
  Made concat(const Layer& layer);
  Made reshape(const Layer& layer);
  Made flatten(const Layer& layer);
  Made dims(const Layer& layer);
  Made permute(const Layer& layer);
  Made slice(const Layer& layer);
  Result<void> split(const Layer& layer);
  Made pad(const Layer& layer);

  Builder& builder_;
  std::map<std::string, CoreMlValue> blobs_;
};

}  // namespace visavis::modelkit::ml
