#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "tensorflow_converter.hpp"
#include "tensorflow_values.hpp"

namespace visavis::modelkit::tf {

namespace {

Result<Value> integer_arithmetic(const Call& call) {
  if (call.inputs.size() != 2) return needs("two inputs");
  Integers a = std::get<Integers>(call.inputs[0]);
  Integers b = std::get<Integers>(call.inputs[1]);
  if (a.values.size() == 1 && b.values.size() > 1) {
    a.values.assign(b.values.size(), a.values[0]);
    a.shape = b.shape;
  }
  if (b.values.size() == 1) b.values.assign(a.values.size(), b.values[0]);
  if (a.values.size() != b.values.size()) return needs("sizes that go together");
  for (std::size_t i = 0; i < a.values.size(); ++i)
    a.values[i] = combined(call.node.op, a.values[i], b.values[i]);
  return a;
}

/// Of sizes.
Result<Value> integer_product(const Call& call) {
  VISAVIS_TRY(sizes, call.integers(0));
  if (call.node.op != "Prod" || sizes.shape.size() > 1) return needs("float32 numbers");
  std::int64_t all = 1;
  for (const std::int64_t n : sizes.values) all = combined("Mul", all, n);
  return Integers{.shape = call.flag("keep_dims") ? Shape{1} : Shape{}, .values = {all}};
}

}  // namespace

Result<Value> Converter::unary(const Call& call) {
  struct Entry {
    std::string_view tensorflow;
    std::string_view onnx;
  };
  static constexpr auto kNames = std::to_array<Entry>({{"Abs", "Abs"},
                                                       {"Elu", "Elu"},
                                                       {"Erf", "Erf"},
                                                       {"Exp", "Exp"},
                                                       {"Log", "Log"},
                                                       {"Neg", "Neg"},
                                                       {"Relu", "Relu"},
                                                       {"Sigmoid", "Sigmoid"},
                                                       {"Sqrt", "Sqrt"},
                                                       {"Tanh", "Tanh"}});
  const auto* name = std::ranges::find(kNames, call.node.op, &Entry::tensorflow);
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(y, network_.unary(name->onnx, call.name(), x));
  return y;
}

Result<Value> Converter::relu6(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(y, network_.clip(call.name(), x, 0.F, 6.F));
  return y;
}

/// 1 − erf(x)
Result<Value> Converter::complementary_error(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(error, network_.unary("Erf", call.name() + ".erf", x));
  VISAVIS_TRY(one, network_.constant({.name = call.name() + ".one", .shape = {}, .values = {1.F}}));
  VISAVIS_TRY(y, network_.binary("Sub", call.name(), one, error));
  return y;
}

Result<Value> Converter::leaky_relu(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(y, network_.leaky_relu(call.name(), x, call.real("alpha", .2F)));
  return y;
}

Result<Value> Converter::square(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(y, network_.binary("Mul", call.name(), x, x));
  return y;
}

Result<Value> Converter::squared_difference(const Call& call) {
  VISAVIS_TRY(a, call.floats(0));
  VISAVIS_TRY(b, call.floats(1));
  VISAVIS_TRY(d, network_.binary("Sub", call.name() + ".difference", a, b));
  VISAVIS_TRY(y, network_.binary("Mul", call.name(), d, d));
  return y;
}

Result<Value> Converter::reciprocal_root(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(root, network_.unary("Sqrt", call.name() + ".root", x));
  VISAVIS_TRY(one, network_.constant({.name = call.name() + ".one", .shape = {}, .values = {1.F}}));
  VISAVIS_TRY(y, network_.binary("Div", call.name(), one, root));
  return y;
}

Result<Value> Converter::binary(const Call& call) {
  if (call.is_of_integers()) return integer_arithmetic(call);
  struct Entry {
    std::string_view tensorflow;
    std::string_view onnx;
  };
  static constexpr auto kNames = std::to_array<Entry>({{"Add", "Add"},
                                                       {"AddV2", "Add"},
                                                       {"Div", "Div"},
                                                       {"Maximum", "Max"},
                                                       {"Minimum", "Min"},
                                                       {"Mul", "Mul"},
                                                       {"Pow", "Pow"},
                                                       {"RealDiv", "Div"},
                                                       {"Sub", "Sub"}});
  const auto* name = std::ranges::find(kNames, call.node.op, &Entry::tensorflow);
  if (name == kNames.end()) return needs("integers");
  VISAVIS_TRY(a, call.floats(0));
  VISAVIS_TRY(b, call.floats(1));
  VISAVIS_TRY(y, network_.binary(name->onnx, call.name(), a, b));
  return y;
}

Result<Value> Converter::add_n(const Call& call) {
  VISAVIS_TRY(sum, call.floats(0));
  for (std::size_t i = 1; i < call.inputs.size(); ++i) {
    VISAVIS_TRY(next, call.floats(i));
    const bool last = i + 1 == call.inputs.size();
    VISAVIS_TRY(y, network_.binary("Add", last ? call.name() : call.name() + ".sum", sum, next));
    sum = y;
  }
  return sum;
}

Result<Value> Converter::reduce(const Call& call) {
  if (call.is_of_integers()) return integer_product(call);
  if (call.node.op == "Prod") return needs("integers");
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(axes, call.numbers(1));
  const bool keeps = call.flag("keep_dims");
  VISAVIS_TRY(y, call.node.op == "Mean"  ? network_.mean(call.name(), x, axes, keeps)
                 : call.node.op == "Max" ? network_.largest(call.name(), x, axes, keeps)
                                         : network_.sum(call.name(), x, axes, keeps));
  return y;
}

Result<Value> Converter::softmax(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(y, network_.softmax(call.name(), x, -1));
  return y;
}

}  // namespace visavis::modelkit::tf
