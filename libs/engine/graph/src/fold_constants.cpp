#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

using Names = std::unordered_set<std::string>;

/// Weights are kept as the integers that they are.
bool keeps_integers(const Node& node) {
  return node.op == "DequantizeLinear" || node.op == "QuantizeLinear";
}

/// The nodes that depend on no input, in their order; the rest stays in the graph.
std::vector<Node> take_constant(Graph& graph) {
  Names known = {""};
  for (const Tensor& tensor : graph.initializers) known.insert(tensor.name);
  std::vector<Node> constant;
  std::vector<Node> others;
  for (Node& node : graph.nodes) {
    const auto is_known = [&](const std::string& name) { return known.contains(name); };
    const bool fixed = std::ranges::all_of(node.inputs, is_known) && !keeps_integers(node);
    if (fixed) known.insert(node.outputs.begin(), node.outputs.end());
    (fixed ? constant : others).push_back(std::move(node));
  }
  graph.nodes = std::move(others);
  return constant;
}

/// What the rest of the graph reads of them.
std::vector<ValueInfo> read_of(std::span<const Node> constant, const Graph& rest) {
  Names read;
  for (const Node& node : rest.nodes) read.insert(node.inputs.begin(), node.inputs.end());
  for (const ValueInfo& output : rest.outputs) read.insert(output.name);
  std::vector<ValueInfo> values;
  for (const Node& node : constant) {
    for (const std::string& output : node.outputs) {
      if (!output.empty() && read.contains(output)) values.push_back({.name = output, .shape = {}});
    }
  }
  return values;
}

}  // namespace

Result<Graph> fold_constants(Graph graph, const Evaluate& evaluate) {
  graph = widen_halves(std::move(graph));
  Graph fixed{.name = graph.name,
              .opset = graph.opset,
              .inputs = {},
              .outputs = {},
              .initializers = graph.initializers,
              .nodes = take_constant(graph)};
  fixed.outputs = read_of(fixed.nodes, graph);
  if (fixed.outputs.empty()) return graph;
  VISAVIS_TRY(values, evaluate(remove_unused(fixed), {}));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i].name = fixed.outputs[i].name;
    graph.initializers.push_back(std::move(values[i]));
  }
  return remove_unused(std::move(graph));
}

}  // namespace visavis::graph
