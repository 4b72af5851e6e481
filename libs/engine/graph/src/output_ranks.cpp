#include "output_ranks.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

/// Of constants only what a Constant holds or an Identity hands on: ranks rarely hang on more.
Result<std::vector<Tensor>> held(const Graph& graph, std::span<const Tensor> /*inputs*/) {
  const Node& node = graph.nodes.front();
  if (node.op == "Identity" && graph.initializers.size() == 1) return graph.initializers;
  const Attribute* value = node.op == "Constant" ? node.find("value") : nullptr;
  const auto* tensor = value == nullptr ? nullptr : std::get_if<Tensor>(value);
  if (tensor == nullptr)
    return fail(ErrorCode::kUnsupported, node.op + " of constants, where a shape hangs on it");
  return std::vector<Tensor>{*tensor};
}

Result<Shapes> shapes_at(const Graph& graph, std::int64_t size) {
  std::vector<Shape> inputs;
  for (const ValueInfo& input : graph.inputs) {
    Shape& shape = inputs.emplace_back(input.shape);
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      if (shape[axis] < 0) shape[axis] = axis == 0 ? 1 : size;
  }
  return infer_shapes(graph, inputs, held);
}

}  // namespace

Result<Graph> with_output_ranks(Graph graph, const std::unordered_set<std::string>& outputs) {
  if (outputs.empty()) return graph;
  constexpr auto kSizes = std::to_array<std::int64_t>({224, 112, 160, 640, 48, 1});
  Result<Shapes> shapes = fail(ErrorCode::kUnsupported, "");
  for (const std::int64_t size : kSizes)
    if (!shapes) shapes = shapes_at(graph, size);
  for (ValueInfo& output : graph.outputs) {
    if (!outputs.contains(output.name)) continue;
    if (shapes && !shapes->contains(output.name))
      return fail(ErrorCode::kUnsupported, "the output \"" + output.name +
                                               "\", whose shape it leaves out and no rule tells");
    if (!shapes)
      return fail(
          ErrorCode::kUnsupported,
          "the shape of the output \"" + output.name +
              "\", which it leaves out and which cannot be told: " + shapes.error().message);
    output.shape.assign(shapes->at(output.name).size(), -1);
  }
  return graph;
}

}  // namespace visavis::graph
