#include "visavis/quantize/quantize.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
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
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/quantize/equalize.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/ranges.hpp>

#include "opset.hpp"
#include "visavis/quantize/whole.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::int64_t kOpset = 13;

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

Result<std::vector<Layer>> chosen_layers(const graph::Graph& graph, const LayerNames& keep_float) {
  std::vector<Layer> layers = layers_of(graph);
  for (const std::string& name : keep_float)
    if (std::ranges::find(layers, name, &Layer::name) == layers.end())
      return fail(ErrorCode::kNotFound, "the network has no layer \"" + name + "\"");
  std::erase_if(layers, [&](const Layer& layer) { return keep_float.contains(layer.name); });
  if (layers.empty())
    return fail(ErrorCode::kInvalidArgument, "the network has no layer to quantise");
  return layers;
}

/// The same number in a text that a person can read.
float rounded(float value) {
  constexpr int kDigits = 5;
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::scientific, kDigits - 1);
  float read = value;
  std::from_chars(text.data(), end.ptr, read);
  return read;
}

Result<const Observed*> find_observed(const Observations& observations, const std::string& value) {
  const auto found = observations.find(value);
  if (found == observations.end())
    return fail(ErrorCode::kNotFound, "the value \"" + value + "\" was not observed");
  return &found->second;
}

const graph::Node& maker_of(const graph::Graph& graph, const std::string& value) {
  return *std::ranges::find_if(
      graph.nodes, [&](const graph::Node& node) { return node.outputs.front() == value; });
}

/// What is added to each output channel's bias, if the layer has one that can be moved.
std::optional<Floats> bias_of(const graph::Graph& graph, const graph::Node& node,
                              std::size_t channels) {
  if (node.op == "MatMul") return std::nullopt;
  if (node.inputs.size() < 3 || node.inputs[2].empty()) return Floats(channels);
  const graph::Tensor* given = graph.initializer(node.inputs[2]);
  const auto* held = given == nullptr ? nullptr : std::get_if<Floats>(&given->values);
  // Computed, or in one of Gemm's other shapes: it stays as it is.
  if (held == nullptr || held->size() != channels || given->shape.empty() ||
      given->shape.back() != static_cast<std::int64_t>(channels))
    return std::nullopt;
  return *held;
}

std::size_t channels_of(const graph::Node& node, const graph::Tensor& weights) {
  return static_cast<std::size_t>(weights.shape[output_axis(node)]);
}

bool are_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

/// Minus the errors, in multiples of a 127th of the largest; nothing where there is none.
std::optional<models::Int8BiasShifts> shifts_against(std::span<const float> errors) {
  constexpr float kMost = 127;
  float largest = 0;
  for (const float error : errors) largest = std::max(largest, std::abs(error));
  models::Int8BiasShifts shifts{.unit = rounded(largest / kMost), .counts = {}};
  if (!(shifts.unit > std::numeric_limits<float>::min()) || !are_finite(errors))
    return std::nullopt;
  for (const float error : errors)
    shifts.counts.push_back(
        static_cast<std::int8_t>(std::clamp(std::nearbyint(-error / shifts.unit), -kMost, kMost)));
  return shifts;
}

/// A recipe that speaks of a layer or value that is not there is another network's.
std::unexpected<Error> another_networks(const std::string& what, const std::string& name) {
  return fail(ErrorCode::kModelMismatch,
              "the int8 recipe has " + what + " \"" + name + "\", which this network has not");
}

/// Rewrites one graph.
class Rewriter {
 public:
  Rewriter(graph::Graph& graph, const models::Int8Recipe& recipe)
      : graph_(graph), recipe_(recipe) {}

  Result<void> run() {
    VISAVIS_TRY(chosen, chosen_layers(graph_, recipe_.keep_float));
    for (const Layer& layer : chosen) {
      names_.insert(layer.name);
      inputs_.insert(layer.input);
    }
    VISAVIS_CHECK(check_names());
    for (const std::string& summand : summands_of(graph_, chosen))
      if (recipe_.activations.contains(summand)) quantised_.insert(summand);
    quantised_.insert(inputs_.begin(), inputs_.end());
    std::vector<graph::Node> nodes = std::exchange(graph_.nodes, {});
    for (const graph::ValueInfo& input : graph_.inputs) add_steps(input.name);
    for (graph::Node& node : nodes) {
      if (names_.contains(node.outputs.front())) {
        VISAVIS_CHECK(rewrite_layer(node));
      } else if (node.op == "Add") {
        for (std::string& input : node.inputs) input = quantised(input);
      }
      const std::vector<std::string> made = node.outputs;
      graph_.nodes.push_back(std::move(node));
      for (const std::string& value : made) add_steps(value);
    }
    drop_unread_constants();
    return graph::validate(graph_);
  }

 private:
  /// The recipe has a range for all that is read, and nothing that is not there.
  [[nodiscard]] Result<void> check_names() const {
    for (const std::string& input : inputs_)
      if (!recipe_.activations.contains(input))
        return fail(ErrorCode::kNotFound, "the int8 recipe has no range of \"" + input + "\"");
    const std::vector<std::string> results = results_of(graph_);
    for (const auto& [name, range] : recipe_.activations)
      if (!inputs_.contains(name) && std::ranges::find(results, name) == results.end())
        return another_networks("a range of", name);
    for (const auto& [name, shifts] : recipe_.bias_shifts)
      if (!names_.contains(name)) return another_networks("biases of", name);
    return {};
  }

  [[nodiscard]] std::string quantised(const std::string& value) const {
    return quantised_.contains(value) ? value + "_dq" : value;
  }

  /// Behind the node that makes a value which a layer or an Add reads.
  void add_steps(const std::string& value) {
    if (!quantised_.contains(value)) return;
    const models::Int8Range& range = recipe_.activations.find(value)->second;
    const Steps steps = steps_of({.low = range.low, .high = range.high});
    const std::string scale = constant(value + "_scale", {}, Floats{steps.scale});
    const std::string zero = constant(value + "_zero", {}, std::vector<std::uint8_t>{steps.zero});
    graph_.nodes.push_back(node_of("QuantizeLinear", {value, scale, zero}, value + "_q"));
    graph_.nodes.push_back(
        node_of("DequantizeLinear", {value + "_q", scale, zero}, quantised(value)));
  }

  Result<void> rewrite_layer(graph::Node& node) {
    const graph::Tensor& weights = *weights_of(graph_, node);
    const auto& values = std::get<Floats>(weights.values);
    if (!are_finite(values))
      return fail(ErrorCode::kInvalidArgument,
                  "a weight of \"" + node.outputs.front() + "\" is no finite number");
    const std::size_t axis = output_axis(node);
    ChannelSteps rounded = quantize_weights(values, weights.shape, axis, recipe_.weight_steps);
    const graph::Shape shape = weights.shape;
    VISAVIS_CHECK(shift_bias(node, channels_of(node, weights)));
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

  Result<void> shift_bias(graph::Node& node, std::size_t channels) {
    const auto shifts = recipe_.bias_shifts.find(node.outputs.front());
    if (shifts == recipe_.bias_shifts.end()) return {};
    std::optional<Floats> bias = bias_of(graph_, node, channels);
    const models::Int8BiasShifts& shift = shifts->second;
    if (!bias || shift.counts.size() != channels)
      return another_networks("biases of", node.outputs.front());
    for (std::size_t c = 0; c < channels; ++c)
      (*bias)[c] += shift.unit * static_cast<float>(shift.counts[c]);
    node.inputs.resize(3);
    node.inputs[2] = constant(node.outputs.front() + "_b", {static_cast<std::int64_t>(channels)},
                              *std::move(bias));
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
  const models::Int8Recipe& recipe_;
  LayerNames names_;      ///< Of the layers that are quantised.
  LayerNames inputs_;     ///< The values that they read.
  LayerNames quantised_;  ///< These and summands.
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

std::vector<std::string> summands_of(const graph::Graph& graph, std::span<const Layer> layers) {
  LayerNames made;
  LayerNames rounded;
  for (const Layer& layer : layers) {
    made.insert(layer.name);
    rounded.insert(layer.name);
    rounded.insert(layer.input);
  }
  std::vector<std::string> summands;
  for (const graph::Node& node : graph.nodes) {
    if (node.op != "Add" || !std::ranges::all_of(node.inputs, [&](const std::string& input) {
          return rounded.contains(input);
        }))
      continue;
    for (const std::string& input : node.inputs)
      if (made.contains(input) && std::ranges::find(summands, input) == summands.end())
        summands.push_back(input);
  }
  return summands;
}

Result<models::Int8Recipe> recipe_of(const graph::Graph& graph, const Observations& observations,
                                     const QuantizeOptions& options) {
  VISAVIS_CHECK(graph::validate(graph));
  VISAVIS_TRY(chosen, chosen_layers(graph, options.keep_float));
  models::Int8Recipe recipe{.keep_float = options.keep_float, .weight_steps = options.weight_steps};
  std::vector<std::string> ranged = inputs_of(chosen);
  std::ranges::copy(options.whole ? results_of(graph) : summands_of(graph, chosen),
                    std::back_inserter(ranged));
  for (const std::string& value : ranged) {
    VISAVIS_TRY(observed, find_observed(observations, value));
    const Range range = choose_range(*observed, options.method, options.kept);
    recipe.activations.emplace(
        value, models::Int8Range{.low = rounded(range.low), .high = rounded(range.high)});
  }
  if (!options.bias_correction) return recipe;
  for (const Layer& layer : chosen) {
    const graph::Node& node = maker_of(graph, layer.name);
    const graph::Tensor& weights = *weights_of(graph, node);
    const std::size_t axis = output_axis(node);
    const auto& values = std::get<Floats>(weights.values);
    VISAVIS_TRY(observed, find_observed(observations, layer.input));
    if (!are_finite(values) || !bias_of(graph, node, channels_of(node, weights)) ||
        observed->channel_means.size() != inputs_of_layer(node, weights))
      continue;
    const Floats errors = mean_errors(
        node, weights, quantize_weights(values, weights.shape, axis, options.weight_steps),
        observed->channel_means);
    if (auto shifts = shifts_against(errors))
      recipe.bias_shifts.emplace(layer.name, *std::move(shifts));
  }
  return recipe;
}

Result<graph::Graph> quantize(graph::Graph graph, const models::Int8Recipe& recipe) {
  VISAVIS_CHECK(graph::validate(graph));
  VISAVIS_TRY(even, equalize(std::move(graph), recipe.equalised));
  VISAVIS_TRY(raised, raise_opset(std::move(even), kOpset));
  VISAVIS_CHECK(Rewriter(raised, recipe).run());
  Ranges others;  // than those of what layers read
  for (const auto& [name, range] : recipe.activations)
    if (raised.initializer(name + "_scale") == nullptr) others.emplace(name, range);
  if (others.empty()) return raised;
  return round_results(std::move(raised), others);
}

Result<graph::Graph> quantize(graph::Graph graph, const Observations& observations,
                              const QuantizeOptions& options) {
  VISAVIS_TRY(recipe, recipe_of(graph, observations, options));
  return quantize(std::move(graph), recipe);
}

Result<std::vector<std::byte>> make_int8(std::span<const std::byte> onnx,
                                         const models::Int8Recipe& recipe) {
  VISAVIS_TRY(graph, graph::read_onnx(onnx));
  VISAVIS_TRY(made, quantize(graph::fold_batch_norm(std::move(graph)), recipe));
  return graph::write_onnx(made);
}

Result<std::vector<std::byte>> make_f16(std::span<const std::byte> onnx) {
  VISAVIS_TRY(read, graph::read_onnx(onnx));
  VISAVIS_TRY(made, graph::halve_weights(graph::fold_batch_norm(std::move(read))));
  if (made.tensors == 0)
    return fail(ErrorCode::kUnsupported, "none of the weights can be stored in 16 bits");
  return graph::write_onnx(made.graph);
}

ChannelSteps quantize_weights(std::span<const float> weights, const graph::Shape& shape,
                              std::size_t axis, int most) {
  std::size_t block = 1;  // neighbours in one channel
  for (std::size_t d = axis + 1; d < shape.size(); ++d) block *= static_cast<std::size_t>(shape[d]);
  const auto channels = static_cast<std::size_t>(shape[axis]);
  const auto most_steps = static_cast<float>(most);
  ChannelSteps rounded{.steps = std::vector<std::int8_t>(weights.size()),
                       .scales = Floats(channels)};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    float& peak = rounded.scales[i / block % channels];
    peak = std::max(peak, std::abs(weights[i]));
  }
  for (float& scale : rounded.scales)  // subnormal steps are flushed to 0 by engines
    scale = scale > most_steps * std::numeric_limits<float>::min() ? scale / most_steps : 1;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const float steps = std::nearbyint(weights[i] / rounded.scales[i / block % channels]);
    rounded.steps[i] = static_cast<std::int8_t>(std::clamp(steps, -most_steps, most_steps));
  }
  return rounded;
}

}  // namespace visavis::modelkit
