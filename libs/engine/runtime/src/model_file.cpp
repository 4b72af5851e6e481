#include "model_file.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>

namespace visavis::runtime {

Result<graph::Graph> read_model(std::span<const std::byte> bytes) {
  if (bytes.empty()) return fail(ErrorCode::kDecodeFailed, "the model file is empty");
  return graph::read_onnx(bytes);
}

bool is_quantised(const graph::Graph& graph) {
  return std::ranges::any_of(graph.nodes, [](const graph::Node& node) {
    const std::string_view op = node.op;
    return op == "QuantizeLinear" || op == "DequantizeLinear" || op == "DynamicQuantizeLinear" ||
           op.starts_with("QLinear") || op.ends_with("Integer");
  });
}

}  // namespace visavis::runtime
