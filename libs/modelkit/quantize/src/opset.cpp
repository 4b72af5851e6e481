#include "opset.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
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

}  // namespace

Result<graph::Graph> raise_opset(graph::Graph graph, std::int64_t opset) {
  if (graph.opset >= opset) return graph;
  if (graph.opset < kOldest)
    return fail(ErrorCode::kUnsupported, "networks of operator set " + std::to_string(graph.opset) +
                                             " cannot be raised to " + std::to_string(opset));
  for (const graph::Node& node : graph.nodes)
    if (std::ranges::find(kUnchanged, node.op) == kUnchanged.end())
      return fail(ErrorCode::kUnsupported,
                  node.op + " of operator set " + std::to_string(graph.opset) +
                      " may mean something else in " + std::to_string(opset));
  graph.opset = opset;
  return graph;
}

}  // namespace visavis::modelkit
