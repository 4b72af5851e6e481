#include "int8.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/channels_last.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::tflite {
namespace {

using graph::Node;
using graph::Tensor;
using Floats = std::vector<float>;

/// What TensorFlow Lite asks of the steps of an operator's result.
enum class Result8 : std::uint8_t {
  kAny,
  kLikeInputs,  ///< The same steps.
  kShare,       ///< Of numbers from 0 to 1: scale 1/256, zero point -128.
  kSine,        ///< Of numbers from -1 to 1: scale 1/128, zero point 0.
};

struct Row {
  std::string_view op;
  Result8 result;
};
constexpr auto kInInt8 = std::to_array<Row>({{"Conv", Result8::kAny},
                                             {"DepthwiseConv", Result8::kAny},
                                             {"FullyConnected", Result8::kAny},
                                             {"Add", Result8::kAny},
                                             {"Sub", Result8::kAny},
                                             {"Mul", Result8::kAny},
                                             {"PRelu", Result8::kAny},
                                             {"LeakyRelu", Result8::kAny},
                                             {"Relu", Result8::kAny},
                                             {"Relu6", Result8::kAny},
                                             {"Mean", Result8::kAny},
                                             {"MaxPool", Result8::kLikeInputs},
                                             {"AveragePool", Result8::kLikeInputs},
                                             {"Reshape", Result8::kLikeInputs},
                                             {"Transpose", Result8::kLikeInputs},
                                             {"Slice", Result8::kLikeInputs},
                                             {"StridedSlice", Result8::kLikeInputs},
                                             {"Concat", Result8::kLikeInputs},
                                             {"Sigmoid", Result8::kShare},
                                             {"Softmax", Result8::kShare},
                                             {"Tanh", Result8::kSine}});

bool has_weights(const Node& node) {
  return node.op == "Conv" || node.op == "DepthwiseConv" || node.op == "FullyConnected";
}

class Typing {
 public:
  explicit Typing(const graph::ChannelsLast& network) : network_(network) {
    out_.shapes = network.shapes;
    for (const Tensor& tensor : network.graph.initializers) constants_[tensor.name] = &tensor;
    for (const Node& node : network.graph.nodes)
      for (const std::string& input : node.inputs) readers_[input].push_back(&node);
    for (const graph::ValueInfo& output : network.graph.outputs) outside_.insert(output.name);
  }

  Result<Typed> run() && {
    out_.graph = {.name = network_.graph.name,
                  .opset = network_.graph.opset,
                  .inputs = network_.graph.inputs,
                  .outputs = network_.graph.outputs,
                  .initializers = {},
                  .nodes = {}};
    for (const Node& node : network_.graph.nodes) {
      if (node.op == "QuantizeLinear") {
        quantize(node);
      } else if (node.op == "DequantizeLinear") {
        VISAVIS_CHECK(dequantize(node));
      } else if (!compute(node)) {
        out_.graph.nodes.push_back(node);
      }
    }
    take_constants();
    return std::move(out_);
  }

 private:
  [[nodiscard]] Quantization steps_of(const Node& node) const {
    return {.scales = std::get<Floats>(constants_.at(node.inputs[1])->values),
            .zeros = {std::get<std::vector<std::int8_t>>(constants_.at(node.inputs[2])->values)[0]},
            .axis = 0};
  }

  void quantize(const Node& node) {
    if (made_.contains(node.outputs[0])) return;  // its operator makes steps at once
    const std::string before = behind(node.inputs[0]);
    if (!before.empty() && out_.int8.at(before) == steps_of(node)) {
      same_[node.outputs[0]] = before;
      return;
    }
    out_.int8[node.outputs[0]] = steps_of(node);
    out_.graph.nodes.push_back(one_to_one(node, node.inputs[0]));
  }

  Result<void> dequantize(const Node& node) {
    const auto same = same_.find(node.inputs[0]);
    const std::string& steps = same == same_.end() ? node.inputs[0] : same->second;
    const Quantization read = steps_of(node);
    if (out_.int8.emplace(steps, read).first->second != read)
      return fail(ErrorCode::kUnsupported, "steps are read with another scale than they have");
    behind_[node.outputs[0]] = steps;
    out_.graph.nodes.push_back(one_to_one(node, steps));
    return {};
  }

  static Node one_to_one(const Node& node, const std::string& input) {
    return {.op = node.op,
            .name = node.name,
            .inputs = {input},
            .outputs = node.outputs,
            .attributes = {}};
  }

  /// The int8 value that `value` is the real form of; empty if there is none.
  [[nodiscard]] std::string behind(const std::string& value) const {
    const auto found = behind_.find(value);
    return found == behind_.end() ? std::string() : found->second;
  }

  /// Where the operator's result is quantised, and nothing else is done with it.
  [[nodiscard]] const Node* only_quantized(const std::string& value) const {
    const auto found = readers_.find(value);
    if (found == readers_.end() || found->second.size() != 1 || outside_.contains(value))
      return nullptr;
    const Node* reader = found->second.front();
    return reader->op == "QuantizeLinear" ? reader : nullptr;
  }

  [[nodiscard]] static bool fits(Result8 wanted, const Quantization& steps,
                                 const std::vector<Quantization>& inputs) {
    switch (wanted) {
      case Result8::kAny:
        return true;
      case Result8::kLikeInputs:
        return std::ranges::all_of(inputs, [&](const auto& input) { return input == steps; });
      case Result8::kShare:
        return steps.scales[0] == 1.F / 256 && steps.zeros[0] == -128;
      case Result8::kSine:
        return steps.scales[0] == 1.F / 128 && steps.zeros[0] == 0;
    }
    return false;
  }

  /// @return false if the operator computes with floats.
  bool compute(const Node& node) {
    const auto* row = std::ranges::find(kInInt8, node.op, &Row::op);
    const Node* quantized = node.outputs.size() == 1 ? only_quantized(node.outputs[0]) : nullptr;
    if (row == kInInt8.end()) return false;
    Node moved = node;
    std::vector<Quantization> inputs;
    for (std::string& input : moved.inputs) {
      if (constants_.contains(input)) continue;
      input = behind(input);
      if (input.empty()) return false;
      inputs.push_back(out_.int8.at(input));
    }
    if (inputs.empty()) return false;
    if (quantized == nullptr) return row->result == Result8::kLikeInputs && move(moved, inputs);
    const Quantization steps = steps_of(*quantized);
    if (!fits(row->result, steps, inputs)) return false;
    if (has_weights(node)) {
      if (!take_weights(moved, inputs[0])) return false;
    } else if (!take_operands(moved)) {
      return false;
    }
    moved.outputs = quantized->outputs;
    made_.insert(moved.outputs[0]);
    out_.int8[moved.outputs[0]] = steps;
    out_.graph.nodes.push_back(std::move(moved));
    return true;
  }

  /// What only picks or moves numbers does it with steps, whoever reads them.
  bool move(Node& node, const std::vector<Quantization>& inputs) {
    if (!fits(Result8::kLikeInputs, inputs[0], inputs) || !take_operands(node)) return false;
    const std::string value = node.outputs[0];
    const std::string steps = value + ".int8";
    out_.shapes[steps] = out_.shapes.at(value);
    out_.int8[steps] = inputs[0];
    behind_[value] = steps;
    node.outputs[0] = steps;
    out_.graph.nodes.push_back(node);
    out_.graph.nodes.push_back({.op = "DequantizeLinear",
                                .name = value,
                                .inputs = {steps},
                                .outputs = {value},
                                .attributes = {}});
    return true;
  }

  /// A constant under a name of its own, for others may read it as floats.
  std::string add(const std::string& stem, graph::Shape shape, Tensor::Values values,
                  Quantization steps, bool is_bias) {
    const std::string name = stem + ".int8_" + std::to_string(out_.graph.initializers.size());
    out_.shapes[name] = shape;
    (is_bias ? out_.biases : out_.int8)[name] = std::move(steps);
    out_.graph.initializers.push_back(
        {.name = name, .shape = std::move(shape), .values = std::move(values)});
    return name;
  }

  /// Symmetric int8 weights and a bias in units of input steps times weight steps.
  bool take_weights(Node& node, const Quantization& input) {
    const auto scales = node.get_or<Floats>("weight_scales", {});
    const Tensor& weights = *constants_.at(node.inputs[1]);
    const std::int32_t axis = node.op == "DepthwiseConv" ? 3 : 0;
    const auto channels = static_cast<std::size_t>(weights.shape[static_cast<std::size_t>(axis)]);
    if (scales.size() != channels) return false;
    const auto& reals = std::get<Floats>(weights.values);
    const std::size_t block = axis == 3 ? 1 : reals.size() / channels;
    std::vector<std::int8_t> steps;
    steps.reserve(reals.size());
    for (std::size_t i = 0; i < reals.size(); ++i)
      steps.push_back(static_cast<std::int8_t>(
          std::clamp(std::lround(reals[i] / scales[i / block % channels]), -127L, 127L)));
    std::vector<std::int32_t> biases;
    Quantization units{.scales = {}, .zeros = std::vector<std::int64_t>(channels, 0), .axis = 0};
    const auto& bias = std::get<Floats>(constants_.at(node.inputs[2])->values);
    for (std::size_t c = 0; c < channels; ++c) {
      units.scales.push_back(input.scales[0] * scales[c]);
      constexpr double kMost = std::numeric_limits<std::int32_t>::max();
      const double unit = double{input.scales[0]} * double{scales[c]};
      biases.push_back(
          static_cast<std::int32_t>(std::clamp(std::round(double{bias[c]} / unit), -kMost, kMost)));
    }
    node.inputs[1] = add(
        node.name + ".weight", weights.shape, std::move(steps),
        {.scales = scales, .zeros = std::vector<std::int64_t>(channels, 0), .axis = axis}, false);
    node.inputs[2] = add(node.name + ".bias", {static_cast<std::int64_t>(channels)},
                         std::move(biases), std::move(units), true);
    return true;
  }

  /// What is added, multiplied or a slope: symmetric int8, one scale.
  bool take_operands(Node& node) {
    for (std::string& input : node.inputs) {
      const auto found = constants_.find(input);
      if (found == constants_.end()) continue;
      const auto* reals = std::get_if<Floats>(&found->second->values);
      if (reals == nullptr) continue;  // places and shapes
      if (node.op == "Concat") return false;
      float most = 0;
      for (const float real : *reals) most = std::max(most, std::abs(real));
      const float scale = most == 0 ? 1.F : most / 127;
      std::vector<std::int8_t> steps;
      for (const float real : *reals)
        steps.push_back(static_cast<std::int8_t>(std::lround(real / scale)));
      input = add(node.name + ".operand", found->second->shape, std::move(steps),
                  {.scales = {scale}, .zeros = {0}, .axis = 0}, false);
    }
    return true;
  }

  /// Drops real forms that nobody reads any more, and takes the constants that are read.
  void take_constants() {
    std::set<std::string, std::less<>> read = outside_;
    std::vector<Node> kept;
    for (std::size_t i = out_.graph.nodes.size(); i-- > 0;) {
      Node& node = out_.graph.nodes[i];
      if (!read.contains(node.outputs[0])) continue;
      read.insert(node.inputs.begin(), node.inputs.end());
      kept.push_back(std::move(node));
    }
    std::ranges::reverse(kept);
    out_.graph.nodes = std::move(kept);
    std::erase_if(out_.graph.initializers,
                  [&](const Tensor& tensor) { return !read.contains(tensor.name); });
    for (const Tensor& tensor : network_.graph.initializers)
      if (read.contains(tensor.name)) out_.graph.initializers.push_back(tensor);
  }

  const graph::ChannelsLast& network_;
  std::map<std::string, const Tensor*, std::less<>> constants_;
  std::map<std::string, std::vector<const Node*>, std::less<>> readers_;
  std::set<std::string, std::less<>> outside_;
  std::map<std::string, std::string, std::less<>> behind_;
  std::set<std::string, std::less<>> made_;  ///< Quantised by their operator.
  std::map<std::string, std::string, std::less<>>
      same_;  ///< Steps that are those of another value.
  Typed out_;
};

}  // namespace

Result<Typed> to_int8(const graph::ChannelsLast& network) { return Typing(network).run(); }

}  // namespace visavis::tflite
