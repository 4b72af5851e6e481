// Operators that pick, join or reorder elements, of either type.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "kernel.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {
namespace {

/// Which input elements make the output: element i of the output along axis d stands at
/// start + Σ index_d * step_d in the input.
struct Walk {
  Shape shape;                      ///< Of the output.
  std::vector<std::int64_t> steps;  ///< In the input, per dimension of the output.
  std::int64_t start = 0;
};

template <class T>
void collect(const Walk& walk, std::size_t axis, const T* from, std::int64_t at,
             std::vector<T>& out) {
  if (axis == walk.shape.size()) {
    out.push_back(from[at]);
    return;
  }
  const bool innermost = axis + 1 == walk.shape.size();
  for (std::int64_t i = 0; i < walk.shape[axis]; ++i, at += walk.steps[axis])
    if (innermost)
      out.push_back(from[at]);
    else
      collect(walk, axis + 1, from, at, out);
}

Outputs collected(const Call& call, const Walk& walk) {
  VISAVIS_TRY(count, call.count(walk.shape));
  Value out{.shape = walk.shape, .data = {}};
  std::visit(
      [&](const auto& held) {
        std::remove_cvref_t<decltype(held)> values;
        values.reserve(count);
        if (count > 0) collect(walk, 0, held.data(), walk.start, values);
        out.data = std::move(values);
      },
      call.inputs[0]->data);
  return one(std::move(out));
}

/// The distance of neighbours along each axis.
std::vector<std::int64_t> steps_of(const Shape& shape) {
  std::vector<std::int64_t> steps(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) steps[i - 1] = steps[i] * shape[i];
  return steps;
}

Outputs transpose(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  const std::size_t rank = x->shape.size();
  Ints permutation = call.node.get_or<Ints>("perm", {});
  if (permutation.empty())
    for (std::size_t i = rank; i-- > 0;) permutation.push_back(static_cast<std::int64_t>(i));
  if (permutation.size() != rank) return call.wrong("perm does not fit the input");
  const std::vector<std::int64_t> steps = steps_of(x->shape);
  std::vector<bool> seen(rank);
  Walk walk;
  for (const std::int64_t given : permutation) {
    VISAVIS_TRY(axis, call.axis(given, rank));
    if (seen[axis]) return call.wrong("perm names an axis twice");
    seen[axis] = true;
    walk.shape.push_back(x->shape[axis]);
    walk.steps.push_back(steps[axis]);
  }
  return collected(call, walk);
}

struct Cut {
  std::int64_t start;
  std::int64_t count;
  std::int64_t step;
};

/// Clamps as the specification of Slice does.
/// @pre step != 0
Cut cut_of(std::int64_t start, std::int64_t end, std::int64_t step, std::int64_t size) {
  const bool backwards = step < 0;
  const std::int64_t low = backwards ? -1 : 0;
  const std::int64_t high = backwards ? size - 1 : size;
  start = std::clamp(start < 0 ? start + size : start, backwards ? 0 : low, std::max(high, low));
  end = std::clamp(end < 0 ? end + size : end, low, std::max(high, low));
  const std::int64_t distance = backwards ? start - end : end - start;
  if (distance <= 0 || size == 0) return {.start = 0, .count = 0, .step = 1};
  // A step beyond the tensor picks one element; it is bounded so that nothing overflows.
  const std::int64_t stride = std::clamp(step, -size, size);
  const std::int64_t length = backwards ? -stride : stride;
  return {.start = start, .count = (distance + length - 1) / length, .step = stride};
}

Outputs slice(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  VISAVIS_TRY(starts, call.list("starts", 1));
  VISAVIS_TRY(ends, call.list("ends", 2));
  VISAVIS_TRY(axes, call.list("axes", 3));
  VISAVIS_TRY(strides, call.list("steps", 4));
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (strides.empty()) strides.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      strides.size() != starts.size())
    return call.wrong("starts, ends, axes and steps have different lengths");
  Walk walk{.shape = x->shape, .steps = steps_of(x->shape)};
  std::vector<bool> seen(x->shape.size());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    VISAVIS_TRY(axis, call.axis(axes[i], x->shape.size()));
    if (seen[axis] || strides[i] == 0) return call.wrong("an axis is cut twice or with step 0");
    seen[axis] = true;
    const Cut cut = cut_of(starts[i], ends[i], strides[i], x->shape[axis]);
    walk.shape[axis] = cut.count;
    walk.start += cut.start * walk.steps[axis];
    walk.steps[axis] *= cut.step;
  }
  return collected(call, walk);
}

/// The elements of `from` along one axis, each a block per index of the axes before it.
template <class T>
std::vector<T> gathered(const std::vector<T>& from, std::span<const std::size_t> rows,
                        std::size_t axis_size, std::size_t block) {
  std::vector<T> out;
  const std::size_t outer = block * axis_size == 0 ? 0 : from.size() / (block * axis_size);
  out.reserve(outer * rows.size() * block);
  for (std::size_t o = 0; o < outer; ++o)
    for (const std::size_t row : rows) {
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>((o * axis_size + row) * block);
      out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(block));
    }
  return out;
}

Outputs gather(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  VISAVIS_TRY(indices, call.ints(1));
  VISAVIS_TRY(axis, call.axis(call.integer("axis", 0), x->shape.size()));
  std::vector<std::size_t> rows;
  rows.reserve(indices.size());
  const std::int64_t size = x->shape[axis];
  for (const std::int64_t index : indices) {
    if (index < -size || index >= size) return call.wrong("an index is out of range");
    rows.push_back(static_cast<std::size_t>(index < 0 ? index + size : index));
  }
  const auto at = static_cast<std::ptrdiff_t>(axis);
  Shape shape(x->shape.begin(), x->shape.begin() + at);
  shape.insert(shape.end(), call.inputs[1]->shape.begin(), call.inputs[1]->shape.end());
  shape.insert(shape.end(), x->shape.begin() + at + 1, x->shape.end());
  VISAVIS_CHECK(call.count(shape));
  const std::size_t block = product(std::span(x->shape).subspan(axis + 1));
  Value out{.shape = std::move(shape), .data = {}};
  std::visit(
      [&](const auto& held) {
        out.data = gathered(held, rows, static_cast<std::size_t>(size), block);
      },
      x->data);
  return one(std::move(out));
}

/// The joint shape of Concat's inputs.
Result<Shape> joint_shape(const Call& call, std::size_t axis) {
  Shape shape = call.inputs[0]->shape;
  for (std::size_t i = 1; i < call.inputs.size(); ++i) {
    VISAVIS_TRY(next, call.value(i));
    if (next->data.index() != call.inputs[0]->data.index())
      return call.wrong("the inputs have different types");
    if (next->shape.size() != shape.size()) return call.wrong("the inputs have different ranks");
    for (std::size_t d = 0; d < shape.size(); ++d)
      if (d != axis && next->shape[d] != shape[d])
        return call.wrong("the inputs do not fit each other");
    shape[axis] += next->shape[axis];
    VISAVIS_CHECK(call.count(shape));  // each time, so that the sum cannot overflow
  }
  return shape;
}

template <class T>
std::vector<T> joined(const Call& call, std::size_t axis, std::size_t count) {
  std::vector<T> out;
  out.reserve(count);
  const std::size_t outer = product(std::span(call.inputs[0]->shape).first(axis));
  for (std::size_t o = 0; o < outer; ++o)
    for (const Value* input : call.inputs) {
      const auto& held = std::get<std::vector<T>>(input->data);
      const auto block = static_cast<std::ptrdiff_t>(held.size() / outer);
      const auto begin = held.begin() + static_cast<std::ptrdiff_t>(o) * block;
      out.insert(out.end(), begin, begin + block);
    }
  return out;
}

Outputs concat(const Call& call) {
  VISAVIS_TRY(first, call.value(0));
  VISAVIS_TRY(axis, call.axis(call.integer("axis", 0), first->shape.size()));
  VISAVIS_TRY(shape, joint_shape(call, axis));
  VISAVIS_TRY(count, call.count(shape));
  Value out{.shape = std::move(shape), .data = {}};
  std::visit([&]<class T>(const std::vector<T>&) { out.data = joined<T>(call, axis, count); },
             first->data);
  return one(std::move(out));
}

/// The sizes of Split's parts: given, or as equal as they can be.
Result<Ints> parts_of(const Call& call, std::int64_t size) {
  VISAVIS_TRY(parts, call.list("split", 1));
  const auto count = static_cast<std::int64_t>(call.node.outputs.size());
  if (parts.empty()) {
    const std::int64_t each = (size + count - 1) / count;
    for (std::int64_t left = size; std::ssize(parts) < count; left -= parts.back())
      parts.push_back(std::min(each, left));
  }
  std::int64_t sum = 0;
  for (const std::int64_t part : parts) {
    if (part < 0 || part > size - sum) return call.wrong("the parts do not fit the input");
    sum += part;
  }
  if (sum != size || std::ssize(parts) != count)
    return call.wrong("the parts do not fit the input");
  return parts;
}

Outputs split(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  VISAVIS_TRY(axis, call.axis(call.integer("axis", 0), x->shape.size()));
  VISAVIS_TRY(parts, parts_of(call, x->shape[axis]));
  Walk walk{.shape = x->shape, .steps = steps_of(x->shape)};
  std::vector<Value> outputs;
  for (const std::int64_t part : parts) {
    walk.shape[axis] = part;
    VISAVIS_TRY(piece, collected(call, walk));
    outputs.push_back(std::move(piece.front()));
    walk.start += part * walk.steps[axis];
  }
  return outputs;
}

/// Pads along one axis after the other: each element's source, or -1 for the constant.
using Source = std::vector<std::int64_t>;

Source sources(std::int64_t size, std::int64_t begin, std::int64_t count, bool edge, bool reflect) {
  Source from;
  from.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = i - begin;
    const bool beyond = at < 0 || at >= size;
    if (beyond && reflect)
      from.push_back(at < 0 ? -at : 2 * (size - 1) - at);
    else if (beyond && !edge)
      from.push_back(-1);
    else
      from.push_back(std::clamp<std::int64_t>(at, 0, size - 1));
  }
  return from;
}

struct Padding {
  Shape shape;
  std::vector<Source> from;
  std::vector<std::int64_t> steps;
  float filler = 0;
};

void pad_axis(const Padding& padding, const float* x, std::size_t axis, std::int64_t at,
              bool inside, Floats& out) {
  if (axis == padding.shape.size()) {
    out.push_back(inside ? x[at] : padding.filler);
    return;
  }
  for (const std::int64_t source : padding.from[axis])
    pad_axis(padding, x, axis + 1, at + std::max<std::int64_t>(source, 0) * padding.steps[axis],
             inside && source >= 0, out);
}

/// The pads per axis: first all begins, then all ends; since opset 18 of chosen axes only.
Result<Ints> pads_of(const Call& call, std::size_t rank) {
  VISAVIS_TRY(given, call.list("pads", 1));
  VISAVIS_TRY(axes, call.list("axes", 3));
  if (axes.empty())
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (given.size() != 2 * axes.size()) return call.wrong("pads does not fit the input");
  Ints pads(2 * rank);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    VISAVIS_TRY(axis, call.axis(axes[i], rank));
    pads[axis] = given[i];
    pads[rank + axis] = given[axes.size() + i];
  }
  for (const std::int64_t pad : pads)
    if (pad < -graph::kMaxElements || pad > graph::kMaxElements)
      return call.wrong("a pad is out of range");
  return pads;
}

Outputs pad(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  const Shape& input = call.inputs[0]->shape;
  VISAVIS_TRY(pads, pads_of(call, input.size()));
  const auto mode = call.node.get_or<std::string>("mode", "constant");
  const bool edge = mode == "edge";
  const bool reflect = mode == "reflect";
  if (!edge && !reflect && mode != "constant") return call.unsupported("the mode " + mode);
  Padding padding{
      .shape = input, .from = {}, .steps = steps_of(input), .filler = call.real("value", 0.F)};
  if (call.has(2)) {
    VISAVIS_TRY(filler, call.floats(2));
    if (filler.size() != 1) return call.wrong("the constant is one number");
    padding.filler = filler[0];
  }
  for (std::size_t i = 0; i < input.size(); ++i) {
    const std::int64_t begin = pads[i];
    const std::int64_t end = pads[input.size() + i];
    if ((edge && input[i] == 0) || (reflect && std::max(begin, end) >= input[i]))
      return call.wrong("the padding needs a larger input");
    padding.shape[i] = input[i] + begin + end;
  }
  VISAVIS_TRY(count, call.count(padding.shape));
  if (count > 0)  // a zero dimension would leave others unbounded
    for (std::size_t i = 0; i < input.size(); ++i)
      padding.from.push_back(sources(input[i], pads[i], padding.shape[i], edge, reflect));
  Floats out;
  out.reserve(count);
  if (count > 0) pad_axis(padding, x.data(), 0, 0, true, out);
  return one({.shape = std::move(padding.shape), .data = std::move(out)});
}

constexpr auto kOperators = std::to_array<Operator>({{"Concat", concat, 1, 1'000},
                                                     {"Gather", gather, 2, 2},
                                                     {"Pad", pad, 1, 4},
                                                     {"Slice", slice, 1, 5},
                                                     {"Split", split, 1, 2},
                                                     {"Transpose", transpose, 1, 1}});

}  // namespace

std::span<const Operator> selection_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
