/// The shapes of sums and products, normalisations and activations, and what they reduce.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "inference.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"

namespace visavis::graph::inference {

Result<Shape> Inference::same(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  return *x;
}

/// One number for each channel in each of the inputs behind the first.
Result<Shape> Inference::by_channel(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  if (x->size() < 2) return wrong(node, "an input of too low a rank");
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    VISAVIS_TRY(parameters, input(node, i));
    if (*parameters != Shape{(*x)[1]}) return wrong(node, "parameters for other channels");
  }
  return *x;
}

Result<Shape> Inference::by_layer(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_CHECK(axis_of(node, node.get_or<std::int64_t>("axis", -1), x->size()));
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    if (!has(node, i)) continue;
    VISAVIS_TRY(parameters, input(node, i));
    VISAVIS_TRY(out, broadcast(node, *x, *parameters));
    if (out != *x) return wrong(node, "parameters for another shape");
  }
  return *x;
}

Result<Shape> Inference::along(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  const bool is_old_softmax = node.op == "Softmax" && graph_.opset < 13;
  VISAVIS_CHECK(
      axis_of(node, node.get_or<std::int64_t>("axis", is_old_softmax ? 1 : -1), x->size()));
  return *x;
}

/// One scale and zero point, or one of each for each place of an axis.
Result<Shape> Inference::stepped(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(scales, input(node, 1));
  if (scales->size() > 1)
    return fail(ErrorCode::kUnsupported, node.op + " with scales of several axes");
  VISAVIS_TRY(count, element_count(*scales));
  if (has(node, 2)) {
    VISAVIS_TRY(zeros, input(node, 2));
    VISAVIS_TRY(zero_count, element_count(*zeros));
    if (zero_count != count) return wrong(node, "not as many zero points as scales");
  }
  if (count == 1) return *x;
  VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 1), x->size()));
  if ((*x)[axis] != static_cast<std::int64_t>(count))
    return wrong(node, "scales for another shape");
  return *x;
}

Result<Shape> Inference::both(const Node& node) const {
  VISAVIS_TRY(a, input(node, 0));
  VISAVIS_TRY(b, input(node, 1));
  return broadcast(node, *a, *b);
}

Result<Shape> Inference::all(const Node& node) const {
  VISAVIS_TRY(first, input(node, 0));
  Shape out = *first;
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    VISAVIS_TRY(next, input(node, i));
    VISAVIS_TRY(met, broadcast(node, out, *next));
    out = std::move(met);
  }
  return out;
}

/// Slopes are stretched to the input, never the input to them.
Result<Shape> Inference::sloped(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(out, both(node));
  if (out != *x) return wrong(node, "more slopes than the input has numbers");
  return out;
}

Result<Shape> Inference::gemm(const Node& node) const {
  VISAVIS_TRY(a, input(node, 0));
  VISAVIS_TRY(b, input(node, 1));
  if (a->size() != 2 || b->size() != 2) return wrong(node, "inputs that are no matrices");
  const bool turn_a = node.get_or<std::int64_t>("transA", 0) != 0;
  const bool turn_b = node.get_or<std::int64_t>("transB", 0) != 0;
  if ((*a)[turn_a ? 0 : 1] != (*b)[turn_b ? 1 : 0])
    return wrong(node, "matrices that do not go together");
  Shape out{(*a)[turn_a ? 1 : 0], (*b)[turn_b ? 0 : 1]};
  if (has(node, 2)) {
    VISAVIS_TRY(bias, input(node, 2));
    VISAVIS_TRY(met, broadcast(node, out, *bias));
    if (met != out) return wrong(node, "a bias for another shape");
  }
  return out;
}

Result<Shape> Inference::matmul(const Node& node) const {
  VISAVIS_TRY(a, input(node, 0));
  VISAVIS_TRY(b, input(node, 1));
  if (a->size() < 2 || b->size() < 2) return fail(ErrorCode::kUnsupported, "MatMul with a vector");
  if (a->back() != (*b)[b->size() - 2]) return wrong(node, "matrices that do not go together");
  VISAVIS_TRY(out, broadcast(node, {a->begin(), a->end() - 2}, {b->begin(), b->end() - 2}));
  out.push_back((*a)[a->size() - 2]);
  out.push_back(b->back());
  return out;
}

Result<Shape> Inference::reduce(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(axes, numbers(node, "axes", 1));
  const bool keeps = node.get_or<std::int64_t>("keepdims", 1) != 0;
  const bool is_all =
      (!axes || axes->empty()) && node.get_or<std::int64_t>("noop_with_empty_axes", 0) == 0;
  std::vector<bool> reduced(x->size(), is_all);
  for (const std::int64_t n : axes.value_or(Ints{})) {
    VISAVIS_TRY(axis, axis_of(node, n, x->size()));
    reduced[axis] = true;
  }
  Shape out;
  for (std::size_t a = 0; a < x->size(); ++a) {
    if (!reduced[a]) out.push_back((*x)[a]);
    if (reduced[a] && keeps) out.push_back(1);
  }
  return out;
}

}  // namespace visavis::graph::inference
