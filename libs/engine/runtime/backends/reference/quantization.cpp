// QuantizeLinear and DequantizeLinear: reals as 8-bit steps and back.
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

/// Which scale and zero point an element has: one for all, or one for each index along an axis.
struct Grain {
  std::span<const float> scales;
  std::size_t block = 1;  ///< Neighbours that share one.

  [[nodiscard]] std::size_t of(std::size_t element) const {
    return element / block % scales.size();
  }
};

Result<Grain> grain_of(const Call& call) {
  if (call.integer("block_size", 0) != 0) return call.unsupported("scales of blocks");
  VISAVIS_TRY(x, call.value(0));
  VISAVIS_TRY(scales, call.floats(1));
  if (call.inputs[1]->shape.empty()) return Grain{.scales = scales};
  if (call.inputs[1]->shape.size() != 1) return call.wrong("the scale is no number and no list");
  if (scales.size() == 1) return Grain{.scales = scales};
  VISAVIS_TRY(axis, call.axis(call.integer("axis", 1), x->shape.size()));
  if (static_cast<std::int64_t>(scales.size()) != x->shape[axis])
    return call.wrong("there are not as many scales as the axis has indices");
  return Grain{.scales = scales, .block = product(std::span(x->shape).subspan(axis + 1))};
}

/// One zero point for each scale; all 0 if they are left out.
template <class T>
Result<std::vector<T>> zero_points(const Call& call, std::size_t count) {
  if (!call.has(2)) return std::vector<T>(count);
  const auto* held = std::get_if<std::vector<T>>(&call.inputs[2]->data);
  if (held == nullptr) return call.wrong("the zero point has another type");
  if (held->size() != count) return call.wrong("there are not as many zero points as scales");
  return *held;
}

/// Halves go to the even neighbour: the rounding mode that every thread has unless it sets another.
template <class T>
T saturated(float steps, T zero) {
  const float value = std::nearbyint(steps) + static_cast<float>(zero);
  constexpr auto kLow = static_cast<float>(std::numeric_limits<T>::min());
  constexpr auto kHigh = static_cast<float>(std::numeric_limits<T>::max());
  if (!(value > kLow)) return std::numeric_limits<T>::min();  // and what is not a number
  return value < kHigh ? static_cast<T>(value) : std::numeric_limits<T>::max();
}

template <class T>
Outputs quantized(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(grain, grain_of(call));
  VISAVIS_TRY(zeros, zero_points<T>(call, grain.scales.size()));
  std::vector<T> out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t at = grain.of(i);
    out[i] = saturated(x[i] / grain.scales[at], zeros[at]);
  }
  return one({.shape = call.inputs[0]->shape, .data = std::move(out)});
}

Outputs quantize_linear(const Call& call) {
  const bool is_signed =
      call.has(2) && std::holds_alternative<std::vector<std::int8_t>>(call.inputs[2]->data);
  if (call.integer("output_dtype", 0) != 0) return call.unsupported("a type of its own");
  return is_signed ? quantized<std::int8_t>(call) : quantized<std::uint8_t>(call);
}

template <class T>
Outputs dequantized(const Call& call, std::span<const T> x) {
  VISAVIS_TRY(grain, grain_of(call));
  VISAVIS_TRY(zeros, zero_points<T>(call, grain.scales.size()));
  Floats out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t at = grain.of(i);
    // In 64 bits: the difference of two int32 may need 33.
    out[i] = static_cast<float>(std::int64_t{x[i]} - zeros[at]) * grain.scales[at];
  }
  return one({.shape = call.inputs[0]->shape, .data = std::move(out)});
}

Outputs dequantize_linear(const Call& call) {
  VISAVIS_TRY(x, call.value(0));
  if (const auto* held = std::get_if<std::vector<std::uint8_t>>(&x->data))
    return dequantized<std::uint8_t>(call, *held);
  if (const auto* held = std::get_if<std::vector<std::int8_t>>(&x->data))
    return dequantized<std::int8_t>(call, *held);
  if (const auto* held = std::get_if<std::vector<std::int32_t>>(&x->data))
    return dequantized<std::int32_t>(call, *held);
  return call.wrong("the input is not uint8, int8 or int32");
}

constexpr auto kOperators = std::to_array<Operator>(
    {{"DequantizeLinear", dequantize_linear, 2, 3}, {"QuantizeLinear", quantize_linear, 2, 3}});

}  // namespace

std::span<const Operator> quantization_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
