/// The walk along a graph whose values' shapes are asked, and what they make constant.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "inference.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"
#include "visavis/graph/shapes.hpp"

namespace visavis::graph {
namespace inference {
namespace {

/// That are computed beforehand, all together.
constexpr std::size_t kMostNumbers = std::size_t{1} << 24;

}  // namespace

std::unexpected<Error> wrong(const Node& node, std::string_view what) {
  return fail(
      ErrorCode::kInvalidArgument,
      node.op + (node.name.empty() ? "" : " \"" + node.name + "\"") + ": " + std::string(what));
}

Result<std::size_t> axis_of(const Node& node, std::int64_t axis, std::size_t rank) {
  const auto found = axis_among(axis, rank);
  if (!found) return wrong(node, "an axis beyond the shape");
  return *found;
}

Result<Shape> broadcast(const Node& node, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return wrong(node, "shapes that do not go together");
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

Result<void> Inference::infer(std::span<const Shape> inputs) {
  if (inputs.size() != graph_.inputs.size())
    return fail(ErrorCode::kInvalidArgument, "there are " + std::to_string(graph_.inputs.size()) +
                                                 " inputs, not " + std::to_string(inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    VISAVIS_CHECK(element_count(inputs[i]));
    shapes_[graph_.inputs[i].name] = inputs[i];
  }
  for (const Tensor& tensor : graph_.initializers) know(tensor.name, &tensor);
  for (const Node& node : graph_.nodes) VISAVIS_CHECK(visit(node));
  return {};
}

const Tensor* Inference::constant(const std::string& name) const {
  const auto found = constants_.find(name);
  return found == constants_.end() ? nullptr : found->second;
}

void Inference::know(const std::string& name, const Tensor* tensor) {
  constants_[name] = tensor;
  shapes_[name] = tensor->shape;
}

Result<void> Inference::keep(const Node& node, std::size_t output, Shape shape) {
  if (output >= node.outputs.size() || node.outputs[output].empty()) return {};
  VISAVIS_CHECK(element_count(shape));
  shapes_[node.outputs[output]] = std::move(shape);
  return {};
}

Result<void> Inference::visit(const Node& node) {
  if (node.op == "Shape") return keep_shape(node);
  if (is_constant(node)) {
    // Who evaluates may be less strict than whoever relies on shapes.
    if (const Rule* rule = rule_of(node.op)) {
      const auto shape = (this->*rule->apply)(node);
      if (!shape && shape.error().code == ErrorCode::kInvalidArgument)
        return std::unexpected(shape.error());
    }
    return compute(node);
  }
  if (node.op == "Split") return split(node);
  VISAVIS_TRY(shape, shape_of(node));
  return keep(node, 0, std::move(shape));
}

Result<void> Inference::keep_shape(const Node& node) {
  if (node.find("start") != nullptr || node.find("end") != nullptr)
    return fail(ErrorCode::kUnsupported, "Shape of some dimensions only");
  VISAVIS_TRY(shape, input(node, 0));
  remember({.name = node.outputs.front(),
            .shape = {static_cast<std::int64_t>(shape->size())},
            .values = *shape});
  return {};
}

bool Inference::is_constant(const Node& node) const {
  return std::ranges::all_of(node.inputs, [&](const std::string& name) {
    return name.empty() || constants_.contains(name);
  });
}

Result<void> Inference::compute(const Node& node) {
  Graph alone{.name = "constant",
              .opset = graph_.opset,
              .inputs = {},
              .outputs = {},
              .initializers = {},
              .nodes = {node}};
  for (const std::string& output : node.outputs)
    if (!output.empty()) alone.outputs.push_back({.name = output, .shape = {}});
  for (const std::string& name : node.inputs)
    if (!name.empty() && alone.initializer(name) == nullptr)
      alone.initializers.push_back(*constants_.at(name));
  VISAVIS_TRY(values, evaluate_(alone, {}));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i].name = alone.outputs[i].name;
    numbers_ += values[i].size();
    if (numbers_ > kMostNumbers)
      return fail(ErrorCode::kResourceExhausted, "shapes are computed from too many numbers");
    remember(std::move(values[i]));
  }
  return {};
}

void Inference::remember(Tensor computed) {
  computed_.push_back(std::make_unique<Tensor>(std::move(computed)));
  know(computed_.back()->name, computed_.back().get());
}

Result<const Shape*> Inference::input(const Node& node, std::size_t i) const {
  if (i >= node.inputs.size() || node.inputs[i].empty()) return wrong(node, "too few inputs");
  const auto found = shapes_.find(node.inputs[i]);
  if (found != shapes_.end()) return &found->second;
  return fail(ErrorCode::kUnsupported, node.op + ": it reads a second output of an operator");
}

Result<std::optional<Ints>> Inference::numbers(const Node& node, std::string_view attribute,
                                               std::size_t i) const {
  if (const Attribute* found = node.find(attribute)) {
    const auto* ints = std::get_if<Ints>(found);
    if (ints == nullptr) return wrong(node, "an attribute of another type");
    return *ints;
  }
  if (!has(node, i)) return std::nullopt;
  const auto found = constants_.find(node.inputs[i]);
  if (found == constants_.end())
    return fail(ErrorCode::kUnsupported,
                node.op + ": its " + std::string(attribute) + " depend on the input's numbers");
  if (const auto* wide = std::get_if<Ints>(&found->second->values)) return *wide;
  if (const auto* narrow = std::get_if<std::vector<std::int32_t>>(&found->second->values))
    return Ints(narrow->begin(), narrow->end());
  return wrong(node, "numbers that are no integers");
}

const Inference::Rule* Inference::rule_of(std::string_view op) {
  static constexpr auto kRules = std::to_array<Rule>({
      {"Abs", &Inference::same},
      {"Add", &Inference::both},
      {"AveragePool", &Inference::pool},
      {"BatchNormalization", &Inference::by_channel},
      {"Cast", &Inference::same},
      {"Clip", &Inference::same},
      {"Concat", &Inference::concat},
      {"Conv", &Inference::convolution},
      {"ConvTranspose", &Inference::transposed},
      {"DequantizeLinear", &Inference::stepped},
      {"Div", &Inference::both},
      {"Dropout", &Inference::same},
      {"Elu", &Inference::same},
      {"Erf", &Inference::same},
      {"Exp", &Inference::same},
      {"Expand", &Inference::expand},
      {"Flatten", &Inference::flatten},
      {"Gather", &Inference::gather},
      {"Gemm", &Inference::gemm},
      {"GlobalAveragePool", &Inference::global_pool},
      {"GlobalMaxPool", &Inference::global_pool},
      {"HardSigmoid", &Inference::same},
      {"HardSwish", &Inference::same},
      {"Identity", &Inference::same},
      {"InstanceNormalization", &Inference::by_channel},
      {"LayerNormalization", &Inference::by_layer},
      {"LeakyRelu", &Inference::same},
      {"Log", &Inference::same},
      {"LpNormalization", &Inference::along},
      {"MatMul", &Inference::matmul},
      {"Max", &Inference::all},
      {"MaxPool", &Inference::pool},
      {"Min", &Inference::all},
      {"Mul", &Inference::both},
      {"Neg", &Inference::same},
      {"PRelu", &Inference::sloped},
      {"Pad", &Inference::pad},
      {"Pow", &Inference::both},
      {"QuantizeLinear", &Inference::stepped},
      {"ReduceL2", &Inference::reduce},
      {"ReduceMax", &Inference::reduce},
      {"ReduceMean", &Inference::reduce},
      {"ReduceMin", &Inference::reduce},
      {"ReduceSum", &Inference::reduce},
      {"Relu", &Inference::same},
      {"Reshape", &Inference::reshape},
      {"Resize", &Inference::resize},
      {"Sigmoid", &Inference::same},
      {"Slice", &Inference::slice},
      {"Softmax", &Inference::along},
      {"Sqrt", &Inference::same},
      {"Squeeze", &Inference::squeeze},
      {"Sub", &Inference::both},
      {"Sum", &Inference::all},
      {"Tanh", &Inference::same},
      {"Transpose", &Inference::transpose},
      {"Unsqueeze", &Inference::unsqueeze},
      {"Upsample", &Inference::resize},
  });
  const auto* rule = std::ranges::find(kRules, op, &Rule::op);
  return rule == kRules.end() ? nullptr : rule;
}

Result<Shape> Inference::shape_of(const Node& node) const {
  const Rule* rule = rule_of(node.op);
  if (rule == nullptr) return unknown(node);
  return (this->*rule->apply)(node);
}

std::unexpected<Error> Inference::unknown(const Node& first) const {
  std::set<std::string> all = {first.op};
  for (const Node& node : graph_.nodes)
    if (!is_constant(node) && node.op != "Shape" && node.op != "Split" &&
        rule_of(node.op) == nullptr)
      all.insert(node.op);
  std::string names;
  for (const std::string& op : all) names += (names.empty() ? "" : ", ") + op;
  return fail(ErrorCode::kUnsupported, "the shape of what " + names +
                                           (all.size() > 1 ? " give" : " gives") + " is not known");
}

}  // namespace inference

Result<Shapes> infer_shapes(const Graph& graph, std::span<const Shape> inputs,
                            const Evaluate& evaluate) {
  VISAVIS_CHECK(validate(graph));
  return inference::Inference(graph, evaluate).run(inputs);
}

namespace {

bool is_same(const Tensor& a, const Tensor& b) {
  return a.shape == b.shape && a.values == b.values;
}

/// The outputs of nodes that read nothing but shapes and constants, and at least one shape.
std::unordered_set<std::string> made_of_shapes(const Graph& graph) {
  std::unordered_set<std::string> constant = {""};
  std::unordered_set<std::string> out;
  for (const Tensor& tensor : graph.initializers) constant.insert(tensor.name);
  for (const Node& node : graph.nodes) {
    const auto is_known = [&](const std::string& name) {
      return constant.contains(name) || out.contains(name);
    };
    if (node.op != "Shape" && !std::ranges::all_of(node.inputs, is_known)) continue;
    const bool reads_shapes =
        node.op == "Shape" || std::ranges::any_of(node.inputs, [&](const std::string& name) {
          return out.contains(name);
        });
    (reads_shapes ? out : constant).insert(node.outputs.begin(), node.outputs.end());
  }
  out.erase("");
  return out;
}

}  // namespace

Result<Graph> fold_shapes(Graph graph, std::span<const std::vector<Shape>> sizes,
                          const Evaluate& evaluate) {
  VISAVIS_CHECK(validate(graph));
  const std::unordered_set<std::string> candidates = made_of_shapes(graph);
  if (candidates.empty() || sizes.empty()) return graph;
  std::unordered_map<std::string, Tensor> settled;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    inference::Inference inference(graph, evaluate);
    VISAVIS_CHECK(inference.infer(sizes[i]));
    for (const std::string& name : candidates) {
      const Tensor* value = inference.constant(name);
      if (i == 0 && value != nullptr) settled.emplace(name, *value);
      const auto found = settled.find(name);
      if (found != settled.end() && (value == nullptr || !is_same(found->second, *value)))
        settled.erase(found);
    }
  }
  std::vector<Node> rest;
  for (Node& node : graph.nodes) {
    const bool goes = std::ranges::all_of(node.outputs, [&](const std::string& name) {
      return name.empty() || settled.contains(name);
    });
    if (!goes) {
      rest.push_back(std::move(node));
      continue;
    }
    for (const std::string& name : node.outputs)
      if (!name.empty()) graph.initializers.push_back(std::move(settled.at(name)));
  }
  graph.nodes = std::move(rest);
  return remove_unused(std::move(graph));
}

}  // namespace visavis::graph
