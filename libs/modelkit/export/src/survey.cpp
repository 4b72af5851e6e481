#include "survey.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

namespace visavis::modelkit {

Result<Survey> Survey::of(const graph::Graph& graph, std::int64_t free_size) {
  Survey survey(graph);
  std::vector<Shape> inputs;
  for (const graph::ValueInfo& input : graph.inputs) {
    inputs.push_back(input.shape);
    for (std::size_t axis = 0; axis < input.shape.size(); ++axis) {
      if (input.shape[axis] >= 0) continue;
      inputs.back()[axis] = axis == 0 ? 1 : free_size;
      (axis == 0 ? survey.batch_is_free_ : survey.sizes_are_free_) = true;
    }
  }
  VISAVIS_TRY(engine, runtime::find_engine("reference"));
  VISAVIS_TRY(shapes, graph::infer_shapes(graph, inputs, runtime::evaluate_with(*engine)));
  survey.shapes_ = std::move(shapes);
  for (const graph::Node& node : graph.nodes)
    for (const std::string& input : node.inputs) ++survey.uses_[input];
  return survey;
}

const std::vector<float>* Survey::floats(const graph::Node& node, std::size_t input) const {
  if (!has(node, input)) return nullptr;
  const graph::Tensor* tensor = graph_->initializer(node.inputs[input]);
  return tensor == nullptr ? nullptr : std::get_if<std::vector<float>>(&tensor->values);
}

std::optional<std::vector<std::int64_t>> Survey::integers(const graph::Node& node,
                                                          std::string_view attribute,
                                                          std::size_t input) const {
  using Ints = std::vector<std::int64_t>;
  if (const graph::Attribute* found = node.find(attribute)) {
    const auto* ints = std::get_if<Ints>(found);
    return ints == nullptr ? std::nullopt : std::optional<Ints>(*ints);
  }
  if (!has(node, input)) return std::nullopt;
  const graph::Tensor* tensor = graph_->initializer(node.inputs[input]);
  if (tensor == nullptr) return std::nullopt;
  if (const auto* wide = std::get_if<Ints>(&tensor->values)) return *wide;
  if (const auto* narrow = std::get_if<std::vector<std::int32_t>>(&tensor->values))
    return Ints(narrow->begin(), narrow->end());
  return std::nullopt;
}

std::size_t Survey::uses(const std::string& value) const {
  const auto found = uses_.find(value);
  return found == uses_.end() ? 0 : found->second;
}

bool Survey::is_output(std::string_view value) const {
  return std::ranges::find(graph_->outputs, value, &graph::ValueInfo::name) !=
         graph_->outputs.end();
}

std::optional<std::vector<WindowAxis>> Survey::windows(const graph::Node& node,
                                                       const Shape& kernel) const {
  const Shape& x = shape(node.inputs[0]);
  const Shape& y = shape(node.outputs[0]);
  if (x.size() != 4 || y.size() != 4 || kernel.size() != 2) return std::nullopt;
  const auto strides = node.get_or("strides", Shape{1, 1});
  const auto dilations = node.get_or("dilations", Shape{1, 1});
  const auto pads = node.get_or("pads", Shape{0, 0, 0, 0});
  const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
  if (strides.size() != 2 || dilations.size() != 2 || pads.size() != 4) return std::nullopt;
  std::vector<WindowAxis> axes;
  for (std::size_t i = 0; i < 2; ++i) {
    WindowAxis axis{.size = x[2 + i],
                    .out = y[2 + i],
                    .kernel = kernel[i],
                    .stride = strides[i],
                    .dilation = dilations[i],
                    .before = pads[i],
                    .after = pads[2 + i]};
    if (automatic != "NOTSET") axis.before = axis.after = 0;
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      if (sizes_are_free_) return std::nullopt;
      const std::int64_t reach = axis.dilation * (axis.kernel - 1) + 1;
      const std::int64_t all =
          std::max<std::int64_t>((axis.out - 1) * axis.stride + reach - axis.size, 0);
      axis.before = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
      axis.after = all - axis.before;
    }
    axes.push_back(axis);
  }
  return axes;
}

Result<graph::Graph> settle_shapes(graph::Graph graph) {
  const auto is_shape = [](const graph::Node& node) { return node.op == "Shape"; };
  if (std::ranges::none_of(graph.nodes, is_shape)) return graph;
  VISAVIS_TRY(survey, Survey::of(graph, 1));
  if (survey.sizes_are_free()) return graph;
  for (const graph::Node& node : graph.nodes) {
    if (!is_shape(node)) continue;
    const Shape& shape = survey.shape(node.inputs[0]);
    graph.initializers.push_back({.name = node.outputs[0],
                                  .shape = {static_cast<std::int64_t>(shape.size())},
                                  .values = shape});
  }
  std::erase_if(graph.nodes, is_shape);
  VISAVIS_TRY(engine, runtime::find_engine("reference"));
  return graph::fold_constants(graph::remove_unused(std::move(graph)),
                               runtime::evaluate_with(*engine));
}

std::set<std::string> other_operators(const graph::Graph& graph,
                                      const std::set<std::string_view>& known) {
  std::set<std::string> out;
  for (const graph::Node& node : graph.nodes)
    if (!known.contains(node.op)) out.insert(node.op);
  return out;
}

std::string joined(const std::set<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

}  // namespace visavis::modelkit
