#include "visavis/quantize/quantize.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/ranges.hpp>

#include "opset.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::int64_t kOpset = 13;
constexpr float kMostSteps = 127;

using Floats = std::vector<float>;

const graph::Tensor* weights_of(const graph::Graph& graph, const graph::Node& node) {
  if (node.inputs.size() < 2) return nullptr;
  const graph::Tensor* weights = graph.initializer(node.inputs[1]);
  return weights != nullptr && std::holds_alternative<Floats>(weights->values) ? weights : nullptr;
}

/// Gemm computes alpha·op(A)·op(B) + beta·C; only the plain form is a layer.
bool is_plain_gemm(const graph::Node& node) {
  return node.get_or<float>("alpha", 1) == 1 && node.get_or<float>("beta", 1) == 1 &&
         node.get_or<std::int64_t>("transA", 0) == 0;
}

bool is_layer(const graph::Graph& graph, const graph::Node& node) {
  const graph::Tensor* weights = weights_of(graph, node);
  if (weights == nullptr || graph.initializer(node.inputs[0]) != nullptr) return false;
  const std::size_t rank = weights->shape.size();
  if (node.op == "Conv") return rank >= 3;
  if (node.op == "Gemm") return rank == 2 && is_plain_gemm(node);
  return node.op == "MatMul" && rank == 2;
}

/// The axis of the weights along which output channels lie.
std::size_t output_axis(const graph::Node& node) {
  if (node.op == "Conv") return 0;
  return node.op == "Gemm" && node.get_or<std::int64_t>("transB", 0) != 0 ? 0 : 1;
}

graph::Node node_of(std::string op, std::vector<std::string> inputs, std::string output) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {std::move(output)},
          .attributes = {}};
}

/// How many channels a layer reads.
std::size_t inputs_of_layer(const graph::Node& node, const graph::Tensor& weights) {
  const std::size_t axis = node.op == "Conv" ? 1 : 1 - output_axis(node);
  const std::int64_t groups = node.get_or<std::int64_t>("group", 1);
  return static_cast<std::size_t>(weights.shape[axis] * groups);
}

/// For each output channel Σ (rounded − true weight) · E[what it is multiplied with]. Padding is
/// taken for what lies inside.
Floats mean_errors(const graph::Node& node, const graph::Tensor& weights,
                   const ChannelSteps& rounded, std::span<const double> means) {
  const auto& values = std::get<Floats>(weights.values);
  const std::size_t axis = output_axis(node);
  const auto outputs = static_cast<std::size_t>(weights.shape[axis]);
  Floats errors(outputs);
  std::vector<double> sums(outputs);
  if (axis == 1) {  // [inputs, outputs]
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t c = i % outputs;
      sums[c] += (static_cast<double>(rounded.steps[i]) * rounded.scales[c] - values[i]) *
                 means[i / outputs];
    }
  } else {  // [outputs, inputs of the group, kernel…]
    const std::size_t each = values.size() / outputs;
    const auto group_inputs = static_cast<std::size_t>(weights.shape[1]);
    const std::size_t kernel = each / group_inputs;
    const std::size_t groups = means.size() / group_inputs;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t c = i / each;
      const std::size_t input = c * groups / outputs * group_inputs + i % each / kernel;
      sums[c] +=
          (static_cast<double>(rounded.steps[i]) * rounded.scales[c] - values[i]) * means[input];
    }
  }
  std::ranges::transform(sums, errors.begin(), [](double sum) { return static_cast<float>(sum); });
  return errors;
}

/// Rewrites one graph.
class Rewriter {
 public:
  Rewriter(graph::Graph& graph, const Observations& observations, const QuantizeOptions& options)
      : graph_(graph), observations_(observations), options_(options) {}

  Result<void> run() {
    VISAVIS_TRY(chosen, chosen_layers());
    for (const Layer& layer : chosen) {
      names_.insert(layer.name);
      inputs_.insert(layer.input);
    }
    std::vector<graph::Node> nodes = std::exchange(graph_.nodes, {});
    for (const graph::ValueInfo& input : graph_.inputs) VISAVIS_CHECK(add_steps(input.name));
    for (graph::Node& node : nodes) {
      if (names_.contains(node.outputs.front())) {
        VISAVIS_CHECK(rewrite_layer(node));
      } else if (node.op == "Add") {
        for (std::string& input : node.inputs) input = quantised(input);
      }
      const std::vector<std::string> made = node.outputs;
      graph_.nodes.push_back(std::move(node));
      for (const std::string& value : made) VISAVIS_CHECK(add_steps(value));
    }
    drop_unread_constants();
    return graph::validate(graph_);
  }

 private:
  [[nodiscard]] Result<std::vector<Layer>> chosen_layers() const {
    std::vector<Layer> layers = layers_of(graph_);
    for (const std::string& name : options_.keep_float)
      if (std::ranges::find(layers, name, &Layer::name) == layers.end())
        return fail(ErrorCode::kNotFound, "the network has no layer \"" + name + "\"");
    std::erase_if(layers,
                  [&](const Layer& layer) { return options_.keep_float.contains(layer.name); });
    if (layers.empty())
      return fail(ErrorCode::kInvalidArgument, "the network has no layer to quantise");
    return layers;
  }

  [[nodiscard]] std::string quantised(const std::string& value) const {
    return inputs_.contains(value) ? value + "_dq" : value;
  }

  /// Behind the node that makes a value which a layer reads.
  Result<void> add_steps(const std::string& value) {
    if (!inputs_.contains(value)) return {};
    const auto found = observations_.find(value);
    if (found == observations_.end())
      return fail(ErrorCode::kNotFound, "the value \"" + value + "\" was not observed");
    const Steps steps = steps_of(choose_range(found->second, options_.method, options_.kept));
    const std::string scale = constant(value + "_scale", {}, Floats{steps.scale});
    const std::string zero = constant(value + "_zero", {}, std::vector<std::uint8_t>{steps.zero});
    graph_.nodes.push_back(node_of("QuantizeLinear", {value, scale, zero}, value + "_q"));
    graph_.nodes.push_back(
        node_of("DequantizeLinear", {value + "_q", scale, zero}, quantised(value)));
    return {};
  }

  Result<void> rewrite_layer(graph::Node& node) {
    const graph::Tensor& weights = *weights_of(graph_, node);
    const auto& values = std::get<Floats>(weights.values);
    if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
      return fail(ErrorCode::kInvalidArgument,
                  "a weight of \"" + node.outputs.front() + "\" is no finite number");
    const std::size_t axis = output_axis(node);
    ChannelSteps rounded = quantize_weights(values, weights.shape, axis);
    const graph::Shape shape = weights.shape;
    if (options_.bias_correction && node.op != "MatMul")
      VISAVIS_CHECK(correct_bias(node, weights, rounded));
    const std::string& name = node.outputs.front();
    const graph::Shape channels{shape[axis]};
    const std::string steps = constant(name + "_w", shape, std::move(rounded.steps));
    const std::string scales = constant(name + "_w_scale", channels, std::move(rounded.scales));
    graph::Node back = node_of("DequantizeLinear", {steps, scales}, name + "_w_dq");
    back.attributes.emplace_back("axis", static_cast<std::int64_t>(axis));
    node.inputs[0] = quantised(node.inputs[0]);
    node.inputs[1] = back.outputs.front();
    graph_.nodes.push_back(std::move(back));
    return {};
  }

  Result<void> correct_bias(graph::Node& node, const graph::Tensor& weights,
                            const ChannelSteps& rounded) {
    const auto found = observations_.find(node.inputs[0]);
    if (found == observations_.end())
      return fail(ErrorCode::kNotFound, "the value \"" + node.inputs[0] + "\" was not observed");
    if (found->second.channel_means.size() != inputs_of_layer(node, weights)) return {};
    const Floats errors = mean_errors(node, weights, rounded, found->second.channel_means);
    const auto count = static_cast<std::int64_t>(errors.size());
    Floats bias(errors.size());
    if (node.inputs.size() > 2 && !node.inputs[2].empty()) {
      const graph::Tensor* given = graph_.initializer(node.inputs[2]);
      const auto* held = given == nullptr ? nullptr : std::get_if<Floats>(&given->values);
      // Computed, or in one of Gemm's other shapes: it stays as it is.
      if (held == nullptr || held->size() != bias.size() || given->shape.back() != count) return {};
      bias = *held;
    }
    std::ranges::transform(bias, errors, bias.begin(), std::minus{});
    node.inputs.resize(3);
    node.inputs[2] = constant(node.outputs.front() + "_b", {count}, std::move(bias));
    return {};
  }

  template <class T>
  std::string constant(std::string name, graph::Shape shape, std::vector<T> values) {
    added_.push_back(
        {.name = std::move(name), .shape = std::move(shape), .values = std::move(values)});
    return added_.back().name;
  }

  /// The float weights that were replaced.
  void drop_unread_constants() {
    std::ranges::move(added_, std::back_inserter(graph_.initializers));
    LayerNames read;
    for (const graph::Node& node : graph_.nodes)
      read.insert(node.inputs.begin(), node.inputs.end());
    for (const graph::ValueInfo& output : graph_.outputs) read.insert(output.name);
    std::erase_if(graph_.initializers,
                  [&](const graph::Tensor& tensor) { return !read.contains(tensor.name); });
  }

  graph::Graph& graph_;
  const Observations& observations_;
  const QuantizeOptions& options_;
  LayerNames names_;   ///< Of the layers that are quantised.
  LayerNames inputs_;  ///< The values that they read.
  std::vector<graph::Tensor> added_;
};

}  // namespace

std::vector<Layer> layers_of(const graph::Graph& graph) {
  std::vector<Layer> layers;
  for (const graph::Node& node : graph.nodes)
    if (is_layer(graph, node))
      layers.push_back({.name = node.outputs.front(),
                        .op = node.op,
                        .input = node.inputs[0],
                        .weights = weights_of(graph, node)->size()});
  return layers;
}

std::vector<std::string> inputs_of(std::span<const Layer> layers) {
  std::vector<std::string> inputs;
  LayerNames seen;
  for (const Layer& layer : layers)
    if (seen.insert(layer.input).second) inputs.push_back(layer.input);
  return inputs;
}

Result<graph::Graph> quantize(graph::Graph graph, const Observations& observations,
                              const QuantizeOptions& options) {
  VISAVIS_CHECK(graph::validate(graph));
  VISAVIS_TRY(raised, raise_opset(std::move(graph), kOpset));
  VISAVIS_CHECK(Rewriter(raised, observations, options).run());
  return raised;
}

ChannelSteps quantize_weights(std::span<const float> weights, const graph::Shape& shape,
                              std::size_t axis) {
  std::size_t block = 1;  // neighbours in one channel
  for (std::size_t d = axis + 1; d < shape.size(); ++d) block *= static_cast<std::size_t>(shape[d]);
  const auto channels = static_cast<std::size_t>(shape[axis]);
  ChannelSteps rounded{.steps = std::vector<std::int8_t>(weights.size()),
                       .scales = Floats(channels)};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    float& most = rounded.scales[i / block % channels];
    most = std::max(most, std::abs(weights[i]));
  }
  for (float& scale : rounded.scales)  // subnormal steps are flushed to 0 by engines
    scale = scale > kMostSteps * std::numeric_limits<float>::min() ? scale / kMostSteps : 1;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float steps = std::nearbyint(weights[i] / rounded.scales[i / block % channels]);
    rounded.steps[i] = static_cast<std::int8_t>(std::clamp(steps, -kMostSteps, kMostSteps));
  }
  return rounded;
}

}  // namespace visavis::modelkit
