#include "tensorrt.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
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
#include <visavis/import/import.hpp>
#include <visavis/import/sizes.hpp>

#include "survey.hpp"

namespace visavis::modelkit {
namespace {

/// Of the operators that networks here have, what TensorRT 8.4 takes (onnx-tensorrt,
/// docs/operators.md).
constexpr auto kSupported = std::to_array<std::string_view>({"Abs",
                                                             "Add",
                                                             "AveragePool",
                                                             "BatchNormalization",
                                                             "Cast",
                                                             "Clip",
                                                             "Concat",
                                                             "Constant",
                                                             "Conv",
                                                             "ConvTranspose",
                                                             "DequantizeLinear",
                                                             "Div",
                                                             "Dropout",
                                                             "Elu",
                                                             "Erf",
                                                             "Exp",
                                                             "Expand",
                                                             "Flatten",
                                                             "Gather",
                                                             "Gemm",
                                                             "GlobalAveragePool",
                                                             "GlobalMaxPool",
                                                             "HardSigmoid",
                                                             "Identity",
                                                             "InstanceNormalization",
                                                             "LeakyRelu",
                                                             "Log",
                                                             "MatMul",
                                                             "Max",
                                                             "MaxPool",
                                                             "Min",
                                                             "Mul",
                                                             "Neg",
                                                             "PRelu",
                                                             "Pad",
                                                             "Pow",
                                                             "Reciprocal",
                                                             "ReduceL2",
                                                             "QuantizeLinear",
                                                             "ReduceMax",
                                                             "ReduceMean",
                                                             "ReduceMin",
                                                             "ReduceSum",
                                                             "Relu",
                                                             "Reshape",
                                                             "Resize",
                                                             "Shape",
                                                             "Sigmoid",
                                                             "Slice",
                                                             "Softmax",
                                                             "Softplus",
                                                             "Split",
                                                             "Sqrt",
                                                             "Squeeze",
                                                             "Sub",
                                                             "Sum",
                                                             "Tanh",
                                                             "Transpose",
                                                             "Unsqueeze",
                                                             "Upsample"});

/// Steps are int8 around 0: no zero point, or one of zeros.
bool is_symmetric(const graph::Graph& graph, const graph::Node& node) {
  if (node.inputs.size() < 3 || node.inputs[2].empty()) return node.op == "DequantizeLinear";
  const graph::Tensor* zero = graph.initializer(node.inputs[2]);
  const auto* values =
      zero == nullptr ? nullptr : std::get_if<std::vector<std::int8_t>>(&zero->values);
  return values != nullptr && std::ranges::all_of(*values, [](int value) { return value == 0; });
}

/// What is not taken of a node; empty if all is.
std::string objection(const graph::Graph& graph, const graph::Node& node) {
  if (std::ranges::find(kSupported, node.op) == kSupported.end()) return node.op;
  if (node.op == "MaxPool" && node.outputs.size() > 1) return "MaxPool with places of the largest";
  if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear")
    return is_symmetric(graph, node) ? "" : node.op + " with steps other than int8 around 0";
  return "";
}

/// HardSwish as x · HardSigmoid(x) with slope 1/6, which is what ONNX defines it to be.
graph::Graph without_hard_swish(graph::Graph graph) {
  std::set<std::string, std::less<>> names;
  for (const graph::Node& node : graph.nodes)
    names.insert(node.outputs.begin(), node.outputs.end());
  std::vector<graph::Node> nodes;
  for (graph::Node& node : graph.nodes) {
    if (node.op == "HardSwish") {
      std::string gate = node.outputs[0] + ".gate";
      while (!names.insert(gate).second) gate += '_';
      nodes.push_back({.op = "HardSigmoid",
                       .name = gate,
                       .inputs = {node.inputs[0]},
                       .outputs = {gate},
                       .attributes = {{"alpha", 1 / 6.F}, {"beta", .5F}}});
      node.op = "Mul";
      node.inputs.push_back(std::move(gate));
    }
    nodes.push_back(std::move(node));
  }
  graph.nodes = std::move(nodes);
  return graph;
}

Result<void> check(const graph::Graph& graph) {
  std::set<std::string> objections;
  for (const graph::Node& node : graph.nodes)
    if (const std::string found = objection(graph, node); !found.empty()) objections.insert(found);
  // A name goes into a command line.
  for (const graph::ValueInfo& input : graph.inputs)
    if (input.name.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
            "_./") != std::string::npos)
      objections.insert(
          "an input whose name has other characters than letters, digits, _, . and /");
  if (objections.empty()) return {};
  std::string text;
  for (const std::string& each : objections) text += (text.empty() ? "" : "; ") + each;
  return fail(ErrorCode::kUnsupported, "TensorRT does not take " + text);
}

/// "input:1x3x112x112", and so on for every input.
std::string shapes(const graph::Graph& graph, const std::string& batch, const std::string& size) {
  std::string text;
  for (const graph::ValueInfo& input : graph.inputs) {
    text += (text.empty() ? "" : ",") + input.name + ":";
    for (std::size_t i = 0; i < input.shape.size(); ++i)
      text += (i == 0 ? "" : "x") + (input.shape[i] >= 0 ? std::to_string(input.shape[i])
                                     : i == 0            ? batch
                                                         : size);
  }
  return text;
}

/// The ranges of free dimensions, which whoever builds may change.
std::string profile(bool sizes_are_free, const std::string& least) {
  std::string told = "# The batch is to be from 1 to MAX_BATCH (32), most often OPT_BATCH (8)";
  if (sizes_are_free) {
    told += ";\n# heights and widths from MIN_SIZE (" + least +
            ") to MAX_SIZE (1280), most often OPT_SIZE (640)";
  }
  told += ". For example:\n#   MAX_BATCH=64 sh build.sh\n";
  return told;
}

std::string script(const graph::Graph& graph) {
  const bool is_free = std::ranges::any_of(graph.inputs, [](const graph::ValueInfo& input) {
    return std::ranges::any_of(input.shape, [](std::int64_t n) { return n < 0; });
  });
  std::string text =
      "#!/bin/sh\n"
      "# Builds network.plan for the GPU of this machine with TensorRT's trtexec (8.4 or later).\n"
      "# What is given goes on to trtexec, for example --fp16.\n";
  const bool sizes_are_free = has_free_sizes(graph);
  const std::string least =
      sizes_are_free ? std::to_string(least_size(graph, usual_size(graph))) : "";
  if (is_free) text += profile(sizes_are_free, least);
  text +=
      "set -eu\n"
      "cd \"$(dirname \"$0\")\"\n"
      "exec trtexec --onnx=network.onnx --saveEngine=network.plan";
  if (is_free) {
    text += " \\\n  --minShapes=\"" + shapes(graph, "1", "${MIN_SIZE:-" + least + "}") +
            "\" \\\n  --optShapes=\"" + shapes(graph, "${OPT_BATCH:-8}", "${OPT_SIZE:-640}") +
            "\" \\\n  --maxShapes=\"" + shapes(graph, "${MAX_BATCH:-32}", "${MAX_SIZE:-1280}") +
            "\"";
  }
  return text + " \"$@\"\n";
}

}  // namespace

Result<std::vector<Part>> export_tensorrt(const graph::Graph& given, const std::string& /*stem*/) {
  if (graph::has_halves(given))
    return fail(
        ErrorCode::kUnsupported,
        "TensorRT gets weights of float32: its plan has halves if build.sh is given --fp16");
  const graph::Graph graph = without_hard_swish(given);
  VISAVIS_CHECK(check(graph));
  VISAVIS_TRY(onnx, graph::write_onnx(graph));
  const std::string text = script(graph);
  const auto bytes = std::as_bytes(std::span(text));
  std::vector<Part> parts;
  parts.push_back({.name = "network.onnx", .bytes = std::move(onnx)});
  parts.push_back({.name = "build.sh", .bytes = {bytes.begin(), bytes.end()}});
  return parts;
}

}  // namespace visavis::modelkit
