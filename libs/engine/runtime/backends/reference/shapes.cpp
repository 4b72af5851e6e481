// Operators that read or change a shape and leave the elements where they are.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

#include "kernel.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {
namespace {

Outputs with_shape(const Call& call, Shape shape) {
  VISAVIS_TRY(count, call.count(shape));
  if (count != call.inputs[0]->size())
    return call.wrong("the new shape holds another number of elements");
  return one({.shape = std::move(shape), .data = call.inputs[0]->data});
}

Outputs identity(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  return one(*x);
}

Outputs flatten(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  const std::int64_t given = call.integer("axis", 1);
  const std::size_t rank = x->shape.size();
  const bool past_end = given == static_cast<std::int64_t>(rank);
  VISAVIS_TRY(axis, past_end ? Result<std::size_t>(rank) : call.axis(given, rank));
  const std::span<const std::int64_t> dimensions(x->shape);
  return with_shape(call, {static_cast<std::int64_t>(product(dimensions.first(axis))),
                           static_cast<std::int64_t>(product(dimensions.subspan(axis)))});
}

/// Fills the dimension given as -1 from what is left.
Result<void> infer(const Call& call, Shape& shape, std::size_t elements) {
  const auto unknown = std::ranges::find(shape, -1);
  if (unknown == shape.end()) return {};
  *unknown = 1;  // a second -1 then fails as a negative dimension
  VISAVIS_TRY(known, call.count(shape));
  if (known == 0 || elements % known != 0)
    return call.wrong("the new shape does not divide the elements");
  *unknown = static_cast<std::int64_t>(elements / known);
  return {};
}

Outputs reshape(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  VISAVIS_TRY(wanted, call.ints(1));
  Shape shape(wanted.begin(), wanted.end());
  if (call.integer("allowzero", 0) == 0)
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] != 0) continue;
      if (i >= x->shape.size()) return call.wrong("a 0 stands for a dimension that is not there");
      shape[i] = x->shape[i];
    }
  VISAVIS_CHECK(infer(call, shape, x->size()));
  return with_shape(call, std::move(shape));
}

Outputs squeeze(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  VISAVIS_TRY(axes, call.list("axes", 1));
  std::vector<bool> drop(x->shape.size());
  for (const std::int64_t given : axes) {
    VISAVIS_TRY(axis, call.axis(given, x->shape.size()));
    if (x->shape[axis] != 1) return call.wrong("a dimension is not 1");
    drop[axis] = true;
  }
  Shape shape;
  for (std::size_t i = 0; i < x->shape.size(); ++i)
    if (axes.empty() ? x->shape[i] != 1 : !drop[i]) shape.push_back(x->shape[i]);
  return with_shape(call, std::move(shape));
}

Outputs unsqueeze(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  VISAVIS_TRY(axes, call.list("axes", 1));
  const std::size_t rank = x->shape.size() + axes.size();
  std::vector<bool> added(rank);
  for (const std::int64_t given : axes) {
    VISAVIS_TRY(axis, call.axis(given, rank));
    if (added[axis]) return call.wrong("an axis is given twice");
    added[axis] = true;
  }
  Shape shape(rank, 1);
  auto next = x->shape.begin();
  for (std::size_t i = 0; i < rank; ++i)
    if (!added[i]) shape[i] = *next++;
  return with_shape(call, std::move(shape));
}

Outputs shape_of(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  const auto rank = static_cast<std::int64_t>(x->shape.size());
  const auto bound = [rank](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + rank : i, 0, rank);
  };
  const std::int64_t begin = bound(std::max(call.integer("start", 0), -rank));
  const std::int64_t end = std::max(begin, bound(std::max(call.integer("end", rank), -rank)));
  Ints dimensions(x->shape.begin() + begin, x->shape.begin() + end);
  return one({.shape = {end - begin}, .data = std::move(dimensions)});
}

std::int64_t truncated(float value) {
  // 2^63 is the first float that does not fit; what does not fit is undefined in C++ and in ONNX.
  constexpr float kEnd = 9223372036854775808.F;
  if (!(value > -kEnd)) return std::isnan(value) ? 0 : std::numeric_limits<std::int64_t>::min();
  return value < kEnd ? static_cast<std::int64_t>(value) : std::numeric_limits<std::int64_t>::max();
}

Outputs cast(const Call& call) {
  constexpr std::int64_t kFloat = 1;  // TensorProto.DataType
  constexpr std::int64_t kInt64 = 7;
  VISAVIS_TRY(x, call.value(0));
  const std::int64_t to = call.integer("to", 0);
  if (to != kFloat && to != kInt64) return call.unsupported("types other than float32 and int64");
  if (!std::holds_alternative<Floats>(x->data) && !std::holds_alternative<Ints>(x->data))
    return call.unsupported("types other than float32 and int64");
  Value out{.shape = x->shape, .data = x->data};
  if (const auto* ints = std::get_if<Ints>(&x->data); ints != nullptr && to == kFloat) {
    Floats values(ints->size());
    std::ranges::transform(*ints, values.begin(),
                           [](std::int64_t value) { return static_cast<float>(value); });
    out.data = std::move(values);
  }
  if (const auto* floats = std::get_if<Floats>(&x->data); floats != nullptr && to == kInt64) {
    Ints values(floats->size());
    std::ranges::transform(*floats, values.begin(), truncated);
    out.data = std::move(values);
  }
  return one(std::move(out));
}

constexpr auto kOperators = std::to_array<Operator>({{"Cast", cast, 1, 1},
                                                     {"Dropout", identity, 1, 3},
                                                     {"Flatten", flatten, 1, 1},
                                                     {"Identity", identity, 1, 1},
                                                     {"Reshape", reshape, 2, 2},
                                                     {"Shape", shape_of, 1, 1},
                                                     {"Squeeze", squeeze, 1, 2},
                                                     {"Unsqueeze", unsqueeze, 1, 2}});

}  // namespace

std::span<const Operator> shape_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
