/// Arithmetic of TensorFlow Lite, number by number and along axes.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <string_view>
#include <utility>
#include <visavis/core/result.hpp>

#include "channels_first.hpp"
#include "tflite.hpp"
#include "tflite_converter.hpp"
#include "tflite_patterns.hpp"
#include "tflite_values.hpp"

namespace visavis::modelkit::lite {
namespace {

struct OperatorName {
  std::string_view tflite;
  std::string_view onnx;
};

}  // namespace

Result<Id> Converter::binary(const LiteOperator& op) {
  static constexpr auto kNames = std::to_array<OperatorName>({{"ADD", "Add"},
                                                              {"SUB", "Sub"},
                                                              {"MUL", "Mul"},
                                                              {"DIV", "Div"},
                                                              {"MAXIMUM", "Max"},
                                                              {"MINIMUM", "Min"},
                                                              {"POW", "Pow"}});
  VISAVIS_TRY(a, value(op.inputs[0]));
  VISAVIS_TRY(b, value(op.inputs[1]));
  return out_.binary(std::ranges::find(kNames, op.name, &OperatorName::tflite)->onnx, name_, a, b);
}

Result<Id> Converter::unary(const LiteOperator& op) {
  static constexpr auto kNames = std::to_array<OperatorName>({{"RELU", "Relu"},
                                                              {"LOGISTIC", "Sigmoid"},
                                                              {"TANH", "Tanh"},
                                                              {"ELU", "Elu"},
                                                              {"EXP", "Exp"},
                                                              {"LOG", "Log"},
                                                              {"NEG", "Neg"},
                                                              {"ABS", "Abs"},
                                                              {"SQRT", "Sqrt"}});
  VISAVIS_TRY(x, value(op.inputs[0]));
  return out_.unary(std::ranges::find(kNames, op.name, &OperatorName::tflite)->onnx, name_, x);
}

Result<Id> Converter::clipped(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  return op.name == "RELU6" ? out_.clip(name_, x, 0.F, 6.F) : out_.clip(name_, x, -1.F, 1.F);
}

Result<Id> Converter::square(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  return out_.binary("Mul", name_, x, x);
}

Result<Id> Converter::squared_difference(const LiteOperator& op) {
  VISAVIS_TRY(a, value(op.inputs[0]));
  VISAVIS_TRY(b, value(op.inputs[1]));
  VISAVIS_TRY(difference, out_.binary("Sub", name_ + ".difference", a, b));
  return out_.binary("Mul", name_, difference, difference);
}

Result<Id> Converter::number(float given) {
  return out_.constant({.name = name_ + ".number", .shape = {}, .values = {given}});
}

Result<Id> Converter::reciprocal_root(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(root, out_.unary("Sqrt", name_ + ".root", x));
  VISAVIS_TRY(one, number(1));
  return out_.binary("Div", name_, one, root);
}

/// x · relu6(x + 3) / 6
Result<Id> Converter::hard_swish(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(three, number(3));
  VISAVIS_TRY(sixth, number(1.F / 6));
  VISAVIS_TRY(raised, out_.binary("Add", name_ + ".raised", x, three));
  VISAVIS_TRY(gate, out_.clip(name_ + ".gate", raised, 0.F, 6.F));
  VISAVIS_TRY(part, out_.binary("Mul", name_ + ".part", gate, sixth));
  return out_.binary("Mul", name_, x, part);
}

/// x / 2 · (1 + erf(x / √2)), or with tanh(√(2/π) · (x + .044715 x³)) for erf (D. Hendrycks and
/// K. Gimpel, Gaussian Error Linear Units, 2016, section 2).
Result<Id> Converter::gelu(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(factor, number(op.approximate ? std::sqrt(2 * std::numbers::inv_pi_v<float>)
                                            : std::numbers::sqrt2_v<float> / 2));
  Id inner = x;
  if (op.approximate) {
    VISAVIS_TRY(squares, out_.binary("Mul", name_ + ".squares", x, x));
    VISAVIS_TRY(cubes, out_.binary("Mul", name_ + ".cubes", squares, x));
    VISAVIS_TRY(small, number(.044715F));
    VISAVIS_TRY(part, out_.binary("Mul", name_ + ".part", cubes, small));
    VISAVIS_TRY(sum, out_.binary("Add", name_ + ".sum", x, part));
    inner = sum;
  }
  VISAVIS_TRY(scaled, out_.binary("Mul", name_ + ".scaled", inner, factor));
  VISAVIS_TRY(error, out_.unary(op.approximate ? "Tanh" : "Erf", name_ + ".erf", scaled));
  VISAVIS_TRY(one, number(1));
  VISAVIS_TRY(gate, out_.binary("Add", name_ + ".gate", error, one));
  VISAVIS_TRY(half, number(.5F));
  VISAVIS_TRY(part, out_.binary("Mul", name_ + ".half", gate, half));
  return out_.binary("Mul", name_, x, part);
}

Result<Id> Converter::leaky_relu(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  return out_.leaky_relu(name_, x, op.alpha);
}

Result<Id> Converter::prelu(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(slopes, value(op.inputs[1]));
  return out_.prelu(name_, x, slopes);
}

Result<Id> Converter::prelu_of(const Prelu& found) {
  VISAVIS_TRY(x, value(found.x));
  VISAVIS_TRY(slopes, floats(model_.tensors[found.factor]));
  for (float& slope : slopes) slope *= 2;
  VISAVIS_TRY(factor, out_.constant({.name = name_ + ".weight",
                                     .shape = model_.tensors[found.factor].shape,
                                     .values = std::move(slopes)}));
  return out_.prelu(name_, x, factor);
}

Result<Id> Converter::softmax(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  if (op.beta != 1) {
    VISAVIS_TRY(factor, number(op.beta));
    VISAVIS_TRY(scaled, out_.binary("Mul", name_ + ".scaled", x, factor));
    x = scaled;
  }
  return out_.softmax(name_, x, -1);
}

Result<Id> Converter::softmax_of(const Distribution& found) {
  VISAVIS_TRY(x, value(found.x));
  return out_.softmax(name_, x, static_cast<std::int64_t>(found.axis));
}

/// x / sqrt(max(Σ x², 1e-12)) along the last axis.
Result<Id> Converter::unit_length(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(square, out_.binary("Mul", name_ + ".square", x, x));
  VISAVIS_TRY(sum, out_.sum(name_ + ".sum", square, {-1}, true));
  VISAVIS_TRY(least, out_.clip(name_ + ".least", sum, 1e-12F, std::nullopt));
  VISAVIS_TRY(length, out_.unary("Sqrt", name_ + ".length", least));
  return out_.binary("Div", name_, x, length);
}

Result<Id> Converter::reduce(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(axes, ints(tensor(op, 1)));
  if (op.name == "MEAN") return out_.mean(name_, x, axes, op.keeps_axes);
  if (op.name == "REDUCE_MAX") return out_.largest(name_, x, axes, op.keeps_axes);
  return out_.sum(name_, x, axes, op.keeps_axes);
}

}  // namespace visavis::modelkit::lite
