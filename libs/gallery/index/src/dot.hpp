#pragma once

#include <cstddef>
#include <cstdint>

namespace visavis::index {

/// Rows and queries are padded with zeros to a multiple of this many elements.
inline constexpr std::size_t kPadding = 32;

[[nodiscard]] constexpr std::size_t padded(std::size_t dimension) noexcept {
  return (dimension + kPadding - 1) / kPadding * kPadding;
}

/// out[r * query_count + q] = the f32 inner product of row r (f16) and query q (f32).
/// @param stride Elements per row and per query, a multiple of kPadding.
void dot_f16(const std::uint16_t* rows, std::size_t row_count, const float* queries,
             std::size_t query_count, std::size_t stride, float* out);

}  // namespace visavis::index
