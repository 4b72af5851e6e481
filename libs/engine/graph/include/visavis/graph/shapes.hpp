#pragma once

/// Axes as every format of networks counts them.

#include <cstddef>
#include <cstdint>
#include <optional>

namespace visavis::graph {

/// Which of `rank` dimensions `axis` means: a negative one counts from the end, as in NumPy and
/// ONNX. Nothing if there is no such dimension.
[[nodiscard]] constexpr std::optional<std::size_t> axis_among(std::int64_t axis,
                                                              std::size_t rank) noexcept {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

}  // namespace visavis::graph
