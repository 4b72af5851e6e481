#pragma once

/// ONNX operators as layers of Core ML's NeuralNetwork.

#include <coreml.pb.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "survey.hpp"

namespace visavis::modelkit {

/// Those that can be written, at least with some of their attributes.
[[nodiscard]] std::set<std::string_view> coreml_operators();

/// Writes a graph's nodes one after the other.
class CoreMlLowering {
 public:
  /// All outlive this object.
  /// @param in_halves  whether weights that lose nothing by it are written in 16 bits
  CoreMlLowering(const Survey& survey, coreml::NeuralNetwork& network, bool in_halves)
      : survey_(survey), network_(network), in_halves_(in_halves) {}

  /// @return kUnsupported with "Operator (why)". What reads the node's output can still be added.
  [[nodiscard]] Result<void> add(const graph::Node& node);
  /// For an output that is an input, or the value of another name.
  void copy(const std::string& from, const std::string& to);
  /// The specification version that has all that was written.
  [[nodiscard]] std::int32_t version() const noexcept { return version_; }

 private:
  using Node = graph::Node;
  using Done = Result<void>;
  using Layer = coreml::NeuralNetworkLayer;

  Done convolution(const Node& node);
  Done transposed(const Node& node);
  Done pool(const Node& node);
  Done global_pool(const Node& node);
  Done resize(const Node& node);
  Done dense(const Node& node);
  Done binary(const Node& node);
  Done batch_norm(const Node& node);
  Done prelu(const Node& node);
  Done activation(const Node& node);
  Done unary(const Node& node);
  Done clip(const Node& node);
  Done hard_swish(const Node& node);
  Done softmax(const Node& node);
  Done concat(const Node& node);
  Done reshape(const Node& node);
  Done transpose(const Node& node);
  Done slice(const Node& node);
  Done split(const Node& node);
  Done pad(const Node& node);
  Done reduce(const Node& node);
  Done identity(const Node& node);

  struct Rule;
  friend std::set<std::string_view> coreml_operators();
  static const std::vector<Rule>& rules();

  Layer& layer(const std::string& output, const std::vector<std::string>& inputs);
  /// The node's own layer, with its first input.
  Layer& layer(const Node& node) { return layer(node.outputs[0], {node.inputs[0]}); }
  void set_weights(coreml::WeightParams& params, const std::vector<float>& values) const;
  Result<Layer*> by_channel(const Node& node);
  [[nodiscard]] std::string between(const Node& node);
  /// The name of a value that may be a constant, which is loaded where it is first read.
  std::string operand(const std::string& value);
  std::string linear(const std::string& x, const std::string& output, float alpha, float beta);
  /// Keeps the batch; the rest becomes these dimensions.
  void reshape_samples(const Node& node, const std::string& x, const Shape& from, const Shape& to);

  const Survey& survey_;
  coreml::NeuralNetwork& network_;
  bool in_halves_;
  std::set<std::string> loaded_;
  int count_ = 0;
  std::int32_t version_ = 4;  ///< iOS 13, macOS 10.15.
};

}  // namespace visavis::modelkit
