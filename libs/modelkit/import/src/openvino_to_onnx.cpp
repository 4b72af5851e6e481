#include "openvino_to_onnx.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>

#include "builder.hpp"
#include "fold_layers.hpp"
#include "openvino.hpp"
#include "openvino_converter.hpp"
#include "openvino_values.hpp"

namespace visavis::modelkit {
namespace ir {

Converter::Converter(const IrNetwork& network) : network_(network), values_(network.layers.size()) {
  graph_.name = network.name;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const IrLayer& layer = network.layers[i];
    for (const IrSource& source : layer.inputs) used_.emplace(source.layer, source.output);
    if (layer.type == "Const" || layer.type == "Result") continue;
    for (std::size_t k = 0; k < layer.outputs.size(); ++k)
      if (!layer.outputs[k].name.empty()) claimed_[{i, k}] = fresh(layer.outputs[k].name);
  }
}

Result<std::vector<std::byte>> Converter::run() && {
  for (std::size_t i = 0; i < network_.layers.size(); ++i) VISAVIS_CHECK(convert(i));
  if (const std::string list = refusals_.text(); !list.empty())
    return fail(ErrorCode::kUnsupported, "the OpenVINO importer does not know " + list);
  if (graph_.outputs.empty())
    return fail(ErrorCode::kDecodeFailed, "this is no well-formed OpenVINO IR: it has no result");
  if (const auto whole = graph::validate(graph_); !whole) return malformed(whole.error().message);
  return graph::write_onnx(graph::flush_subnormals(fold_layers(std::move(graph_))));
}

Result<void> Converter::convert(std::size_t index) {
  const IrLayer& layer = network_.layers[index];
  Call call{.layer = layer, .index = index, .inputs = {}};
  bool known = true;
  for (const IrSource& source : layer.inputs) {
    const Values& from = values_[source.layer];
    const bool there =
        source.output < from.size() && !std::holds_alternative<std::monostate>(from[source.output]);
    known = known && there;
    call.inputs.push_back(there ? from[source.output] : Value{});
  }
  const Rule* rule = rule_of(layer.type);
  if (rule == nullptr) {
    refusals_.unknown(layer.type);
    return {};
  }
  if (!known) return {};  // because of something before it that is not known
  auto made = (this->*rule->run)(call);
  if (!made && made.error().code != ErrorCode::kUnsupported)
    return std::unexpected(std::move(made).error());
  if (made) {
    values_[index] = *std::move(made);
  } else {
    refusals_.refused(layer.type, layer.name, made.error().message);
  }
  return {};
}

std::string Converter::name_of(const Call& call, std::size_t output) {
  const auto found = claimed_.find({call.index, output});
  return found != claimed_.end() ? found->second : fresh(call.layer.name);
}

void Converter::node(std::string_view op, const std::string& name, std::vector<std::string> inputs,
                     Attributes attributes) {
  graph_.nodes.push_back({.op = std::string(op),
                          .name = name,
                          .inputs = std::move(inputs),
                          .outputs = {name},
                          .attributes = std::move(attributes)});
}

std::string Converter::initializer(const std::string& name, Shape shape,
                                   graph::Tensor::Values values) {
  std::string made = fresh(name);
  graph_.initializers.push_back(
      {.name = made, .shape = std::move(shape), .values = std::move(values)});
  return made;
}

std::string Converter::integers(const std::string& name, Shape values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return initializer(name, {count}, std::move(values));
}

std::string Converter::single(const std::string& name, float value) {
  return initializer(name, {}, std::vector{value});
}

Result<std::string> Converter::operand(const Value& value) {
  if (const Computed* computed = std::get_if<Computed>(&value)) return computed->name;
  const Numbers* numbers = std::get_if<Numbers>(&value);
  if (numbers == nullptr) return needs("numbers with a fraction");
  std::string& written = written_[numbers->get()];
  if (written.empty()) {
    kept_.push_back(*numbers);
    written = initializer((*numbers)->name, (*numbers)->shape, (*numbers)->values);
  }
  return written;
}

Result<Values> Converter::made(std::string_view op, const Call& call,
                               std::vector<std::string> inputs, Attributes attributes) {
  const std::string name = name_of(call);
  node(op, name, std::move(inputs), std::move(attributes));
  return Values{Computed{.name = name, .shape = call.declared(), .batched = keeps_samples(call)}};
}

Result<Values> Converter::folded(Constant constant) {
  folded_ += constant.values.size();
  if (folded_ > kMostFolded + 2 * network_.bytes)
    return fail(ErrorCode::kResourceExhausted, "too many numbers are computed from constants");
  return Values{std::make_shared<const Constant>(std::move(constant))};
}

Result<Values> Converter::parameter(const Call& call) {
  if (call.text("element_type", "") != "f32") return needs("an input of float32");
  if (call.layer.outputs.size() != 1) return malformed("an input without a port");
  const Shape& shape = call.layer.outputs[0].shape;
  Shape least = shape;
  for (std::int64_t& n : least) n = n < 0 ? 1 : n;
  if (shape.empty() || !graph::element_count(least))
    return needs("a shape of 1 to 8 dimensions within bounds");
  const std::string name = name_of(call);
  graph_.inputs.push_back({.name = name, .shape = shape});
  const auto inputs = std::ranges::count(network_.layers, "Parameter", &IrLayer::type);
  return Values{Computed{.name = name, .shape = shape, .batched = inputs == 1 && shape[0] < 0}};
}

Result<Values> Converter::result(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an output that depends on an input");
  const auto is_named = [&](const graph::ValueInfo& info) { return info.name == x->name; };
  std::string name = x->name;
  if (std::ranges::any_of(graph_.inputs, is_named) ||
      std::ranges::any_of(graph_.outputs, is_named)) {
    name = fresh(call.layer.name);
    node("Identity", name, {x->name});
  }
  graph_.outputs.push_back({.name = name, .shape = x->shape});
  return Values{};
}

const Converter::Rule* Converter::rule_of(std::string_view type) {
  static constexpr auto kRules = std::to_array<Rule>(
      {{"Abs", &Converter::unary},
       {"Add", &Converter::binary},
       {"AvgPool", &Converter::pool},
       {"BatchNormInference", &Converter::batch_norm},
       {"Broadcast", &Converter::broadcast},
       {"Clamp", &Converter::clamp},
       {"Concat", &Converter::concat},
       {"Const", &Converter::constant},
       {"Convert", &Converter::convert_type},
       {"Convolution", &Converter::convolution},
       {"ConvolutionBackpropData", &Converter::transposed_convolution},
       {"Divide", &Converter::binary},
       {"Elu", &Converter::elu},
       {"Exp", &Converter::unary},
       {"FakeQuantize", &Converter::fake_quantize},
       {"Gather", &Converter::gather},
       {"GroupConvolution", &Converter::group_convolution},
       {"GroupConvolutionBackpropData", &Converter::transposed_group_convolution},
       {"HSigmoid", &Converter::hard_sigmoid},
       {"HSwish", &Converter::unary},
       {"HardSigmoid", &Converter::hard_sigmoid},
       {"Interpolate", &Converter::interpolate},
       {"Log", &Converter::unary},
       {"MVN", &Converter::mean_variance},
       {"MatMul", &Converter::mat_mul},
       {"MaxPool", &Converter::pool},
       {"Maximum", &Converter::binary},
       {"Minimum", &Converter::binary},
       {"Multiply", &Converter::binary},
       {"Negative", &Converter::unary},
       {"NormalizeL2", &Converter::normalize},
       {"PReLU", &Converter::prelu},
       {"Pad", &Converter::pad},
       {"Parameter", &Converter::parameter},
       {"Power", &Converter::binary},
       {"Range", &Converter::range},
       {"ReLU", &Converter::unary},
       {"ReduceL2", &Converter::reduce},
       {"ReduceMax", &Converter::reduce},
       {"ReduceMean", &Converter::reduce},
       {"ReduceProd", &Converter::reduce},
       {"ReduceSum", &Converter::reduce},
       {"Reshape", &Converter::reshape},
       {"Result", &Converter::result},
       {"ShapeOf", &Converter::shape_of},
       {"Sigmoid", &Converter::unary},
       {"Slice", &Converter::slice},
       {"SoftMax", &Converter::softmax},
       {"Softmax", &Converter::softmax},
       {"Split", &Converter::split},
       {"Sqrt", &Converter::unary},
       {"SquaredDifference", &Converter::squared_difference},
       {"Squeeze", &Converter::squeeze},
       {"StridedSlice", &Converter::strided_slice},
       {"Subtract", &Converter::binary},
       {"Swish", &Converter::swish},
       {"Tanh", &Converter::unary},
       {"Transpose", &Converter::transpose},
       {"Unsqueeze", &Converter::unsqueeze},
       {"VariadicSplit", &Converter::split}});
  const auto* found = std::ranges::find(kRules, type, &Rule::type);
  return found == kRules.end() ? nullptr : found;
}

}  // namespace ir

TensorFacts ir_facts(const IrLayer& layer, const IrPort& port) {
  std::string type(layer.text("element_type", "f32"));
  if (type.starts_with('f')) type = "float" + type.substr(1);
  return {.name = port.name.empty() ? layer.name : port.name, .type = type, .shape = port.shape};
}

Result<std::vector<std::byte>> openvino_to_onnx(const IrNetwork& network) {
  return ir::Converter(network).run();
}

}  // namespace visavis::modelkit
