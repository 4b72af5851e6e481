/// The shapes of what puts numbers at other places: reshape, transpose, concat, slice, pad.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "inference.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"

namespace visavis::graph::inference {

Result<Shape> Inference::expand(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(target, numbers(node, "shape", 1));
  if (!target) return wrong(node, "too few inputs");
  VISAVIS_CHECK(element_count(*target));
  return broadcast(node, *x, *target);
}

Result<Shape> Inference::flatten(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  const auto rank = static_cast<std::int64_t>(x->size());
  auto axis = node.get_or<std::int64_t>("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) return wrong(node, "an axis beyond the shape");
  const auto middle = x->begin() + axis;
  const auto times = std::multiplies<std::int64_t>();
  return Shape{std::accumulate(x->begin(), middle, std::int64_t{1}, times),
               std::accumulate(middle, x->end(), std::int64_t{1}, times)};
}

Result<Shape> Inference::reshape(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(given, numbers(node, "shape", 1));
  if (!given) return wrong(node, "too few inputs");
  VISAVIS_TRY(count, element_count(*x));
  const bool zero_is_zero = node.get_or<std::int64_t>("allowzero", 0) != 0;
  Shape out = *std::move(given);
  std::optional<std::size_t> open;
  std::int64_t known = 1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == 0 && !zero_is_zero) {
      if (i >= x->size()) return wrong(node, "a dimension that the input does not have");
      out[i] = (*x)[i];
    }
    if (out[i] == -1 && !open) {
      open = i;
      continue;
    }
    if (out[i] < 0 || out[i] > kMaxElements) return wrong(node, "a dimension out of range");
    known = std::min(known * out[i], kMaxElements + 1);
  }
  const auto all = static_cast<std::int64_t>(count);
  if (open) {
    if (known == 0 || all % known != 0) return wrong(node, "a shape of another size");
    out[*open] = all / known;
  } else if (known != all) {
    return wrong(node, "a shape of another size");
  }
  return out;
}

Result<Shape> Inference::transpose(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  Ints order(x->size());
  std::iota(order.rbegin(), order.rend(), 0);
  order = node.get_or("perm", order);
  if (order.size() != x->size()) return wrong(node, "a permutation of another rank");
  Shape out;
  std::vector<bool> taken(order.size(), false);
  for (const std::int64_t n : order) {
    VISAVIS_TRY(axis, axis_of(node, n, x->size()));
    if (n < 0 || taken[axis]) return wrong(node, "no permutation of the axes");
    taken[axis] = true;
    out.push_back((*x)[axis]);
  }
  return out;
}

Result<Shape> Inference::concat(const Node& node) const {
  VISAVIS_TRY(first, input(node, 0));
  VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 0), first->size()));
  Shape out = *first;
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    VISAVIS_TRY(next, input(node, i));
    if (next->size() != out.size()) return wrong(node, "inputs of several ranks");
    for (std::size_t a = 0; a < out.size(); ++a)
      if (a != axis && (*next)[a] != out[a]) return wrong(node, "inputs that do not go together");
    out[axis] += (*next)[axis];
  }
  return out;
}

Result<Shape> Inference::pad(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(pads, numbers(node, "pads", 1));
  if (has(node, 3)) return fail(ErrorCode::kUnsupported, "Pad of some axes only");
  if (!pads || pads->size() != 2 * x->size()) return wrong(node, "pads of another rank");
  Shape out = *x;
  for (std::size_t a = 0; a < out.size(); ++a) {
    const std::int64_t before = (*pads)[a];
    const std::int64_t after = (*pads)[out.size() + a];
    if (std::max(before, after) > kMost || std::min(before, after) < -kMost)
      return wrong(node, "a padding beyond all limits");
    out[a] += before + after;
  }
  return out;
}

Result<Shape> Inference::slice(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(starts, numbers(node, "starts", 1));
  VISAVIS_TRY(ends, numbers(node, "ends", 2));
  VISAVIS_TRY(axes, numbers(node, "axes", 3));
  VISAVIS_TRY(steps, numbers(node, "steps", 4));
  if (!starts || !ends || starts->size() != ends->size())
    return wrong(node, "starts and ends that do not go together");
  if (!axes) {
    axes = Ints(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  if (!steps) steps = Ints(starts->size(), 1);
  if (axes->size() != starts->size() || steps->size() != starts->size())
    return wrong(node, "axes and starts that do not go together");
  Shape out = *x;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    VISAVIS_TRY(axis, axis_of(node, (*axes)[i], x->size()));
    const std::int64_t size = (*x)[axis];
    const std::int64_t step = (*steps)[i];
    if (step == 0 || step > kMost || step < -kMost) return wrong(node, "a step out of range");
    const auto place = [&](std::int64_t at) {
      const std::int64_t from_start = at < 0 ? std::max(at, -size - 1) + size : at;
      return step > 0 ? std::clamp<std::int64_t>(from_start, 0, size)
                      : std::clamp<std::int64_t>(from_start, -1, size - 1);
    };
    const std::int64_t way = place((*ends)[i]) - place((*starts)[i]);
    const std::int64_t sign = step > 0 ? 1 : -1;
    out[axis] = std::max<std::int64_t>((way + step - sign) / step, 0);
  }
  return out;
}

Result<void> Inference::split(const Node& node) {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 0), x->size()));
  VISAVIS_TRY(sizes, numbers(node, "split", 1));
  const auto parts = static_cast<std::int64_t>(node.outputs.size());
  if (!sizes) {
    if ((*x)[axis] % parts != 0) return wrong(node, "parts that are not equal");
    sizes = Ints(node.outputs.size(), (*x)[axis] / parts);
  }
  if (sizes->size() != node.outputs.size()) return wrong(node, "sizes for other outputs");
  const Shape whole = *x;
  for (std::size_t i = 0; i < sizes->size(); ++i) {
    Shape part = whole;
    part[axis] = (*sizes)[i];
    VISAVIS_CHECK(keep(node, i, std::move(part)));
  }
  return {};
}

Result<Shape> Inference::gather(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(indices, input(node, 1));
  VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 0), x->size()));
  const auto at = x->begin() + static_cast<std::ptrdiff_t>(axis);
  Shape out(x->begin(), at);
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), at + 1, x->end());
  return out;
}

Result<Shape> Inference::squeeze(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(axes, numbers(node, "axes", 1));
  std::vector<bool> gone(x->size(), false);
  for (std::size_t a = 0; !axes && a < x->size(); ++a) gone[a] = (*x)[a] == 1;
  for (const std::int64_t n : axes.value_or(Ints{})) {
    VISAVIS_TRY(axis, axis_of(node, n, x->size()));
    if ((*x)[axis] != 1) return wrong(node, "an axis that is not 1");
    gone[axis] = true;
  }
  Shape out;
  for (std::size_t a = 0; a < x->size(); ++a)
    if (!gone[a]) out.push_back((*x)[a]);
  return out;
}

Result<Shape> Inference::unsqueeze(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(axes, numbers(node, "axes", 1));
  if (!axes) return wrong(node, "too few inputs");
  const std::size_t rank = x->size() + axes->size();
  std::vector<bool> fresh(rank, false);
  for (const std::int64_t n : *axes) {
    VISAVIS_TRY(axis, axis_of(node, n, rank));
    if (fresh[axis]) return wrong(node, "an axis named twice");
    fresh[axis] = true;
  }
  Shape out;
  auto next = x->begin();
  for (std::size_t a = 0; a < rank; ++a) out.push_back(fresh[a] ? 1 : *next++);
  return out;
}

}  // namespace visavis::graph::inference
