#include "visavis/graph/channels_last.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lowering.hpp"
#include "visavis/core/hash.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/onnx.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

namespace to = channels_last;

struct Row {
  std::string_view op;
  to::Rule rule;
  bool reads_first_only = false;  ///< What else it reads has gone into shapes.
};

constexpr auto kRules = std::to_array<Row>({{"Conv", to::convolution},
                                            {"ConvTranspose", to::transposed_convolution},
                                            {"MaxPool", to::max_pool},
                                            {"AveragePool", to::average_pool},
                                            {"GlobalAveragePool", to::global_pool},
                                            {"GlobalMaxPool", to::global_pool},
                                            {"ReduceMean", to::reduce_mean},
                                            {"Resize", to::resize, true},
                                            {"Upsample", to::resize, true},
                                            {"Gemm", to::gemm},
                                            {"MatMul", to::mat_mul},
                                            {"Relu", to::unary},
                                            {"HardSwish", to::unary},
                                            {"Sigmoid", to::unary},
                                            {"Tanh", to::unary},
                                            {"Exp", to::unary},
                                            {"Log", to::unary},
                                            {"Neg", to::unary},
                                            {"Abs", to::unary},
                                            {"Sqrt", to::unary},
                                            {"Clip", to::clip},
                                            {"LeakyRelu", to::leaky_relu},
                                            {"PRelu", to::parametric_relu},
                                            {"Elu", to::elu},
                                            {"HardSigmoid", to::hard_sigmoid},
                                            {"Add", to::binary},
                                            {"Sub", to::binary},
                                            {"Mul", to::binary},
                                            {"Div", to::binary},
                                            {"Pow", to::binary},
                                            {"Max", to::binary},
                                            {"Min", to::binary},
                                            {"BatchNormalization", to::batch_normalization},
                                            {"Softmax", to::softmax},
                                            {"QuantizeLinear", to::quantize_linear},
                                            {"DequantizeLinear", to::dequantize_linear},
                                            {"Reshape", to::reshape, true},
                                            {"Flatten", to::reshape, true},
                                            {"Squeeze", to::reshape, true},
                                            {"Unsqueeze", to::reshape, true},
                                            {"Identity", to::identity},
                                            {"Dropout", to::identity, true},
                                            {"Transpose", to::transpose},
                                            {"Concat", to::concat},
                                            {"Split", to::split, true},
                                            {"Slice", to::slice},
                                            {"Gather", to::gather},
                                            {"Pad", to::pad}});

const Row* rule_of(const Node& node) {
  const auto* found = std::ranges::find(kRules, node.op, &Row::op);
  return found == kRules.end() ? nullptr : found;
}

/// The nodes that outputs are computed from, not counting what shapes are computed from.
std::set<const Node*> needed(const Graph& graph) {
  std::set<std::string_view> wanted;
  for (const ValueInfo& output : graph.outputs) wanted.insert(output.name);
  std::set<const Node*> out;
  for (std::size_t i = graph.nodes.size(); i-- > 0;) {
    const Node& node = graph.nodes[i];
    if (std::ranges::none_of(node.outputs,
                             [&](const std::string& made) { return wanted.contains(made); }))
      continue;
    out.insert(&node);
    const Row* row = rule_of(node);
    const std::size_t read = row != nullptr && row->reads_first_only ? 1 : node.inputs.size();
    for (std::size_t j = 0; j < std::min(read, node.inputs.size()); ++j)
      wanted.insert(node.inputs[j]);
  }
  return out;
}

}  // namespace

Result<ChannelsLast> to_channels_last(const Graph& given, std::span<const Shape> inputs,
                                      PictureOrder order, const Evaluate& evaluate) {
  const std::vector<Shape> sizes(inputs.begin(), inputs.end());
  VISAVIS_TRY(graph, fold_shapes(given, std::span(&sizes, 1), evaluate));
  VISAVIS_TRY(shapes, infer_shapes(graph, inputs, evaluate));
  const std::set<const Node*> wanted = needed(graph);
  std::set<std::string> unknown;
  for (const Node* node : wanted)
    if (rule_of(*node) == nullptr) unknown.insert(node->op);
  if (!unknown.empty()) {
    std::string text;
    for (const std::string& op : unknown) text += (text.empty() ? "" : ", ") + op;
    return fail(ErrorCode::kUnsupported, "there is no channels-last form of " + text);
  }
  const bool as_last = order == PictureOrder::kChannelsLast;
  to::Lowering lower(graph, std::move(shapes));
  for (const ValueInfo& value : graph.inputs) lower.input(value, as_last);
  for (const Node& node : graph.nodes) {
    // Weights that are stored as steps are read by whom they belong to.
    if (!wanted.contains(&node) || lower.constant(node.outputs[0]) != nullptr) continue;
    VISAVIS_CHECK(rule_of(node)->rule(lower, node));
  }
  for (const ValueInfo& value : graph.outputs) lower.output(value, as_last);
  return std::move(lower).finish();
}

Result<Sha256> hash_of_layers(const ChannelsLast& network) {
  Graph graph = network.graph;
  for (ValueInfo& value : graph.inputs) value.shape.assign(value.shape.size(), -1);
  for (ValueInfo& value : graph.outputs) value.shape.assign(value.shape.size(), -1);
  VISAVIS_TRY(bytes, write_onnx(graph));
  return sha256(bytes);
}

}  // namespace visavis::graph
