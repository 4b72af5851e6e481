#include "opset.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {
namespace {

constexpr std::int64_t kOldest = 9;  // until it BatchNormalization had a form for each pixel

/// Operators of which a form that is valid in set 9 means the same in set 13, by the changelog of
/// the ONNX operators: later versions only allow more types, axes from the end or inputs left out.
constexpr auto kUnchanged = std::to_array<std::string_view>(
    {"Abs",           "Add",      "AveragePool", "BatchNormalization",
     "Concat",        "Constant", "Conv",        "Div",
     "Elu",           "Exp",      "Flatten",     "Gather",
     "Gemm",          "Identity", "LeakyRelu",   "GlobalAveragePool",
     "GlobalMaxPool", "MatMul",   "MaxPool",     "Mul",
     "Neg",           "PRelu",    "Relu",        "Reshape",
     "Shape",         "Sigmoid",  "Sqrt",        "Sub",
     "Tanh",          "Transpose"});

/// An attribute of old sets that is an input of newer ones.
void into_input(graph::Graph& graph, graph::Node& node, std::string_view name) {
  const auto found =
      std::ranges::find(node.attributes, name, &std::pair<std::string, graph::Attribute>::first);
  if (found == node.attributes.end()) return;
  auto values = node.get_or<std::vector<std::int64_t>>(name, {});
  node.attributes.erase(found);
  node.inputs.push_back(node.outputs.front() + "_" + std::string(name));
  const auto count = static_cast<std::int64_t>(values.size());
  graph.initializers.push_back(
      {.name = node.inputs.back(), .shape = {count}, .values = std::move(values)});
}

/// Until set 13 Softmax made a matrix of everything, split before the axis: the same if that is the
/// last one. How many there are is known of what the network gives out.
bool is_over_last_axis(const graph::Graph& graph, const graph::Node& node) {
  const auto output =
      std::ranges::find(graph.outputs, node.outputs.front(), &graph::ValueInfo::name);
  if (output == graph.outputs.end()) return false;
  const auto axis = node.get_or<std::int64_t>("axis", 1);
  return axis == -1 || axis + 1 == static_cast<std::int64_t>(output->shape.size());
}

/// @return false for an operator that may mean something else
bool raise(graph::Graph& graph, graph::Node& node) {
  if (node.op == "Softmax") {
    if (!is_over_last_axis(graph, node)) return false;
    std::erase_if(node.attributes, [](const auto& attribute) { return attribute.first == "axis"; });
    node.attributes.emplace_back("axis", std::int64_t{-1});
    return true;
  }
  if (node.op == "Slice" || node.op == "Unsqueeze") {
    for (const std::string_view name : {"starts", "ends", "axes"}) into_input(graph, node, name);
    return true;
  }
  // From set 11 on, but for coordinates that set 13 no longer has.
  if (node.op == "Resize")
    return graph.opset >= 11 &&
           node.get_or<std::string>("coordinate_transformation_mode", "") != "tf_half_pixel_for_nn";
  return std::ranges::find(kUnchanged, node.op) != kUnchanged.end();
}

}  // namespace

Result<graph::Graph> raise_opset(graph::Graph graph, std::int64_t opset) {
  if (graph.opset >= opset) return graph;
  if (graph.opset < kOldest)
    return fail(ErrorCode::kUnsupported, "networks of operator set " + std::to_string(graph.opset) +
                                             " cannot be raised to " + std::to_string(opset));
  for (graph::Node& node : graph.nodes)
    if (!raise(graph, node))
      return fail(ErrorCode::kUnsupported,
                  node.op + " of operator set " + std::to_string(graph.opset) +
                      " may mean something else in " + std::to_string(opset));
  graph.opset = opset;
  return graph;
}

}  // namespace visavis::modelkit
