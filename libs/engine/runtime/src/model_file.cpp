#include "model_file.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
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

Result<void> check_precision(std::string_view engine, Precision precision, bool quantised) {
  if (precision == Precision::kInt8 && !quantised)
    return fail(ErrorCode::kUnsupported, "int8 needs a quantised model, and this one is not");
  if (precision == Precision::kF32 || precision == Precision::kInt8) return {};
  return fail(ErrorCode::kUnsupported, "the " + std::string(engine) +
                                           " engine computes in f32, not in " +
                                           std::string(to_string(precision)));
}

}  // namespace visavis::runtime
