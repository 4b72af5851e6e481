#include "tensorflow_to_onnx.hpp"

#include <tensorflow.pb.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "bundle.hpp"
#include "tensorflow.hpp"
#include "tensorflow_converter.hpp"
#include "tensorflow_graph.hpp"
#include "tensorflow_values.hpp"

namespace visavis::modelkit {
namespace tf {
namespace {

bool is_switch(std::string_view op) { return op == "Switch" || op == "RefSwitch"; }

}  // namespace

Converter::Converter(const TensorflowGraph& graph,
                     const std::map<std::string, TensorflowInput>& inputs, const Bundle* variables)
    : graph_(graph), inputs_(inputs), variables_(variables), values_(graph.nodes().size()) {}

Result<std::vector<std::byte>> Converter::run(std::span<const std::string> outputs) && {
  for (const std::size_t index : graph_.order()) VISAVIS_CHECK(convert(index));
  if (const std::string list = refusals_.text(); !list.empty())
    return fail(ErrorCode::kUnsupported, "the TensorFlow importer does not know " + list);
  for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
    const auto value = value_at(graph_.outputs()[i]);
    const Id* id = value ? std::get_if<Id>(&*value) : nullptr;
    if (id == nullptr)
      return fail(ErrorCode::kUnsupported, "the TensorFlow importer wants outputs of float32");
    if (const auto made = network_.output(outputs[i], *id); !made)
      return fail(made.error().code, "the TensorFlow importer wants " + made.error().message);
  }
  return std::move(network_).finish_onnx();
}

Result<std::vector<Value>> Converter::run(const Rule& rule, const Call& call) {
  if (const Splitter* several = std::get_if<Splitter>(&rule.run)) return (this->**several)(call);
  VISAVIS_TRY(value, (this->*std::get<Handler>(rule.run))(call));
  return std::vector<Value>{std::move(value)};
}

std::optional<Value> Converter::value_at(const TensorflowGraph::Port& port) const {
  const auto& outputs = values_[port.node];
  if (port.output >= outputs.size() || std::holds_alternative<std::monostate>(outputs[port.output]))
    return std::nullopt;
  return outputs[port.output];
}

Result<void> Converter::convert(std::size_t index) {
  const TensorflowGraph::Node& node = graph_.nodes()[index];
  auto& outputs = values_[index];
  if (node.dead) return {};
  if (node.op == "_Call" || node.op == "IdentityN") {
    for (const TensorflowGraph::Port& port : node.inputs)
      outputs.push_back(value_at(port).value_or(Value{}));
    return {};
  }
  Call call{.node = node, .inputs = {}};
  bool known = true;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const bool merges = node.op == "Merge" || node.op == "RefMerge";
    if ((merges && i != node.alive) || (is_switch(node.op) && i > 0)) continue;
    const auto value = value_at(node.inputs[i]);
    known = known && value.has_value();
    call.inputs.push_back(value.value_or(Value{}));
  }
  const Rule* rule = rule_of(node.op);
  if (rule == nullptr) {
    refusals_.unknown(node.op);
    return {};
  }
  if (!known) return {};  // because of something before it that is not known
  auto result = run(*rule, call);
  if (!result && result.error().code != ErrorCode::kUnsupported)
    return std::unexpected(std::move(result).error());
  if (!result) {
    refusals_.refused(node.op, node.name, result.error().message);
    return {};
  }
  outputs = *std::move(result);
  // A Switch hands on at the side that lives.
  if (is_switch(node.op)) outputs.insert(outputs.begin(), node.alive, Value{});
  return {};
}

Result<Value> Converter::input(const Call& call) {
  const auto found = inputs_.find(call.name());
  const TensorflowInput given =
      found != inputs_.end() ? found->second : TensorflowInput{.name = call.name(), .shape = {}};
  return picture(given);
}

Result<Value> Converter::picture(const TensorflowInput& given) {
  Shape shape = given.shape;
  if (shape.empty()) shape.assign(4, -1);  // what it does not say, the first layer does
  VISAVIS_TRY(id, network_.input(given.name, shape));
  return id;
}

Result<Value> Converter::placeholder(const Call& call) {
  const std::int32_t type = call.type("dtype");
  if (static_cast<TensorflowType>(type) == TensorflowType::kBool)
    return Integers{.shape = {}, .values = {0}};
  if (is_integer(type)) return Integers{.shape = {}, .values = {kUnknownSize}};
  if (static_cast<TensorflowType>(type) != TensorflowType::kFloat)
    return needs("an input of float32");
  return picture({.name = call.name(), .shape = shape_of(call.find("shape"))});
}

Result<Value> Converter::placeholder_with_default(const Call& call) {
  const std::int32_t type = call.type("dtype");
  if (static_cast<TensorflowType>(type) == TensorflowType::kBool)
    return Integers{.shape = {}, .values = {0}};
  const Shape shape = shape_of(call.find("shape"));
  if (static_cast<TensorflowType>(type) == TensorflowType::kFloat && shape.size() > 1)
    return picture({.name = call.name(), .shape = shape});
  return hand_on(call);
}

Result<Value> Converter::hand_on(const Call& call) {
  if (call.inputs.empty()) return needs("an input");
  return call.inputs[0];
}

const Converter::Rule* Converter::rule_of(std::string_view op) {
  static constexpr auto kRules =
      std::to_array<Rule>({{"_Argument", &Converter::hand_on},
                           {"_Input", &Converter::input},
                           {"Abs", &Converter::unary},
                           {"Add", &Converter::binary},
                           {"AddN", &Converter::add_n},
                           {"AddV2", &Converter::binary},
                           {"AvgPool", &Converter::pool},
                           {"BatchMatMul", &Converter::product},
                           {"BatchMatMulV2", &Converter::product},
                           {"BatchMatMulV3", &Converter::product},
                           {"BatchToSpaceND", &Converter::batch_to_space},
                           {"BiasAdd", &Converter::bias_add},
                           {"Cast", &Converter::cast},
                           {"CheckNumerics", &Converter::hand_on},
                           {"Concat", &Converter::concat},
                           {"ConcatV2", &Converter::concat},
                           {"Const", &Converter::constant},
                           {"Conv2D", &Converter::convolution},
                           {"Conv2DBackpropInput", &Converter::transposed},
                           {"DepthwiseConv2dNative", &Converter::depthwise},
                           {"Div", &Converter::binary},
                           {"Elu", &Converter::unary},
                           {"EnsureShape", &Converter::hand_on},
                           {"Erf", &Converter::unary},
                           {"Erfc", &Converter::complementary_error},
                           {"Exp", &Converter::unary},
                           {"ExpandDims", &Converter::expand_dims},
                           {"FloorDiv", &Converter::binary},
                           {"FloorMod", &Converter::binary},
                           {"FusedBatchNorm", &Converter::fused_batch_norm},
                           {"FusedBatchNormV2", &Converter::fused_batch_norm},
                           {"FusedBatchNormV3", &Converter::fused_batch_norm},
                           {"Gather", &Converter::gather},
                           {"GatherV2", &Converter::gather},
                           {"Identity", &Converter::hand_on},
                           {"LeakyRelu", &Converter::leaky_relu},
                           {"Log", &Converter::unary},
                           {"MatMul", &Converter::product},
                           {"Max", &Converter::reduce},
                           {"MaxPool", &Converter::pool},
                           {"Maximum", &Converter::binary},
                           {"Mean", &Converter::reduce},
                           {"Merge", &Converter::hand_on},
                           {"Minimum", &Converter::binary},
                           {"Mul", &Converter::binary},
                           {"Neg", &Converter::unary},
                           {"Pack", &Converter::pack},
                           {"Pad", &Converter::pad},
                           {"PadV2", &Converter::pad},
                           {"Placeholder", &Converter::placeholder},
                           {"PlaceholderV2", &Converter::placeholder},
                           {"PlaceholderWithDefault", &Converter::placeholder_with_default},
                           {"Pow", &Converter::binary},
                           {"PreventGradient", &Converter::hand_on},
                           {"Prod", &Converter::reduce},
                           {"Range", &Converter::range},
                           {"ReadVariableOp", &Converter::read_variable},
                           {"RealDiv", &Converter::binary},
                           {"RefIdentity", &Converter::hand_on},
                           {"RefMerge", &Converter::hand_on},
                           {"RefSwitch", &Converter::hand_on},
                           {"Relu", &Converter::unary},
                           {"Relu6", &Converter::relu6},
                           {"Reshape", &Converter::reshape},
                           {"ResizeBilinear", &Converter::resize},
                           {"ResizeNearestNeighbor", &Converter::resize},
                           {"Rsqrt", &Converter::reciprocal_root},
                           {"Shape", &Converter::shape},
                           {"Sigmoid", &Converter::unary},
                           {"Slice", &Converter::slice},
                           {"Snapshot", &Converter::hand_on},
                           {"Softmax", &Converter::softmax},
                           {"SpaceToBatchND", &Converter::space_to_batch},
                           {"Split", &Converter::split},
                           {"SplitV", &Converter::split_by_sizes},
                           {"Sqrt", &Converter::unary},
                           {"Square", &Converter::square},
                           {"SquaredDifference", &Converter::squared_difference},
                           {"Squeeze", &Converter::squeeze},
                           {"StopGradient", &Converter::hand_on},
                           {"StridedSlice", &Converter::strided_slice},
                           {"Sub", &Converter::binary},
                           {"Sum", &Converter::reduce},
                           {"Switch", &Converter::hand_on},
                           {"Tanh", &Converter::unary},
                           {"Transpose", &Converter::transpose},
                           {"Unpack", &Converter::unpack},
                           {"VarHandleOp", &Converter::handle},
                           {"Variable", &Converter::variable},
                           {"VariableV2", &Converter::variable}});
  const auto* found = std::ranges::find(kRules, op, &Rule::op);
  return found == kRules.end() ? nullptr : found;
}

}  // namespace tf

Shape shape_of(const tensorflow::AttrValue* attribute) {
  Shape out;
  if (attribute == nullptr || attribute->shape().unknown_rank()) return out;
  for (const auto& dim : attribute->shape().dim()) out.push_back(dim.size() < 0 ? -1 : dim.size());
  return out;
}

Result<std::vector<std::byte>> tensorflow_to_onnx(
    const TensorflowGraph& graph, const std::map<std::string, TensorflowInput>& inputs,
    std::span<const std::string> outputs, const Bundle* variables) {
  return tf::Converter(graph, inputs, variables).run(outputs);
}

}  // namespace visavis::modelkit
