#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "arithmetic.hpp"
#include "builder.hpp"
#include "openvino_converter.hpp"
#include "openvino_values.hpp"

namespace visavis::modelkit::ir {
namespace {

struct OperatorName {
  std::string_view openvino;
  std::string_view onnx;
};

Result<Values> of_integers(std::string_view op, const Call& call) {
  const Integers& a = std::get<Integers>(call.inputs[0]);
  const Integers& b = std::get<Integers>(call.inputs[1]);
  auto shape = stretched(a.shape, b.shape);
  const auto count = shape ? graph::element_count(*shape) : needs("");
  if (!count || *count > kMostIntegers) return needs("operands whose shapes go together");
  Integers out{.shape = *std::move(shape), .values = {}};
  for (std::size_t i = 0; i < *count; ++i)
    out.values.push_back(combined(op, a.values[place_in(a.shape, out.shape, i)],
                                  b.values[place_in(b.shape, out.shape, i)]));
  return Values{std::move(out)};
}

}  // namespace

Result<Values> Converter::unary(const Call& call) {
  static constexpr auto kNames = std::to_array<OperatorName>({{"Abs", "Abs"},
                                                              {"Exp", "Exp"},
                                                              {"HSwish", "HardSwish"},
                                                              {"Log", "Log"},
                                                              {"Negative", "Neg"},
                                                              {"ReLU", "Relu"},
                                                              {"Sigmoid", "Sigmoid"},
                                                              {"Sqrt", "Sqrt"},
                                                              {"Tanh", "Tanh"}});
  const auto* name = std::ranges::find(kNames, call.layer.type, &OperatorName::openvino);
  if (!call.has(0)) return needs("an input");
  if (name->onnx == "HardSwish") graph_.opset = std::max<std::int64_t>(graph_.opset, 14);
  VISAVIS_TRY(x, operand(call.inputs[0]));
  return made(name->onnx, call, {x});
}

Result<Values> Converter::binary(const Call& call) {
  static constexpr auto kNames = std::to_array<OperatorName>({{"Add", "Add"},
                                                              {"Divide", "Div"},
                                                              {"Maximum", "Max"},
                                                              {"Minimum", "Min"},
                                                              {"Multiply", "Mul"},
                                                              {"Power", "Pow"},
                                                              {"Subtract", "Sub"}});
  const auto* name = std::ranges::find(kNames, call.layer.type, &OperatorName::openvino);
  if (call.inputs.size() != 2) return needs("two inputs");
  if (call.text("auto_broadcast", "numpy") == "pdpd")
    return needs("operands stretched as NumPy does");
  if (call.is_of_integers()) return of_integers(name->onnx, call);
  const Numbers* a = std::get_if<Numbers>(&call.inputs[0]);
  const Numbers* b = std::get_if<Numbers>(&call.inputs[1]);
  if (a != nullptr && b != nullptr) return of_constants(name->onnx, call, **a, **b);
  std::vector<std::string> inputs;
  for (std::size_t i = 0; i < 2; ++i) {
    Value value = call.inputs[i];
    // Leading dimensions of 1 say nothing: without them it is a number per channel.
    if (const Numbers* constant = std::get_if<Numbers>(&value);
        constant != nullptr && (*constant)->shape.size() <= rank_of(call.inputs[1 - i])) {
      Constant shorter = **constant;
      const auto first = std::ranges::find_if(shorter.shape, [](auto n) { return n != 1; });
      if (first != shorter.shape.begin()) {
        shorter.shape.erase(shorter.shape.begin(), first);
        value = std::make_shared<const Constant>(std::move(shorter));
      }
    }
    VISAVIS_TRY(operand_name, operand(value));
    inputs.push_back(std::move(operand_name));
  }
  if (name->onnx == "Min") return least(call, inputs);
  return made(name->onnx, call, std::move(inputs));
}

/// −max(−a, −b): not every engine has Min.
Result<Values> Converter::least(const Call& call, const std::vector<std::string>& inputs) {
  std::vector<std::string> turned;
  for (const std::string& input : inputs) {
    turned.push_back(fresh(call.layer.name + ".turned"));
    node("Neg", turned.back(), {input});
  }
  const std::string most = fresh(call.layer.name + ".most");
  node("Max", most, turned);
  return made("Neg", call, {most});
}

Result<Values> Converter::of_constants(std::string_view op, const Call& call, const Constant& a,
                                       const Constant& b) {
  auto shape = stretched(a.shape, b.shape);
  const auto count = shape ? graph::element_count(*shape) : needs("");
  if (!count) return needs("operands whose shapes go together");
  if (*count > kMostFolded) return needs("fewer numbers that are computed from constants");
  Constant out{.name = call.layer.name, .shape = *std::move(shape), .values = {}};
  out.values.resize(*count);
  const Binary compute = binary_function(op);
  for (std::size_t i = 0; i < *count; ++i)
    out.values[i] = compute(a.values[place_in(a.shape, out.shape, i)],
                            b.values[place_in(b.shape, out.shape, i)]);
  return folded(std::move(out));
}

/// One slope per channel, or slopes as NumPy stretches them.
Result<Values> Converter::prelu(const Call& call) {
  const Computed* x = call.computed(0);
  VISAVIS_TRY(given, call.numbers(1));
  if (x == nullptr) return needs("an input that is computed");
  Constant slopes = *given;
  if (slopes.shape.size() == 1 && x->shape.size() > 1 &&
      (x->shape[1] == slopes.shape[0] || x->shape[1] < 0))
    slopes.shape.resize(x->shape.size() - 1, 1);
  while (slopes.shape.size() > 1 && slopes.shape.front() == 1 &&
         slopes.shape.size() >= x->shape.size())
    slopes.shape.erase(slopes.shape.begin());
  VISAVIS_TRY(values, folded(std::move(slopes)));
  VISAVIS_TRY(name, operand(values[0]));
  return made("PRelu", call, {x->name, name});
}

Result<Values> Converter::clamp(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(low, call.real("min"));
  VISAVIS_TRY(high, call.real("max"));
  const std::string name = call.layer.name;
  return made("Clip", call,
              {x->name, single(name + ".low", static_cast<float>(low)),
               single(name + ".high", static_cast<float>(high))});
}

Result<Values> Converter::elu(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(alpha, call.real("alpha"));
  return made("Elu", call, {x->name}, {{"alpha", static_cast<float>(alpha)}});
}

/// HSigmoid is min(max(x + 3, 0), 6) / 6; HardSigmoid has its slope and its offset as inputs.
Result<Values> Converter::hard_sigmoid(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  float alpha = 1.F / 6;
  float beta = .5F;
  if (call.layer.type == "HardSigmoid") {
    VISAVIS_TRY(slope, call.scalar(1));
    VISAVIS_TRY(offset, call.scalar(2));
    alpha = slope;
    beta = offset;
  }
  return made("HardSigmoid", call, {x->name}, {{"alpha", alpha}, {"beta", beta}});
}

Result<Values> Converter::swish(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  std::string inside = x->name;
  if (call.has(1)) {
    VISAVIS_TRY(beta, call.scalar(1));
    inside = fresh(call.layer.name + ".scaled");
    node("Mul", inside, {x->name, single(call.layer.name + ".beta", beta)});
  }
  const std::string gate = fresh(call.layer.name + ".gate");
  node("Sigmoid", gate, {inside});
  return made("Mul", call, {x->name, gate});
}

Result<Values> Converter::squared_difference(const Call& call) {
  if (call.inputs.size() != 2) return needs("two inputs");
  VISAVIS_TRY(a, operand(call.inputs[0]));
  VISAVIS_TRY(b, operand(call.inputs[1]));
  const std::string difference = fresh(call.layer.name + ".difference");
  node("Sub", difference, {a, b});
  return made("Mul", call, {difference, difference});
}

Result<Values> Converter::softmax(const Call& call) {
  const Computed* x = call.computed(0);
  if (x == nullptr) return needs("an input that is computed");
  VISAVIS_TRY(given, call.integer("axis", "1"));
  VISAVIS_TRY(axis, axis_of(given, x->shape.size()));
  return made("Softmax", call, {x->name}, {{"axis", static_cast<std::int64_t>(axis)}});
}

}  // namespace visavis::modelkit::ir
