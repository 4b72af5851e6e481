// What moves numbers and leaves them as they are.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "lowering.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"

namespace visavis::graph::channels_last {
namespace {

/// Axis i of a value, in the order in which it is used.
std::size_t place(std::size_t axis, bool as_last) {
  return as_last ? static_cast<std::size_t>(kAxisInLast[axis]) : axis;
}

}  // namespace

/// Reshape, Flatten, Squeeze and Unsqueeze: shapes are known by now.
Result<void> reshape(Lowering& lower, const Node& node) {
  lower.keep(node.outputs[0],
             lower.reshape(lower.first_of(node.inputs[0]), lower.shape(node.outputs[0])), false);
  return {};
}

Result<void> identity(Lowering& lower, const Node& node) {
  const bool as_last = lower.is_last(node.inputs[0]);
  lower.keep(node.outputs[0], lower.in_order(node.inputs[0], as_last), as_last);
  return {};
}

Result<void> transpose(Lowering& lower, const Node& node) {
  const std::size_t rank = lower.rank(node.inputs[0]);
  Ints order = node.get_or<Ints>("perm", {});
  if (order.empty()) {
    order.resize(rank);
    std::iota(order.rbegin(), order.rend(), 0);
  }
  const bool as_last = lower.is_last(node.inputs[0]);
  if (as_last)
    for (std::int64_t& axis : order) axis = kAxisInLast[axis];
  const std::string x = lower.in_order(node.inputs[0], as_last);
  lower.keep(node.outputs[0], lower.transpose(x, order), false);
  return {};
}

Result<void> concat(Lowering& lower, const Node& node) {
  const Shape& made = lower.shape(node.outputs[0]);
  const bool as_last = made.size() == 4 && lower.any_last(node);
  const std::size_t axis = axis_of(node.get_or<std::int64_t>("axis", 0), made.size());
  std::vector<std::string> parts;
  for (const std::string& input : node.inputs) parts.push_back(lower.in_order(input, as_last));
  lower.keep(node.outputs[0],
             lower.emit("Concat", std::move(parts), as_last ? last(made) : made,
                        {{"axis", static_cast<std::int64_t>(place(axis, as_last))}}),
             as_last);
  return {};
}

Result<void> split(Lowering& lower, const Node& node) {
  const bool as_last = lower.is_last(node.inputs[0]);
  const std::string x = lower.in_order(node.inputs[0], as_last);
  const std::size_t axis =
      axis_of(node.get_or<std::int64_t>("axis", 0), lower.rank(node.inputs[0]));
  std::int64_t begin = 0;
  for (const std::string& output : node.outputs) {
    const std::int64_t size = lower.shape(output)[axis];
    lower.keep(output, lower.slice(x, place(axis, as_last), begin, size), as_last);
    begin += size;
  }
  return {};
}

Result<void> slice(Lowering& lower, const Node& node) {
  const auto given = [&](const char* attribute, std::size_t input,
                         const Ints& otherwise) -> Result<Ints> {
    if (Lowering::has(node, input)) return lower.ints(node, input);
    return node.get_or<Ints>(attribute, otherwise);
  };
  VISAVIS_TRY(starts, given("starts", 1, {}));
  VISAVIS_TRY(ends, given("ends", 2, {}));
  Ints all(starts.size());
  std::iota(all.begin(), all.end(), 0);
  VISAVIS_TRY(axes, given("axes", 3, all));
  VISAVIS_TRY(steps, given("steps", 4, Ints(starts.size(), 1)));
  const bool as_last = lower.is_last(node.inputs[0]);
  const std::string x = lower.in_order(node.inputs[0], as_last);
  const Shape& from = lower.shape(node.inputs[0]);
  Shape made = lower.made(x);
  Ints begin(from.size(), 0);
  Ints size(from.size(), -1);
  Ints step(from.size(), 1);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = axis_of(axes[i], from.size());
    const std::int64_t n = from[axis];
    if (steps[i] < 1) return unsupported(node, "steps backwards");
    const std::int64_t first =
        std::clamp<std::int64_t>(starts[i] < 0 ? starts[i] + n : starts[i], 0, n);
    const std::size_t at = place(axis, as_last);
    begin[at] = first;
    step[at] = steps[i];
    made[at] = lower.shape(node.outputs[0])[axis];
    // -1: to the end, which may lie elsewhere with another batch or size.
    const bool is_open = steps[i] == 1 && ends[i] >= std::numeric_limits<std::int32_t>::max();
    size[at] = is_open ? -1 : made[at];
  }
  const std::string from_name = lower.add_ints(begin);
  std::string cut;
  if (std::ranges::all_of(step, [](std::int64_t n) { return n == 1; })) {
    const std::string count = lower.add_ints(size);
    cut = lower.emit("Slice", {x, from_name, count}, std::move(made));
  } else {
    Ints end;
    std::int64_t open = 0;  // a bit for each axis that goes to its end
    for (std::size_t i = 0; i < size.size(); ++i) {
      if (size[i] < 0) open |= std::int64_t{1} << i;
      end.push_back(size[i] < 0 ? 0 : begin[i] + (size[i] - 1) * step[i] + 1);
    }
    const std::string end_name = lower.add_ints(end);
    const std::string step_name = lower.add_ints(step);
    cut = lower.emit("StridedSlice", {x, from_name, end_name, step_name}, std::move(made),
                     {{"begin_mask", std::int64_t{0}}, {"end_mask", open}});
  }
  lower.keep(node.outputs[0], cut, as_last);
  return {};
}

Result<void> gather(Lowering& lower, const Node& node) {
  VISAVIS_TRY(indices, lower.ints(node, 1));
  const std::string x = lower.first_of(node.inputs[0]);
  const std::size_t axis =
      axis_of(node.get_or<std::int64_t>("axis", 0), lower.rank(node.inputs[0]));
  for (std::int64_t& index : indices)
    if (index < 0) index += lower.made(x)[axis];
  const std::string places = lower.add_ints(lower.shape(node.inputs[1]), indices);
  lower.keep(node.outputs[0],
             lower.emit("Gather", {x, places}, lower.shape(node.outputs[0]),
                        {{"axis", static_cast<std::int64_t>(axis)}}),
             false);
  return {};
}

Result<void> pad(Lowering& lower, const Node& node) {
  if (node.get_or<std::string>("mode", "constant") != "constant")
    return unsupported(node, "other than a constant");
  Ints pads = node.get_or<Ints>("pads", {});
  float value = node.get_or<float>("value", 0);
  if (Lowering::has(node, 1)) {
    VISAVIS_TRY(given, lower.ints(node, 1));
    pads = std::move(given);
  }
  if (Lowering::has(node, 2)) {
    VISAVIS_TRY(given, lower.floats(node, 2));
    if (given.size() == 1) value = given[0];
  }
  const std::size_t rank = lower.rank(node.inputs[0]);
  if (pads.size() != 2 * rank || std::ranges::any_of(pads, [](std::int64_t n) { return n < 0; }))
    return unsupported(node, "paddings of some axes only or below 0");
  const bool as_last = lower.is_last(node.inputs[0]);
  const std::string x = lower.in_order(node.inputs[0], as_last);
  std::vector<std::pair<std::int64_t, std::int64_t>> padding(rank);
  for (std::size_t i = 0; i < rank; ++i) padding[place(i, as_last)] = {pads[i], pads[i + rank]};
  lower.keep(node.outputs[0], lower.pad(x, padding, value), as_last);
  return {};
}

}  // namespace visavis::graph::channels_last
