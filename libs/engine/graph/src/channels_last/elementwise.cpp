// What is done number by number, and softmax.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lowering.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"

namespace visavis::graph::channels_last {
namespace {

/// Done with one value, in whichever order it is there.
void apply(Lowering& lower, const Node& node, std::string_view op, Attributes attributes = {}) {
  const bool as_last = lower.is_last(node.inputs[0]);
  const std::string x = lower.in_order(node.inputs[0], as_last);
  lower.keep(node.outputs[0], lower.emit(op, {x}, lower.made(x), std::move(attributes)), as_last);
}

std::string scalar(Lowering& lower, float value) { return lower.add_floats({}, {value}); }

/// x limited to [low, high].
std::string limited(Lowering& lower, std::string x, float low, float high) {
  constexpr float kNone = std::numeric_limits<float>::infinity();
  const Shape made = lower.made(x);
  if (low == 0 && high == 6) return lower.emit("Relu6", {x}, made);
  if (low == 0) {
    x = lower.emit("Relu", {x}, made);
  } else if (low > -kNone) {
    x = lower.emit("Maximum", {x, scalar(lower, low)}, made);
  }
  if (high < kNone) x = lower.emit("Minimum", {x, scalar(lower, high)}, made);
  return x;
}

}  // namespace

Result<void> unary(Lowering& lower, const Node& node) {
  apply(lower, node, node.op);
  return {};
}

Result<void> leaky_relu(Lowering& lower, const Node& node) {
  apply(lower, node, "LeakyRelu", {{"alpha", node.get_or<float>("alpha", .01F)}});
  return {};
}

Result<void> elu(Lowering& lower, const Node& node) {
  const auto alpha = node.get_or<float>("alpha", 1);
  if (alpha == 1) {
    apply(lower, node, "Elu");
    return {};
  }
  // relu(x) + alpha elu(min(x, 0))
  const bool as_last = lower.is_last(node.inputs[0]);
  const std::string x = lower.in_order(node.inputs[0], as_last);
  const Shape made = lower.made(x);
  const std::string positive = lower.emit("Relu", {x}, made);
  std::string negative = lower.emit("Minimum", {x, scalar(lower, 0)}, made);
  negative = lower.emit("Elu", {negative}, made);
  negative = lower.emit("Mul", {negative, scalar(lower, alpha)}, made);
  lower.keep(node.outputs[0], lower.emit("Add", {positive, negative}, made), as_last);
  return {};
}

Result<void> hard_sigmoid(Lowering& lower, const Node& node) {
  const bool as_last = lower.is_last(node.inputs[0]);
  std::string x = lower.in_order(node.inputs[0], as_last);
  const Shape made = lower.made(x);
  x = lower.emit("Mul", {x, scalar(lower, node.get_or<float>("alpha", .2F))}, made);
  x = lower.emit("Add", {x, scalar(lower, node.get_or<float>("beta", .5F))}, made);
  lower.keep(node.outputs[0], limited(lower, x, 0, 1), as_last);
  return {};
}

Result<void> clip(Lowering& lower, const Node& node) {
  constexpr float kNone = std::numeric_limits<float>::infinity();
  float low = node.get_or<float>("min", -kNone);
  float high = node.get_or<float>("max", kNone);
  for (std::size_t i = 1; i < 3; ++i) {
    if (!Lowering::has(node, i)) continue;
    VISAVIS_TRY(end, lower.floats(node, i));
    if (end.size() != 1) return unsupported(node, "more than one end");
    (i == 1 ? low : high) = end[0];
  }
  const bool as_last = lower.is_last(node.inputs[0]);
  const std::string x = lower.in_order(node.inputs[0], as_last);
  lower.keep(node.outputs[0], limited(lower, x, low, high), as_last);
  return {};
}

/// One slope for each channel, as the last axis; others as 0.5 ((1 + a) x + (1 - a) |x|).
Result<void> parametric_relu(Lowering& lower, const Node& node) {
  VISAVIS_TRY(slopes, lower.floats(node, 1));
  Shape shape = lower.shape(node.inputs[1]);
  const std::size_t rank = lower.rank(node.inputs[0]);
  if (shape.size() > rank) return unsupported(node, "slopes of more axes than the input has");
  shape.insert(shape.begin(), rank - shape.size(), 1);
  const std::size_t axis = rank == 4 ? 1 : rank - 1;
  bool by_channel = rank == 4 || rank == 2;
  for (std::size_t i = 0; i < rank; ++i) by_channel = by_channel && (i == axis || shape[i] == 1);
  if (by_channel) {
    const std::int64_t channels = lower.shape(node.inputs[0])[axis];
    if (slopes.size() == 1) slopes.assign(static_cast<std::size_t>(channels), slopes[0]);
    const std::string x = lower.in_order(node.inputs[0], rank == 4);
    const std::string a =
        lower.add_floats(rank == 4 ? Shape{1, 1, channels} : Shape{channels}, std::move(slopes));
    lower.keep(node.outputs[0], lower.emit("PRelu", {x, a}, lower.made(x)), rank == 4);
    return {};
  }
  const std::string x = lower.first_of(node.inputs[0]);
  const Shape made = lower.made(x);
  const std::string a = lower.add_floats(shape, std::move(slopes));
  const std::string positive = lower.emit("Relu", {x}, made);
  const std::string negative = lower.emit("Minimum", {x, scalar(lower, 0)}, made);
  const std::string scaled = lower.emit("Mul", {negative, a}, made);
  lower.keep(node.outputs[0], lower.emit("Add", {positive, scaled}, made), false);
  return {};
}

Result<void> binary(Lowering& lower, const Node& node) {
  if (node.inputs.size() != 2) return unsupported(node, "other than two values");
  const Shape& made = lower.shape(node.outputs[0]);
  const bool as_last = made.size() == 4 && lower.any_last(node);
  const std::string a = lower.spread(node.inputs[0], made.size(), as_last);
  const std::string b = lower.spread(node.inputs[1], made.size(), as_last);
  const std::string_view op = node.op == "Max"   ? "Maximum"
                              : node.op == "Min" ? "Minimum"
                                                 : std::string_view(node.op);
  lower.keep(node.outputs[0], lower.emit(op, {a, b}, as_last ? last(made) : made), as_last);
  return {};
}

/// (x - mean) scale / sqrt(variance + epsilon) + shift, multiplied out.
Result<void> batch_normalization(Lowering& lower, const Node& node) {
  VISAVIS_TRY(scale, lower.floats(node, 1));
  VISAVIS_TRY(shift, lower.floats(node, 2));
  VISAVIS_TRY(mean, lower.floats(node, 3));
  VISAVIS_TRY(variance, lower.floats(node, 4));
  const double epsilon = node.get_or<float>("epsilon", 1e-5F);
  for (std::size_t i = 0; i < scale.size(); ++i) {
    const double factor = scale[i] / std::sqrt(variance[i] + epsilon);
    shift[i] = static_cast<float>(shift[i] - mean[i] * factor);
    scale[i] = static_cast<float>(factor);
  }
  const std::size_t rank = lower.rank(node.inputs[0]);
  if (rank != 4 && rank != 2) return unsupported(node, "other than pictures and rows");
  const std::string x = lower.in_order(node.inputs[0], rank == 4);
  const Shape made = lower.made(x);
  Shape wide(rank, 1);
  wide.back() = made.back();
  const std::string factor = lower.add_floats(wide, std::move(scale));
  const std::string offset = lower.add_floats(wide, std::move(shift));
  const std::string scaled = lower.emit("Mul", {x, factor}, made);
  lower.keep(node.outputs[0], lower.emit("Add", {scaled, offset}, made), rank == 4);
  return {};
}

Result<void> softmax(Lowering& lower, const Node& node) {
  const std::size_t rank = lower.rank(node.inputs[0]);
  const std::size_t axis =
      axis_of(node.get_or<std::int64_t>("axis", lower.opset() < 13 ? 1 : -1), rank);
  if (rank == 4 && axis == 1 && lower.opset() >= 13) {
    const std::string x = lower.last_of(node.inputs[0]);
    lower.keep(node.outputs[0], lower.emit("Softmax", {x}, lower.made(x)), true);
    return {};
  }
  const std::string x = lower.first_of(node.inputs[0]);
  const Shape made = lower.made(x);
  if (axis + 1 == rank) {
    lower.keep(node.outputs[0], lower.emit("Softmax", {x}, made), false);
  } else if (lower.opset() < 13) {  // everything from the axis on is one distribution
    std::int64_t row = 1;
    for (std::size_t i = axis; i < rank; ++i) row *= made[i];
    std::int64_t rows = 1;
    for (std::size_t i = 0; i < axis; ++i) rows *= made[i];
    const std::string flat = lower.reshape(x, {rows, row});
    lower.keep(node.outputs[0], lower.reshape(lower.emit("Softmax", {flat}, {rows, row}), made),
               false);
  } else {
    Ints order;  // its own inverse
    for (std::size_t i = 0; i < rank; ++i) order.push_back(static_cast<std::int64_t>(i));
    std::swap(order[axis], order.back());
    const std::string turned = lower.transpose(x, order);
    const std::string y = lower.emit("Softmax", {turned}, lower.made(turned));
    lower.keep(node.outputs[0], lower.transpose(y, order), false);
  }
  return {};
}

namespace {

/// What steps mean; zero points of uint8 are shifted, so that all are of int8.
struct Steps {
  std::vector<float> scales;
  std::vector<float> zeros;  ///< As many as scales.
  bool is_signed = false;    ///< In the source.
};

Result<Steps> steps_of(Lowering& lower, const Node& node) {
  VISAVIS_TRY(scales, lower.floats(node, 1));
  Steps steps{.scales = std::move(scales), .zeros = {}};
  const Tensor* zero = Lowering::has(node, 2) ? lower.constant(node.inputs[2]) : nullptr;
  if (Lowering::has(node, 2) && zero == nullptr)
    return unsupported(node, "a zero point that is computed");
  if (zero != nullptr) {
    if (const auto* values = std::get_if<std::vector<std::int8_t>>(&zero->values)) {
      steps.zeros.assign(values->begin(), values->end());
      steps.is_signed = true;
    } else if (const auto* shifted = std::get_if<std::vector<std::uint8_t>>(&zero->values)) {
      for (const std::uint8_t value : *shifted)
        steps.zeros.push_back(static_cast<float>(int{value} - 128));
    } else {
      return unsupported(node, "steps of other than 8 bits");
    }
  }
  if (steps.zeros.empty()) steps.zeros.assign(steps.scales.size(), steps.is_signed ? 0.F : -128.F);
  if (steps.zeros.size() != steps.scales.size())
    return unsupported(node, "not as many zero points as scales");
  return steps;
}

std::string zero_point(Lowering& lower, float value) {
  return lower.add({.name = {},
                    .shape = {},
                    .values = std::vector<std::int8_t>{static_cast<std::int8_t>(value)}});
}

/// Constants with one number for each channel, in the order of x.
std::string by_channel(Lowering& lower, const Node& node, std::vector<float> values, bool as_last) {
  const std::size_t rank = lower.rank(node.inputs[0]);
  const std::size_t axis = axis_of(node.get_or<std::int64_t>("axis", 1), rank);
  Shape shape(rank, 1);
  shape[as_last ? static_cast<std::size_t>(kAxisInLast[axis]) : axis] =
      static_cast<std::int64_t>(values.size());
  return lower.add_floats(std::move(shape), std::move(values));
}

}  // namespace

/// Steps of channels are kept as floats: neither TensorFlow nor TensorFlow Lite has such values.
Result<void> quantize_linear(Lowering& lower, const Node& node) {
  VISAVIS_TRY(steps, steps_of(lower, node));
  const bool as_last = lower.is_last(node.inputs[0]);
  std::string x = lower.in_order(node.inputs[0], as_last);
  const Shape made = lower.made(x);
  if (steps.scales.size() == 1) {
    x = lower.emit("QuantizeLinear",
                   {x, scalar(lower, steps.scales[0]), zero_point(lower, steps.zeros[0])}, made);
  } else {
    x = lower.emit("Div", {x, by_channel(lower, node, std::move(steps.scales), as_last)}, made);
    x = lower.emit("Round", {x}, made);
    x = lower.emit("Add", {x, by_channel(lower, node, std::move(steps.zeros), as_last)}, made);
    x = limited(lower, x, -128, 127);
  }
  lower.keep(node.outputs[0], x, as_last);
  return {};
}

Result<void> dequantize_linear(Lowering& lower, const Node& node) {
  VISAVIS_TRY(steps, steps_of(lower, node));
  const bool as_last = lower.is_last(node.inputs[0]);
  std::string x = lower.in_order(node.inputs[0], as_last);
  const Shape made = lower.made(x);
  if (steps.scales.size() == 1) {
    x = lower.emit("DequantizeLinear",
                   {x, scalar(lower, steps.scales[0]), zero_point(lower, steps.zeros[0])}, made);
  } else {
    x = lower.emit("Sub", {x, by_channel(lower, node, std::move(steps.zeros), as_last)}, made);
    x = lower.emit("Mul", {x, by_channel(lower, node, std::move(steps.scales), as_last)}, made);
  }
  lower.keep(node.outputs[0], x, as_last);
  return {};
}

}  // namespace visavis::graph::channels_last
