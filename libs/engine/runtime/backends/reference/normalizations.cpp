// Operators that bring each line, layer or plane to a common length or spread. (BatchNormalization,
// whose numbers are constants, is elementwise.)
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

/// `count` numbers `step` apart; what has no length stays zero, as in ONNX Runtime.
void normalize_line(const float* from, std::size_t count, std::size_t step, bool by_squares,
                    float* to) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double x = from[i * step];
    sum += by_squares ? x * x : std::abs(x);
  }
  const double length = by_squares ? std::sqrt(sum) : sum;
  for (std::size_t i = 0; i < count; ++i)
    to[i * step] = length == 0 ? 0 : static_cast<float>(from[i * step] / length);
}

Outputs lp_normalization(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  const Shape& shape = call.inputs[0]->shape;
  VISAVIS_TRY(axis, call.axis(call.integer("axis", -1), shape.size()));
  const std::int64_t p = call.integer("p", 2);
  if (p != 1 && p != 2) return call.wrong("p is neither 1 nor 2");
  const auto count = static_cast<std::size_t>(shape[axis]);
  const std::size_t step = product(std::span(shape).subspan(axis + 1));
  Floats out(x.size());
  if (!x.empty())
    for (std::size_t outer = 0; outer < x.size(); outer += count * step)
      for (std::size_t inner = outer; inner < outer + step; ++inner)
        normalize_line(x.data() + inner, count, step, p == 2, out.data() + inner);
  return one({.shape = shape, .data = std::move(out)});
}

/// To mean 0 and variance 1.
void standardize(std::span<const float> from, float epsilon, float* to) {
  const auto count = static_cast<double>(from.size());
  double sum = 0;
  for (const float x : from) sum += double{x};
  const double mean = sum / count;
  double squares = 0;
  for (const float x : from) squares += (x - mean) * (x - mean);
  const double factor = 1 / std::sqrt(squares / count + double{epsilon});
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i] = static_cast<float>((from[i] - mean) * factor);
}

Outputs layer_normalization(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(scale, call.floats(1));
  const Shape& shape = call.inputs[0]->shape;
  VISAVIS_TRY(axis, call.axis(call.integer("axis", -1), shape.size()));
  const std::size_t count = product(std::span(shape).subspan(axis));
  if (scale.size() != count) return call.unsupported("a scale of another shape than its layers");
  std::span<const float> shift;
  if (call.has(2)) {
    VISAVIS_TRY(given, call.floats(2));
    if (given.size() != count) return call.unsupported("a bias of another shape than its layers");
    shift = given;
  }
  Floats out(x.size());
  for (std::size_t from = 0; from < x.size(); from += count) {
    standardize(x.subspan(from, count), call.real("epsilon", 1e-5F), out.data() + from);
    for (std::size_t i = 0; i < count; ++i)
      out[from + i] = out[from + i] * scale[i] + (shift.empty() ? 0.F : shift[i]);
  }
  return one({.shape = shape, .data = std::move(out)});
}

Outputs instance_normalization(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(scale, call.floats(1));
  VISAVIS_TRY(shift, call.floats(2));
  const Shape& shape = call.inputs[0]->shape;
  if (shape.size() < 3) return call.wrong("the input has no planes");
  const auto channels = static_cast<std::size_t>(shape[1]);
  if (scale.size() != channels || shift.size() != channels)
    return call.wrong("its numbers do not fit the input's channels");
  const std::size_t pixels = product(std::span(shape).subspan(2));
  Floats out(x.size());
  for (std::size_t plane = 0; plane * pixels < x.size(); ++plane) {
    const std::size_t from = plane * pixels;
    const std::size_t c = plane % channels;
    standardize(x.subspan(from, pixels), call.real("epsilon", 1e-5F), out.data() + from);
    for (std::size_t i = from; i < from + pixels; ++i) out[i] = out[i] * scale[c] + shift[c];
  }
  return one({.shape = shape, .data = std::move(out)});
}

constexpr auto kOperators =
    std::to_array<Operator>({{"InstanceNormalization", instance_normalization, 3, 3},
                             {"LayerNormalization", layer_normalization, 2, 3},
                             {"LpNormalization", lp_normalization, 1, 1}});

}  // namespace

std::span<const Operator> normalization_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
