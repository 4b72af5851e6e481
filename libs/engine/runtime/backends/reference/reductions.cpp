// Operators that make one number of many along axes: Softmax and the reductions.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
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

/// How a reduction goes: from `start`, each number is added to what there is, and then finished
/// with how many there were.
struct Folding {
  double start = 0;
  double (*add)(double so_far, double x);
  double (*finish)(double all, double count);
  bool of_nothing = true;  ///< Whether it has an answer for no numbers.
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr Folding kMean{.add = [](double so_far, double x) { return so_far + x; },
                        .finish = [](double all, double count) { return all / count; },
                        .of_nothing = false};
constexpr Folding kSum{.add = [](double so_far, double x) { return so_far + x; },
                       .finish = [](double all, double) { return all; }};
constexpr Folding kLength{.add = [](double so_far, double x) { return so_far + x * x; },
                          .finish = [](double all, double) { return std::sqrt(all); }};
constexpr Folding kLargest{.start = -kInfinity,
                           .add = [](double so_far, double x) { return std::max(so_far, x); },
                           .finish = [](double all, double) { return all; },
                           .of_nothing = false};
constexpr Folding kLeast{.start = kInfinity,
                         .add = [](double so_far, double x) { return std::min(so_far, x); },
                         .finish = [](double all, double) { return all; },
                         .of_nothing = false};

Outputs reduce(const Call& call, const Folding& folding) {
  VISAVIS_TRY(x, call.floats(0));
  const Shape& shape = call.inputs[0]->shape;
  VISAVIS_TRY(reduced, reduced_axes(call, shape.size()));
  const bool keep = call.integer("keepdims", 1) != 0;
  Shape out_shape;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (!reduced[i] || keep) out_shape.push_back(reduced[i] ? 1 : shape[i]);
  VISAVIS_TRY(outputs, call.count(out_shape));
  if (x.empty() && !folding.of_nothing) return call.wrong("it has no numbers");
  std::vector<double> folded(outputs, folding.start);
  const std::vector<std::size_t> steps = output_steps(shape, reduced);
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::size_t rest = i;
    std::size_t to = 0;
    for (std::size_t d = shape.size(); d-- > 0;) {
      const auto size = static_cast<std::size_t>(shape[d]);
      to += rest % size * steps[d];
      rest /= size;
    }
    folded[to] = folding.add(folded[to], double{x[i]});
  }
  Floats out(outputs);
  const double count = static_cast<double>(x.size()) / static_cast<double>(outputs);
  std::ranges::transform(folded, out.begin(), [&](double all) {
    return static_cast<float>(folding.finish(all, count));
  });
  return one({.shape = std::move(out_shape), .data = std::move(out)});
}

Outputs reduce_l2(const Call& call) { return reduce(call, kLength); }
Outputs reduce_max(const Call& call) { return reduce(call, kLargest); }
Outputs reduce_mean(const Call& call) { return reduce(call, kMean); }
Outputs reduce_min(const Call& call) { return reduce(call, kLeast); }
Outputs reduce_sum(const Call& call) { return reduce(call, kSum); }

constexpr auto kOperators = std::to_array<Operator>({{"ReduceL2", reduce_l2, 1, 2},
                                                     {"ReduceMax", reduce_max, 1, 2},
                                                     {"ReduceMean", reduce_mean, 1, 2},
                                                     {"ReduceMin", reduce_min, 1, 2},
                                                     {"ReduceSum", reduce_sum, 1, 2},
                                                     {"Softmax", softmax, 1, 1}});

}  // namespace

std::span<const Operator> reduction_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
