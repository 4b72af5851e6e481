#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "arithmetic.hpp"
#include "builder.hpp"
#include "channels_first.hpp"
#include "channels_first_axes.hpp"

namespace visavis::modelkit {
namespace {

using Unary = float (*)(float);

/// Of two dimensions that meet each other.
Result<std::int64_t> broadcast(std::int64_t a, std::int64_t b) {
  if (a == b || b == 1) return a;
  if (a == 1) return b;
  if (a == kFree) return b;
  if (b == kFree) return a;
  return unsupported("operands whose shapes go together");
}

Result<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    VISAVIS_TRY(n, broadcast(x, y));
    out[out.size() - 1 - i] = n;
  }
  return out;
}

Unary unary_function(std::string_view op) {
  struct Entry {
    std::string_view op;
    Unary compute;
  };
  static constexpr auto kTable =
      std::to_array<Entry>({{"Abs", [](float x) { return std::abs(x); }},
                            {"Elu", [](float x) { return x < 0 ? std::expm1(x) : x; }},
                            {"Erf", [](float x) { return std::erf(x); }},
                            {"Exp", [](float x) { return std::exp(x); }},
                            {"Log", [](float x) { return std::log(x); }},
                            {"Neg", [](float x) { return -x; }},
                            {"Relu", [](float x) { return std::max(x, 0.F); }},
                            {"Sigmoid", [](float x) { return 1 / (1 + std::exp(-x)); }},
                            {"Sqrt", [](float x) { return std::sqrt(x); }},
                            {"Tanh", [](float x) { return std::tanh(x); }}});
  const auto* found = std::ranges::find(kTable, op, &Entry::op);
  return found == kTable.end() ? nullptr : found->compute;
}

}  // namespace

Result<ChannelsFirst::Id> ChannelsFirst::batch_normalization(const std::string& name, Id x,
                                                             const BatchNormalization& given,
                                                             double epsilon, std::size_t axis) {
  const std::size_t channels = given.scale.values.size();
  for (const Constant* each : {&given.shift, &given.mean, &given.variance})
    if (each->values.size() != channels) return unsupported("one number for each channel");
  if (axis >= values_[x].shape.size()) return unsupported("an axis that its input has");
  Shape shape(values_[x].shape.size() - axis, 1);
  shape[0] = static_cast<std::int64_t>(channels);
  Constant factor{.name = name + ".scale", .shape = shape, .values = {}};
  Constant summand{.name = name + ".shift", .shape = shape, .values = {}};
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale =
        double{given.scale.values[c]} / std::sqrt(double{given.variance.values[c]} + epsilon);
    factor.values.push_back(static_cast<float>(scale));
    summand.values.push_back(
        static_cast<float>(double{given.shift.values[c]} - double{given.mean.values[c]} * scale));
  }
  VISAVIS_TRY(scale, constant(std::move(factor)));
  VISAVIS_TRY(shift, constant(std::move(summand)));
  VISAVIS_TRY(product, binary("Mul", name + ".scaled", x, scale));
  return binary("Add", name, product, shift);
}

Result<ChannelsFirst::Id> ChannelsFirst::unary(std::string_view op, const std::string& name, Id x) {
  const Unary compute = unary_function(op);
  if (compute == nullptr) return unsupported("the operator " + std::string(op));
  if (const Constant* given = constant_of(x)) {
    Constant out = *given;
    out.name = name;
    std::ranges::transform(out.values, out.values.begin(), compute);
    return folded(std::move(out));
  }
  const std::string made = fresh(name);
  node(op, made, {values_[x].name}, {});
  return add(made, values_[x].shape, values_[x].order);
}

Result<ChannelsFirst::Id> ChannelsFirst::clip(const std::string& name, Id x,
                                              std::optional<float> low, std::optional<float> high) {
  if (const Constant* given = constant_of(x)) {
    Constant out = *given;
    out.name = name;
    for (float& value : out.values) {
      if (low) value = std::max(value, *low);
      if (high) value = std::min(value, *high);
    }
    return folded(std::move(out));
  }
  const std::string made = fresh(name);
  std::vector<std::string> inputs = {values_[x].name};
  inputs.push_back(low ? initializer(name + ".least", {}, std::vector{*low}) : "");
  if (high) inputs.push_back(initializer(name + ".most", {}, std::vector{*high}));
  node("Clip", made, std::move(inputs), {});
  return add(made, values_[x].shape, values_[x].order);
}

Result<ChannelsFirst::Id> ChannelsFirst::leaky_relu(const std::string& name, Id x, float slope) {
  if (values_[x].constant) return unsupported("an input that is computed from the network's");
  const std::string made = fresh(name);
  node("LeakyRelu", made, {values_[x].name}, {{"alpha", slope}});
  return add(made, values_[x].shape, values_[x].order);
}

Result<ChannelsFirst::Id> ChannelsFirst::prelu(const std::string& name, Id x, Id slopes) {
  const Value given = values_[x];
  if (given.constant || !values_[slopes].constant) return unsupported("slopes that are constant");
  VISAVIS_TRY(shape, broadcast(given.shape, values_[slopes].shape));
  if (shape != given.shape) return unsupported("slopes for its input");
  VISAVIS_TRY(factor, operand(slopes, given.shape.size(), given.order));
  const std::string made = fresh(name);
  node("PRelu", made, {given.name, std::move(factor)}, {});
  return add(made, given.shape, given.order);
}

/// max(a, b) = b + relu(a − b), min(a, b) = b − relu(b − a).
Result<ChannelsFirst::Id> ChannelsFirst::extreme(bool most, const std::string& name, Id a, Id b) {
  for (const auto& [constant, other] : {std::pair(a, b), std::pair(b, a)}) {
    const Constant* bound = constant_of(constant);
    if (bound == nullptr || bound->values.size() != 1 || values_[other].constant ||
        bound->shape.size() > values_[other].shape.size())
      continue;
    const float limit = bound->values[0];
    return most ? clip(name, other, limit, std::nullopt) : clip(name, other, std::nullopt, limit);
  }
  VISAVIS_TRY(difference, binary("Sub", name + ".difference", most ? a : b, most ? b : a));
  VISAVIS_TRY(positive, unary("Relu", name + ".positive", difference));
  return binary(most ? "Add" : "Sub", name, b, positive);
}

Result<ChannelsFirst::Id> ChannelsFirst::binary(std::string_view op, const std::string& name, Id a,
                                                Id b) {
  const Binary compute = binary_function(op);
  if (compute == nullptr) return unsupported("the operator " + std::string(op));
  VISAVIS_TRY(shape, broadcast(values_[a].shape, values_[b].shape));
  const Constant* left = constant_of(a);
  const Constant* right = constant_of(b);
  if (left != nullptr && right != nullptr) {
    const auto count = graph::element_count(shape);
    if (!count || *count > kMostFolded) return unsupported("constants of another size");
    Constant out{.name = name, .shape = shape, .values = std::vector<float>(*count)};
    for_each_index(shape, strides_of(left->shape, shape.size()),
                   strides_of(right->shape, shape.size()), *count,
                   [&](std::size_t i, std::size_t at_a, std::size_t at_b) {
                     out.values[i] = compute(left->values[at_a], right->values[at_b]);
                   });
    return folded(std::move(out));
  }
  if (op == "Max" || op == "Min") return extreme(op == "Max", name, a, b);
  // A constant for a certain number of samples would fix the batch.
  for (const Id each : {a, b}) {
    const Shape& other = values_[each == a ? b : a].shape;
    if (!other.empty() && other[0] == kFree && shape[0] != kFree)
      return unsupported("operands that do not tell samples apart");
  }
  VISAVIS_CHECK(check_shape(shape));
  const Id leading = left != nullptr ? b
                     : right == nullptr && values_[a].order != values_[b].order &&
                             values_[b].order == picture_order()
                         ? b
                         : a;
  const Order order = values_[leading].order;
  if (order.size() != shape.size()) return unsupported("operands of one rank");
  VISAVIS_TRY(first, operand(a, shape.size(), order));
  VISAVIS_TRY(second, operand(b, shape.size(), order));
  const std::string made = fresh(name);
  node(op, made, {std::move(first), std::move(second)}, {});
  return add(made, std::move(shape), order);
}

Result<ChannelsFirst::Id> ChannelsFirst::mean(const std::string& name, Id x, const Shape& axes,
                                              bool keeps) {
  if (axes.empty()) return x;
  const Value given = values_[x];
  if (given.constant) return unsupported("an input that is computed from the network's");
  const std::size_t rank = given.shape.size();
  std::vector<bool> gone(rank, false);
  for (const std::int64_t n : axes) {
    VISAVIS_TRY(axis, axis_of(n, rank));
    gone[axis] = true;
  }
  if (gone[0] && given.shape[0] == kFree) return unsupported("axes that do not mix samples");
  Shape shape;
  std::vector<std::size_t> renumbered(rank, 0);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    renumbered[axis] = shape.size();
    if (!gone[axis]) shape.push_back(given.shape[axis]);
    if (gone[axis] && keeps) shape.push_back(1);
  }
  Order order;
  Shape physical;
  for (std::size_t i = 0; i < rank; ++i) {
    if (gone[given.order[i]]) physical.push_back(static_cast<std::int64_t>(i));
    if (keeps || !gone[given.order[i]])
      order.push_back(keeps ? given.order[i] : renumbered[given.order[i]]);
  }
  const std::string made = fresh(name);
  if (given.order == picture_order() && physical == Shape{2, 3}) {
    const std::string pooled = keeps ? made : fresh(name + ".pooled");
    node("GlobalAveragePool", pooled, {given.name}, {});
    if (!keeps) node("Flatten", made, {pooled}, {{"axis", std::int64_t{1}}});
  } else {
    node("ReduceMean", made, {given.name},
         {{"axes", std::move(physical)}, {"keepdims", std::int64_t{keeps ? 1 : 0}}});
  }
  return add(made, std::move(shape), std::move(order));
}

Result<ChannelsFirst::Id> ChannelsFirst::largest(const std::string& name, Id x, const Shape& axes,
                                                 bool keeps) {
  std::vector<std::size_t> known;
  for (const std::int64_t n : axes) {
    VISAVIS_TRY(axis, axis_of(n, values_[x].shape.size()));
    known.push_back(axis);
  }
  std::ranges::sort(known);
  if (known != std::vector<std::size_t>{1, 2}) return unsupported("height and width as its axes");
  VISAVIS_TRY(from, picture(x));
  const Shape shape = {values_[x].shape[0], 1, 1, values_[x].shape[3]};
  const std::string made = fresh(name);
  node("GlobalMaxPool", made, {std::move(from)}, {});
  const Id most = add(made, shape, picture_order());
  if (keeps) return most;
  return reshape(name + ".row", most, {shape[0] < 0 ? kBatch : shape[0], shape[3]});
}

Result<ChannelsFirst::Id> ChannelsFirst::scaled(const std::string& name, Id x, float factor) {
  VISAVIS_TRY(by, constant({.name = name + ".factor", .shape = {}, .values = {factor}}));
  return binary("Mul", name, x, by);
}

/// The mean, times how many there are: an operator that every engine has.
Result<ChannelsFirst::Id> ChannelsFirst::sum(const std::string& name, Id x, const Shape& axes,
                                             bool keeps) {
  if (axes.empty()) return x;
  const Shape shape = values_[x].shape;
  std::vector<bool> seen(shape.size(), false);
  std::int64_t count = 1;
  for (const std::int64_t n : axes) {
    VISAVIS_TRY(axis, axis_of(n, shape.size()));
    if (seen[axis]) continue;
    seen[axis] = true;
    if (shape[axis] == kFree) return unsupported("a sum of so many numbers as are known");
    if (shape[axis] > kMostSide / std::max<std::int64_t>(count, 1))
      return unsupported("a sum of fewer numbers");
    count *= shape[axis];
  }
  VISAVIS_TRY(middle, mean(name + ".mean", x, axes, keeps));
  return scaled(name, middle, static_cast<float>(count));
}

Result<ChannelsFirst::Id> ChannelsFirst::softmax(const std::string& name, Id x, std::int64_t axis) {
  const Value given = values_[x];
  if (given.constant) return unsupported("an input that is computed from the network's");
  VISAVIS_TRY(along, axis_of(axis, given.shape.size()));
  const auto physical = static_cast<std::int64_t>(inverse(given.order)[along]);
  const std::string made = fresh(name);
  node("Softmax", made, {given.name}, {{"axis", physical}});
  return add(made, given.shape, given.order);
}

Result<ChannelsFirst::Id> ChannelsFirst::rounded(const std::string& name, Id x, float scale,
                                                 std::int64_t zero, bool is_signed) {
  const Value given = values_[x];
  if (given.constant) return unsupported("an input that is computed from the network's");
  graph::Tensor::Values zeros = std::vector{static_cast<std::int8_t>(zero)};
  if (!is_signed) zeros = std::vector{static_cast<std::uint8_t>(zero)};
  const std::string unit = initializer(name + ".scale", {}, std::vector{scale});
  const std::string offset = initializer(name + ".zero", {}, std::move(zeros));
  const std::string steps = fresh(name + ".steps");
  node("QuantizeLinear", steps, {given.name, unit, offset}, {});
  const std::string made = fresh(name);
  node("DequantizeLinear", made, {steps, unit, offset}, {});
  return add(made, given.shape, given.order);
}

}  // namespace visavis::modelkit
