#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "channels_first_axes.hpp"

namespace visavis::modelkit {

/// Constants, one behind the other.
Result<ChannelsFirst::Id> ChannelsFirst::joined(const std::vector<Id>& parts, std::size_t along) {
  Constant out = {
      .name = values_[parts[0]].constant->name, .shape = values_[parts[0]].shape, .values = {}};
  out.shape[along] = 0;
  std::int64_t all = 0;
  for (const Id part : parts) {
    Shape shape = values_[part].shape;
    if (shape.size() != out.shape.size()) return unsupported("parts of one rank");
    all += std::exchange(shape[along], 0);
    if (all > kMostSide || shape != out.shape) return unsupported("parts whose shapes go together");
  }
  out.shape[along] = all;
  const auto count = graph::element_count(out.shape);
  if (!count) return unsupported("a tensor of another size: " + count.error().message);
  const auto split = out.shape.begin() + static_cast<std::ptrdiff_t>(along);
  std::size_t outer = 1;
  for (auto n = out.shape.begin(); n != split; ++n) outer *= static_cast<std::size_t>(*n);
  out.values.reserve(*count);
  for (std::size_t i = 0; i < outer; ++i)
    for (const Id part : parts) {
      const std::vector<float>& from = values_[part].constant->values;
      const auto each = static_cast<std::ptrdiff_t>(from.size() / outer);
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>(i) * each;
      out.values.insert(out.values.end(), begin, begin + each);
    }
  return folded(std::move(out));
}

/// So many from `begin` on of a constant.
Result<ChannelsFirst::Id> ChannelsFirst::cut(Id x, const Shape& begin, const Shape& size) {
  const Constant& given = *values_[x].constant;
  Constant out = {.name = given.name, .shape = given.shape, .values = {}};
  std::vector<std::size_t> steps(given.shape.size(), 1);
  for (std::size_t i = given.shape.size(); i-- > 1;)
    steps[i - 1] = steps[i] * static_cast<std::size_t>(given.shape[i]);
  std::size_t first = 0;
  for (std::size_t i = 0; i < given.shape.size(); ++i) {
    if (begin[i] < 0 || begin[i] > given.shape[i] || size[i] < -1 ||
        size[i] > given.shape[i] - begin[i])
      return unsupported("a part that its input has");
    out.shape[i] = size[i] < 0 ? given.shape[i] - begin[i] : size[i];
    first += steps[i] * static_cast<std::size_t>(begin[i]);
  }
  VISAVIS_TRY(count, graph::element_count(out.shape));
  out.values.resize(count);
  for_each_index(out.shape, steps, steps, count, [&](std::size_t i, std::size_t from, std::size_t) {
    out.values[i] = given.values[first + from];
  });
  return folded(std::move(out));
}

Result<ChannelsFirst::Id> ChannelsFirst::concat(const std::string& name,
                                                const std::vector<Id>& parts, std::int64_t axis) {
  if (parts.empty()) return unsupported("at least one part");
  if (parts.size() == 1) return parts[0];
  const Value first = values_[parts[0]];
  VISAVIS_TRY(along, axis_of(axis, first.shape.size()));
  if (std::ranges::all_of(parts, [&](Id part) { return values_[part].constant.has_value(); }))
    return joined(parts, along);
  Shape shape = first.shape;
  shape[along] = 0;
  std::vector<std::string> inputs;
  for (const Id part : parts) {
    const Value given = values_[part];
    if (given.constant) return unsupported("parts that are computed from the network's input");
    if (given.shape.size() != shape.size()) return unsupported("parts of one rank");
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i == along) continue;
      if (shape[i] == kFree) shape[i] = given.shape[i];
      if (given.shape[i] != shape[i] && given.shape[i] != kFree)
        return unsupported("parts whose shapes go together");
    }
    const bool open = shape[along] == kFree || given.shape[along] == kFree;
    shape[along] = open ? kFree : shape[along] + given.shape[along];
    VISAVIS_TRY(input, in_order(part, first.order));
    inputs.push_back(std::move(input));
  }
  if (along == 0 && first.shape[0] == kFree) return unsupported("an axis that is not the batch");
  VISAVIS_CHECK(check_shape(shape));
  const auto physical = static_cast<std::int64_t>(inverse(first.order)[along]);
  const std::string made = fresh(name);
  node("Concat", made, std::move(inputs), {{"axis", physical}});
  return add(made, std::move(shape), first.order);
}

/// The shape with kBatch and -1 where the batch and what is not known stand, and no other -1.
Result<Shape> ChannelsFirst::filled(const Value& x, Shape shape) const {
  if (shape.size() > graph::kMaxRank) return unsupported("a shape of at most 8 dimensions");
  for (const std::int64_t n : shape)
    if (n < kBatch || n > graph::kMaxElements) return unsupported("a shape within bounds");
  if (std::ranges::count(shape, kFree) > 1) return unsupported("a shape with one open dimension");
  const bool batched = !x.constant && !x.shape.empty() && x.shape[0] == kFree;
  const Shape inner(x.shape.begin() + (batched ? 1 : 0), x.shape.end());
  const auto product = [](std::span<const std::int64_t> dims) {
    std::int64_t all = 1;
    for (const std::int64_t n : dims) all = std::min(all * std::max<std::int64_t>(n, 0), kMostSide);
    return all;
  };
  const bool known = is_known(inner);
  const std::int64_t each = product(inner);
  if (batched) {
    if (shape.empty()) return unsupported("a shape with a batch");
    const Shape rest(shape.begin() + 1, shape.end());
    const bool fits = is_known(rest) ? known && product(rest) == each : true;
    if (shape[0] == kFree && known && is_known(rest) && fits) shape[0] = kBatch;
    if (shape[0] == declared_batch_ && fits) shape[0] = kBatch;
    // The batch is what is open, in front: rows are parts of samples, or several of them.
    const std::int64_t row = product(rest);
    if (shape[0] == kFree && declared_batch_ == kFree && known && is_known(rest) && row > 0 &&
        each > 0 && (each % row == 0 || row % each == 0))
      return shape;
    if (shape[0] != kBatch) return unsupported("a shape that keeps samples apart");
    if (mixes_ && !is_known(rest))
      return unsupported("a shape that says how many numbers are in it");
  }
  const Shape rest(shape.begin() + (batched ? 1 : 0), shape.end());
  if (std::ranges::find(rest, kBatch) != rest.end())
    return unsupported("a shape whose first dimension alone is the batch");
  const auto open = std::ranges::find(shape, kFree);
  if (open == shape.end()) {
    if (!known || product(rest) != each) return unsupported("a shape for its input's numbers");
    return shape;
  }
  if (!known) return shape;
  std::int64_t others = 1;
  for (const std::int64_t n : rest)
    if (n != kFree) others = std::min(others * n, kMostSide);
  if (others < 1 || each % others != 0) return unsupported("a shape for its input's numbers");
  *open = each / others;
  return shape;
}

Result<ChannelsFirst::Id> ChannelsFirst::reshape(const std::string& name, Id x, Shape shape) {
  const Value given = values_[x];
  if (given.shape.empty() && !given.constant) return unsupported("an input with dimensions");
  VISAVIS_TRY(target, filled(given, std::move(shape)));
  if (given.constant) {
    Constant out = *given.constant;
    out.shape = std::move(target);
    return constant(std::move(out));
  }
  mixes_ = mixes_ || (given.shape[0] == kFree && target[0] == kFree);
  Shape result = target;
  for (std::int64_t& n : result)
    if (n == kBatch) n = kFree;
  if (result == given.shape && is_known(std::span(result).subspan(1))) return x;

  // What has one size only may lie anywhere.
  std::vector<std::size_t> moving;
  for (const std::size_t axis : given.order)
    if (given.shape[axis] != 1) moving.push_back(axis);
  const bool lies_right = std::ranges::is_sorted(moving) && given.order[0] == 0;
  VISAVIS_TRY(from, in_order(x, lies_right ? given.order : identity(given.shape.size())));

  const bool is_point = target.size() == 4 && target[1] == 1 && target[2] == 1;
  Order order = is_point ? picture_order() : identity(target.size());
  Shape physical = in_order_of(target, order);
  for (std::int64_t& n : physical)
    if (n == kBatch) n = 0;
  const std::string made = fresh(name);
  if (target.size() == 2 && target[0] == kBatch && given.shape.size() > 1) {
    node("Flatten", made, {std::move(from)}, {{"axis", std::int64_t{1}}});
  } else {
    const auto rank = static_cast<std::int64_t>(physical.size());
    const std::string dims = initializer(name + ".shape", {rank}, std::move(physical));
    node("Reshape", made, {std::move(from), dims}, {});
  }
  return add(made, std::move(result), std::move(order));
}

Result<ChannelsFirst::Id> ChannelsFirst::transpose(Id x, const std::vector<std::size_t>& order) {
  const Value given = values_[x];
  if (!is_permutation(order, given.shape.size())) return unsupported("an order of all axes");
  if (given.constant) {
    VISAVIS_TRY(moved, permuted(*given.constant, order));
    return folded(std::move(moved));
  }
  if (given.shape[0] == kFree && order[0] != 0 && declared_batch_ != kFree)
    return unsupported("an order with the batch first");
  const Order where = inverse(order);
  Order lies;
  for (const std::size_t axis : given.order) lies.push_back(where[axis]);
  return add(given.name, in_order_of(given.shape, order), std::move(lies));
}

Result<ChannelsFirst::Id> ChannelsFirst::pad(const std::string& name, Id x, const Shape& before,
                                             const Shape& behind, float value) {
  const Value given = values_[x];
  const std::size_t rank = given.shape.size();
  if (given.constant) return unsupported("an input that is computed from the network's");
  if (before.size() != rank || behind.size() != rank) return unsupported("pads for every axis");
  Shape shape = given.shape;
  for (std::size_t i = 0; i < rank; ++i) {
    if (before[i] < 0 || behind[i] < 0 || before[i] > kMostSteps || behind[i] > kMostSteps)
      return unsupported("a padding of at most 4096");
    if (shape[i] != kFree) shape[i] += before[i] + behind[i];
  }
  if (given.shape[0] == kFree && before[0] + behind[0] != 0)
    return unsupported("a padding that adds no samples");
  VISAVIS_CHECK(check_shape(shape));
  Shape pads = in_order_of(before, given.order);
  const Shape ends = in_order_of(behind, given.order);
  pads.insert(pads.end(), ends.begin(), ends.end());
  const auto count = static_cast<std::int64_t>(pads.size());
  std::vector<std::string> inputs = {given.name,
                                     initializer(name + ".pads", {count}, std::move(pads))};
  if (value != 0) inputs.push_back(initializer(name + ".value", {}, std::vector{value}));
  const std::string made = fresh(name);
  node("Pad", made, std::move(inputs), {});
  return add(made, std::move(shape), given.order);
}

Result<ChannelsFirst::Id> ChannelsFirst::slice(const std::string& name, Id x, const Shape& begin,
                                               const Shape& size) {
  const Value given = values_[x];
  const std::size_t rank = given.shape.size();
  if (begin.size() != rank || size.size() != rank) return unsupported("a place on every axis");
  if (given.constant) return cut(x, begin, size);
  Shape shape = given.shape;
  Shape starts;
  Shape ends;
  Shape axes;
  for (std::size_t i = 0; i < rank; ++i) {
    const bool all = begin[i] == 0 && (size[i] == -1 || size[i] == shape[i]);
    if (all || (i == 0 && begin[i] == 0 && size[i] == declared_batch_)) continue;
    if (begin[i] < 0 || size[i] < -1 || shape[i] == kFree || begin[i] > shape[i] ||
        size[i] > shape[i] - begin[i])
      return unsupported("a part that its input has");
    shape[i] = size[i] == -1 ? shape[i] - begin[i] : size[i];
    starts.push_back(begin[i]);
    ends.push_back(begin[i] + shape[i]);
    axes.push_back(static_cast<std::int64_t>(inverse(given.order)[i]));
  }
  return sliced(name, x, std::move(shape), std::move(starts), std::move(ends), std::move(axes));
}

Result<ChannelsFirst::Id> ChannelsFirst::gather(const std::string& name, Id x, const Shape& places,
                                                std::int64_t axis) {
  const Value given = values_[x];
  if (given.constant) return unsupported("an input that is computed from the network's");
  VISAVIS_TRY(along, axis_of(axis, given.shape.size()));
  const std::int64_t size = given.shape[along];
  if (size == kFree) return unsupported("an axis whose size is known");
  for (const std::int64_t place : places)
    if (place < 0 || place >= size) return unsupported("places that its input has");
  Shape shape = given.shape;
  const auto count = static_cast<std::int64_t>(places.size());
  shape[along] = count;
  VISAVIS_CHECK(check_shape(shape));
  const auto physical = static_cast<std::int64_t>(inverse(given.order)[along]);
  const std::string made = fresh(name);
  node("Gather", made, {given.name, initializer(name + ".places", {count}, places)},
       {{"axis", physical}});
  return add(made, std::move(shape), given.order);
}

/// @param axes  as they lie in the ONNX graph
ChannelsFirst::Id ChannelsFirst::sliced(const std::string& name, Id x, Shape shape, Shape starts,
                                        Shape ends, Shape axes) {
  if (axes.empty()) return x;
  const Value given = values_[x];
  const auto count = static_cast<std::int64_t>(axes.size());
  std::vector<std::string> inputs = {given.name,
                                     initializer(name + ".starts", {count}, std::move(starts)),
                                     initializer(name + ".ends", {count}, std::move(ends)),
                                     initializer(name + ".axes", {count}, std::move(axes))};
  const std::string made = fresh(name);
  node("Slice", made, std::move(inputs), {});
  return add(made, std::move(shape), given.order);
}

Result<ChannelsFirst::Id> ChannelsFirst::between(
    const std::string& name, Id x, const std::vector<std::optional<std::int64_t>>& begin,
    const std::vector<std::optional<std::int64_t>>& end) {
  constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
  const Value given = values_[x];
  const std::size_t rank = given.shape.size();
  if (begin.size() > rank || end.size() != begin.size()) return unsupported("axes that it has");
  Shape shape = given.shape;
  Shape first(rank, 0);
  Shape size(rank, -1);
  Shape starts;
  Shape ends;
  Shape axes;
  for (std::size_t i = 0; i < begin.size(); ++i) {
    const std::int64_t n = shape[i];
    std::int64_t from = begin[i].value_or(0);
    std::int64_t to = end[i].value_or(kAll);
    if (i == 0 && n == kFree && from == 0 && to == declared_batch_) to = kAll;
    if (from == 0 && (to == kAll || (n != kFree && to >= n))) continue;
    if (n == kFree) {
      const bool near = to == kAll || (to < 0 && to >= -kMostSide);
      if (i == 0 || from < 0 || from > kMostSide || !near)
        return unsupported("places that are counted from the end they are near to");
    } else {
      const auto place = [n](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? std::max(at, -n) + n : at, 0, n);
      };
      from = place(from);
      to = place(to);
      if (from >= to) return unsupported("a part that its input has");
      shape[i] = size[i] = to - from;
      first[i] = from;
    }
    starts.push_back(from);
    ends.push_back(to);
    axes.push_back(static_cast<std::int64_t>(inverse(given.order)[i]));
  }
  if (given.constant) return cut(x, first, size);
  return sliced(name, x, std::move(shape), std::move(starts), std::move(ends), std::move(axes));
}

}  // namespace visavis::modelkit
