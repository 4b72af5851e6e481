#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "channels_first_axes.hpp"
#include "tensorflow_converter.hpp"
#include "tensorflow_values.hpp"

namespace visavis::modelkit::tf {

namespace {

using Order = std::vector<std::size_t>;

/// Of sizes one behind the other, also where each is a number of its own.
Result<Value> joined(std::span<const Value> parts) {
  Integers out{.shape = {0}, .values = {}};
  for (const Value& part : parts) {
    const auto& given = std::get<Integers>(part);
    if (given.shape.size() > 1) return needs("lists of sizes");
    out.values.insert(out.values.end(), given.values.begin(), given.values.end());
    if (out.values.size() > kMostIntegers) return needs("fewer sizes");
  }
  out.shape[0] = static_cast<std::int64_t>(out.values.size());
  return out;
}

Value part_of(const Integers& sizes, std::int64_t first, std::int64_t last) {
  return Integers{.shape = {last - first},
                  .values = {sizes.values.begin() + first, sizes.values.begin() + last}};
}

/// How many outputs a node may have: as many as numbers that describe shapes.
Result<std::int64_t> count_of(const Call& call, std::string_view attribute) {
  const std::int64_t count = call.integer(attribute, 0);
  if (count < 1 || count > static_cast<std::int64_t>(kMostIntegers)) return needs("fewer parts");
  return count;
}

}  // namespace

Result<Value> Converter::pack(const Call& call) {
  if (!call.is_of_integers()) return needs("sizes that are known");
  for (const Value& part : call.inputs)
    if (!std::get<Integers>(part).shape.empty()) return needs("single numbers");
  return joined(call.inputs);
}

Result<Value> Converter::concat(const Call& call) {
  const bool axis_first = call.node.op == "Concat";
  if (call.inputs.size() < 2) return needs("parts and an axis");
  const std::size_t last = call.inputs.size() - 1;
  VISAVIS_TRY(axis, call.number(axis_first ? 0 : last));
  const auto parts = std::span(call.inputs).subspan(axis_first ? 1 : 0, last);
  if (call.is_of_integers()) return joined(parts);
  std::vector<Id> ids;
  for (std::size_t i = 0; i < last; ++i) {
    VISAVIS_TRY(id, call.floats(axis_first ? i + 1 : i));
    ids.push_back(id);
  }
  VISAVIS_TRY(y, network_.concat(call.name(), ids, axis));
  return y;
}

Result<Value> Converter::shape(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  const Shape& shape = network_.shape(x);
  Integers out{.shape = {static_cast<std::int64_t>(shape.size())}, .values = {}};
  for (std::size_t i = 0; i < shape.size(); ++i)
    out.values.push_back(shape[i] >= 0 ? shape[i] : i == 0 ? kBatchSize : kUnknownSize);
  return out;
}

/// Of a list of sizes.
Result<Value> Converter::strided_slice(const Call& call) {
  if (!call.inputs.empty() && std::holds_alternative<Id>(call.inputs[0]))
    return strided_slice_of_floats(call);
  VISAVIS_TRY(sizes, call.integers(0));
  VISAVIS_TRY(begin, call.number(1));
  VISAVIS_TRY(end, call.number(2));
  VISAVIS_TRY(step, call.number(3));
  if (sizes.shape.size() != 1 || step == 0 || call.integer("ellipsis_mask", 0) != 0 ||
      call.integer("new_axis_mask", 0) != 0)
    return needs("a list of sizes");
  const auto count = static_cast<std::int64_t>(sizes.values.size());
  const bool shrinks = call.integer("shrink_axis_mask", 0) != 0;
  const auto place = [&](std::int64_t at) { return at < 0 ? at + count : at; };
  if (shrinks) {
    if (begin < -count || begin >= count) return needs("a size that is there");
    return Integers{.shape = {}, .values = {sizes.values[static_cast<std::size_t>(place(begin))]}};
  }
  if (step != 1) return needs("steps of 1");
  const std::int64_t first =
      call.integer("begin_mask", 0) != 0 ? 0 : std::clamp<std::int64_t>(place(begin), 0, count);
  const std::int64_t last =
      call.integer("end_mask", 0) != 0 ? count : std::clamp<std::int64_t>(place(end), first, count);
  return part_of(sizes, first, std::max(last, first));
}

/// With steps of 1, from and to where the masks say.
Result<Value> Converter::strided_slice_of_floats(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(begin, call.numbers(1));
  VISAVIS_TRY(end, call.numbers(2));
  VISAVIS_TRY(steps, call.numbers(3));
  if (end.size() != begin.size() || steps.size() != begin.size() ||
      call.integer("ellipsis_mask", 0) != 0 || call.integer("new_axis_mask", 0) != 0 ||
      call.integer("shrink_axis_mask", 0) != 0 ||
      std::ranges::any_of(steps, [](std::int64_t step) { return step != 1; }))
    return needs("steps of 1 along axes that it keeps");
  std::vector<std::optional<std::int64_t>> first(begin.begin(), begin.end());
  std::vector<std::optional<std::int64_t>> last(end.begin(), end.end());
  if (first.size() > graph::kMaxRank) return needs("axes that it has");
  for (std::size_t i = 0; i < first.size(); ++i) {
    if ((call.integer("begin_mask", 0) >> i & 1) != 0) first[i].reset();
    if ((call.integer("end_mask", 0) >> i & 1) != 0) last[i].reset();
  }
  VISAVIS_TRY(y, network_.between(call.name(), x, first, last));
  return y;
}

/// Of a list of sizes, too.
Result<Value> Converter::slice(const Call& call) {
  if (!call.inputs.empty() && std::holds_alternative<Id>(call.inputs[0])) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(from, call.numbers(1));
    VISAVIS_TRY(count, call.numbers(2));
    VISAVIS_TRY(y, network_.slice(call.name(), x, from, count));
    return y;
  }
  VISAVIS_TRY(sizes, call.integers(0));
  VISAVIS_TRY(begin, call.number(1));
  VISAVIS_TRY(size, call.number(2));
  const auto count = static_cast<std::int64_t>(sizes.values.size());
  if (sizes.shape.size() != 1 || begin < 0 || begin > count || size < -1 ||
      (size >= 0 && size > count - begin))
    return needs("a list of sizes");
  return part_of(sizes, begin, size < 0 ? count : begin + size);
}

/// Along an axis, so many each.
Result<std::vector<Value>> Converter::parts_of(const Call& call, std::size_t x, std::int64_t axis,
                                               const std::vector<std::int64_t>& sizes) {
  VISAVIS_TRY(from, call.floats(x));
  const Shape shape = network_.shape(from);
  VISAVIS_TRY(along, axis_of(axis, shape.size()));
  Shape begin(shape.size(), 0);
  Shape size(shape.size(), -1);
  std::vector<Value> out;
  for (const std::int64_t n : sizes) {
    if (n < 0 || n > shape[along] - begin[along]) return needs("parts that its input has");
    size[along] = n;
    VISAVIS_TRY(part, network_.slice(call.name(), from, begin, size));
    out.emplace_back(part);
    begin[along] += n;
  }
  if (begin[along] != shape[along]) return needs("parts that are all of its input");
  return out;
}

Result<std::vector<Value>> Converter::split(const Call& call) {
  VISAVIS_TRY(axis, call.number(0));
  VISAVIS_TRY(count, count_of(call, "num_split"));
  VISAVIS_TRY(x, call.floats(1));
  const Shape& shape = network_.shape(x);
  VISAVIS_TRY(along, axis_of(axis, shape.size()));
  const std::int64_t all = shape[along];
  if (all < 0 || all % count != 0) return needs("parts of one size");
  return parts_of(call, 1, axis,
                  std::vector<std::int64_t>(static_cast<std::size_t>(count), all / count));
}

/// One of the sizes may be -1: what is left.
Result<std::vector<Value>> Converter::split_by_sizes(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(sizes, call.numbers(1));
  VISAVIS_TRY(axis, call.number(2));
  const Shape& shape = network_.shape(x);
  VISAVIS_TRY(along, axis_of(axis, shape.size()));
  std::int64_t left = shape[along];
  for (const std::int64_t n : sizes)
    if (n > 0) left -= std::min(n, graph::kMaxElements);
  if (const auto open = std::ranges::find(sizes, -1); open != sizes.end()) *open = left;
  return parts_of(call, 0, axis, sizes);
}

/// Of a list of sizes, too.
Result<std::vector<Value>> Converter::unpack(const Call& call) {
  VISAVIS_TRY(count, count_of(call, "num"));
  std::int64_t axis = call.integer("axis", 0);
  if (call.is_of_integers()) {
    const auto& sizes = std::get<Integers>(call.inputs[0]);
    if (sizes.shape.size() != 1 || static_cast<std::int64_t>(sizes.values.size()) != count)
      return needs("a list of so many sizes");
    std::vector<Value> out;
    for (const std::int64_t n : sizes.values)
      out.emplace_back(Integers{.shape = {}, .values = {n}});
    return out;
  }
  VISAVIS_TRY(parts, parts_of(call, 0, axis,
                              std::vector<std::int64_t>(static_cast<std::size_t>(count), 1)));
  for (Value& part : parts) {
    Shape shape = sizes_of(std::get<Id>(part));
    shape.erase(shape.begin() + (axis < 0 ? axis + static_cast<std::int64_t>(shape.size()) : axis));
    VISAVIS_TRY(row, network_.reshape(call.name(), std::get<Id>(part), std::move(shape)));
    part = row;
  }
  return parts;
}

Result<Value> Converter::range(const Call& call) {
  VISAVIS_TRY(start, call.number(0));
  VISAVIS_TRY(limit, call.number(1));
  VISAVIS_TRY(step, call.number(2));
  constexpr std::int64_t kMost = std::int64_t{1} << 31U;
  if (step == 0 || std::max({std::abs(start), std::abs(limit), std::abs(step)}) > kMost)
    return needs("a step that is not 0, and numbers below 2^31");
  Integers out;
  for (std::int64_t n = start; step > 0 ? n < limit : n > limit; n += step) {
    if (out.values.size() >= kMostIntegers) return needs("fewer integers");
    out.values.push_back(n);
  }
  out.shape = {static_cast<std::int64_t>(out.values.size())};
  return out;
}

Result<Value> Converter::gather(const Call& call) {
  if (!call.inputs.empty() && std::holds_alternative<Id>(call.inputs[0])) {
    VISAVIS_TRY(x, call.floats(0));
    VISAVIS_TRY(list, call.integers(1));
    VISAVIS_TRY(numbers, call.numbers(1));
    std::int64_t axis = 0;
    if (call.inputs.size() > 2) {
      VISAVIS_TRY(given, call.number(2));
      axis = given;
    }
    if (list.shape.size() != 1 || call.integer("batch_dims", 0) != 0)
      return needs("a list of places");
    VISAVIS_TRY(y, network_.gather(call.name(), x, numbers, axis));
    return y;
  }
  VISAVIS_TRY(sizes, call.integers(0));
  VISAVIS_TRY(places, call.integers(1));
  Integers out{.shape = places.shape, .values = {}};
  for (const std::int64_t at : places.values) {
    if (at < 0 || at >= static_cast<std::int64_t>(sizes.values.size()))
      return needs("a list of sizes");
    out.values.push_back(sizes.values[static_cast<std::size_t>(at)]);
  }
  return out;
}

Result<Value> Converter::reshape(const Call& call) {
  VISAVIS_TRY(wanted, call.integers(1));
  Shape shape = wanted.values;
  if (const auto* sizes = call.inputs.empty() ? nullptr : std::get_if<Integers>(&call.inputs[0])) {
    if (shape.size() > 1) return needs("a list of sizes");
    Integers out = *sizes;
    out.shape = shape.empty() ? Shape{} : Shape{static_cast<std::int64_t>(out.values.size())};
    return out;
  }
  VISAVIS_TRY(x, call.floats(0));
  for (std::int64_t& n : shape) {
    if (n == kBatchSize) n = ChannelsFirst::kBatch;
    if (n == kUnknownSize) n = -1;
  }
  VISAVIS_TRY(y, network_.reshape(call.name(), x, std::move(shape)));
  return y;
}

Shape Converter::sizes_of(Id x) const {
  Shape shape = network_.shape(x);
  if (!shape.empty() && shape[0] < 0) shape[0] = ChannelsFirst::kBatch;
  return shape;
}

Result<Value> Converter::squeeze(const Call& call) {
  if (call.is_of_integers()) {
    Integers out = std::get<Integers>(call.inputs[0]);
    if (out.values.size() == 1) out.shape = {};
    return out;
  }
  VISAVIS_TRY(x, call.floats(0));
  const Shape shape = sizes_of(x);
  const Shape axes = call.list("squeeze_dims");
  const auto rank = static_cast<std::int64_t>(shape.size());
  Shape out;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const std::int64_t n = shape[static_cast<std::size_t>(axis)];
    const bool named = std::ranges::any_of(
        axes, [&](std::int64_t given) { return given == axis || given + rank == axis; });
    if (axes.empty() ? n == 1 : named) continue;
    out.push_back(n);
  }
  VISAVIS_TRY(y, network_.reshape(call.name(), x, std::move(out)));
  return y;
}

Result<Value> Converter::expand_dims(const Call& call) {
  VISAVIS_TRY(axis, call.number(1));
  if (const auto* sizes = std::get_if<Integers>(&call.inputs[0])) {
    if (!sizes->shape.empty()) return needs("a single number");
    return Integers{.shape = {1}, .values = sizes->values};
  }
  VISAVIS_TRY(x, call.floats(0));
  Shape shape = sizes_of(x);
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (axis < 0) axis += rank + 1;
  if (axis < 0 || axis > rank) return needs("an axis that its input has");
  shape.insert(shape.begin() + axis, 1);
  VISAVIS_TRY(y, network_.reshape(call.name(), x, std::move(shape)));
  return y;
}

Result<Value> Converter::transpose(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(axes, call.numbers(1));
  Order order;
  for (const std::int64_t axis : axes) {
    if (axis < 0) return needs("axes from 0 on");
    order.push_back(static_cast<std::size_t>(axis));
  }
  VISAVIS_TRY(y, network_.transpose(x, order));
  return y;
}

Result<Value> Converter::pad(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(pads, call.numbers(1));
  float value = 0;
  if (call.node.op == "PadV2") {
    VISAVIS_TRY(given, weights(call, 2));
    if (given.values.size() != 1) return needs("one number to pad with");
    value = given.values[0];
  }
  Shape before;
  Shape behind;
  for (std::size_t i = 0; i < pads.size(); ++i) (i % 2 == 0 ? before : behind).push_back(pads[i]);
  VISAVIS_TRY(y, network_.pad(call.name(), x, before, behind, value));
  return y;
}

}  // namespace visavis::modelkit::tf
