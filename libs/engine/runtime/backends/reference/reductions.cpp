// Operators that sum along axes: Softmax and ReduceMean.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "kernel.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {
namespace {

/// One distribution: `count` elements `step` apart. The largest is taken off, so that exp cannot
/// overflow.
void softmax_line(const float* from, std::size_t count, std::size_t step, float* to) {
  float most = from[0];
  for (std::size_t i = 1; i < count; ++i) most = std::max(most, from[i * step]);
  float sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    to[i * step] = std::exp(from[i * step] - most);
    sum += to[i * step];
  }
  for (std::size_t i = 0; i < count; ++i) to[i * step] /= sum;
}

Outputs softmax(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  const Shape& shape = call.inputs[0]->shape;
  // Before opset 13 everything from the axis on is one distribution, and the axis may be the rank.
  const bool flattens = call.opset < 13;
  const std::int64_t given = call.integer("axis", flattens ? 1 : -1);
  const bool past_end = flattens && given == static_cast<std::int64_t>(shape.size());
  VISAVIS_TRY(axis, past_end ? Result<std::size_t>(shape.size()) : call.axis(given, shape.size()));
  const std::span<const std::int64_t> dimensions(shape);
  const std::size_t count =
      flattens ? product(dimensions.subspan(axis)) : static_cast<std::size_t>(shape[axis]);
  const std::size_t step = flattens ? 1 : product(dimensions.subspan(axis + 1));
  Floats out(x.size());
  if (!x.empty())
    for (std::size_t outer = 0; outer < x.size(); outer += count * step)
      for (std::size_t inner = outer; inner < outer + step; ++inner)
        softmax_line(x.data() + inner, count, step, out.data() + inner);
  return one({.shape = shape, .data = std::move(out)});
}

/// Which axes are summed over.
Result<std::vector<bool>> reduced_axes(const Call& call, std::size_t rank) {
  VISAVIS_TRY(axes, call.list("axes", 1));
  const bool all = axes.empty() && call.integer("noop_with_empty_axes", 0) == 0;
  std::vector<bool> reduced(rank, all);
  for (const std::int64_t given : axes) {
    VISAVIS_TRY(axis, call.axis(given, rank));
    reduced[axis] = true;
  }
  return reduced;
}

/// For each dimension, how far one step moves in the output; 0 along a summed axis.
std::vector<std::size_t> output_steps(const Shape& shape, const std::vector<bool>& reduced) {
  std::vector<std::size_t> steps(shape.size());
  std::size_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (reduced[i]) continue;
    steps[i] = step;
    step *= static_cast<std::size_t>(shape[i]);
  }
  return steps;
}

Outputs reduce_mean(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  const Shape& shape = call.inputs[0]->shape;
  VISAVIS_TRY(reduced, reduced_axes(call, shape.size()));
  const bool keep = call.integer("keepdims", 1) != 0;
  Shape out_shape;
  std::size_t outputs = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!reduced[i]) outputs *= static_cast<std::size_t>(shape[i]);
    if (!reduced[i] || keep) out_shape.push_back(reduced[i] ? 1 : shape[i]);
  }
  if (x.empty()) return call.wrong("the mean of nothing");
  std::vector<double> sums(outputs);
  const std::vector<std::size_t> steps = output_steps(shape, reduced);
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::size_t rest = i;
    std::size_t to = 0;
    for (std::size_t d = shape.size(); d-- > 0;) {
      const auto size = static_cast<std::size_t>(shape[d]);
      to += rest % size * steps[d];
      rest /= size;
    }
    sums[to] += double{x[i]};
  }
  Floats out(outputs);
  const double count = static_cast<double>(x.size()) / static_cast<double>(outputs);
  std::ranges::transform(sums, out.begin(),
                         [count](double sum) { return static_cast<float>(sum / count); });
  return one({.shape = std::move(out_shape), .data = std::move(out)});
}

constexpr auto kOperators =
    std::to_array<Operator>({{"ReduceMean", reduce_mean, 1, 2}, {"Softmax", softmax, 1, 1}});

}  // namespace

std::span<const Operator> reduction_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
