#include "visavis/import/sizes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>

namespace visavis::modelkit {

std::vector<graph::Shape> input_shapes(const graph::Graph& graph, std::int64_t free_size) {
  std::vector<graph::Shape> shapes;
  for (const graph::ValueInfo& input : graph.inputs) {
    graph::Shape& shape = shapes.emplace_back(input.shape);
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      if (shape[axis] < 0) shape[axis] = axis == 0 ? 1 : free_size;
  }
  return shapes;
}

bool has_free_sizes(const graph::Graph& graph) {
  return input_shapes(graph, 1) != input_shapes(graph, 2);
}

Result<std::int64_t> fitting_size(const graph::Graph& graph, std::int64_t least,
                                  const graph::Evaluate& evaluate) {
  constexpr auto kUsual = std::to_array<std::int64_t>({48, 64, 112, 160, 224, 320, 640});
  const auto asked = graph::infer_shapes(graph, input_shapes(graph, least), evaluate);
  if (asked) return least;
  if (has_free_sizes(graph))
    for (const std::int64_t size : kUsual)
      if (size > least && graph::infer_shapes(graph, input_shapes(graph, size), evaluate))
        return size;
  return std::unexpected(asked.error());
}

Result<graph::Graph> fix_sizes(graph::Graph graph, std::int64_t size,
                               const graph::Evaluate& evaluate) {
  const std::vector<graph::Shape> inputs = input_shapes(graph, size);
  VISAVIS_TRY(shapes, graph::infer_shapes(graph, inputs, evaluate));
  const auto settle = [](graph::Shape& declared, const graph::Shape& known) {
    if (declared.size() != known.size()) return;
    for (std::size_t axis = 1; axis < known.size(); ++axis) declared[axis] = known[axis];
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) settle(graph.inputs[i].shape, inputs[i]);
  for (graph::ValueInfo& output : graph.outputs) settle(output.shape, shapes.at(output.name));
  return graph;
}

}  // namespace visavis::modelkit
