#pragma once

/// The arithmetic of area resampling, one implementation per instruction set (chosen at run time).

#include <cstddef>
#include <cstdint>

namespace visavis::image {

/// Everything that one call of resize_area_planar needs, resolved to plain pointers and numbers.
struct AreaJob {
  const std::uint8_t* source = nullptr;  ///< First byte of the window.
  std::ptrdiff_t source_stride = 0;      ///< Bytes between rows.
  int source_width = 0;
  int source_height = 0;
  int full_width = 0;  ///< Of the whole output, of which a part is wanted.
  int full_height = 0;
  int x = 0;  ///< The part's place in it.
  int y = 0;
  int width = 0;  ///< The part's size.
  int height = 0;
  float offset = 0;
  float scale = 1;
  float* out = nullptr;
  std::ptrdiff_t row_stride = 0;    ///< Floats.
  std::ptrdiff_t plane_stride = 0;  ///< Floats.
};

/// The source pixels whose mean is output i of m, out of n: torch's adaptive_avg_pool.
struct Span1d {
  int first = 0;
  int count = 0;
};
[[nodiscard]] inline Span1d area_span(int i, int n, int m) noexcept {
  const auto wide = static_cast<std::int64_t>(n);
  const auto first = static_cast<int>(i * wide / m);
  const auto last = static_cast<int>(((i + 1) * wide + m - 1) / m);
  return {.first = first, .count = last - first};
}

void run_area(const AreaJob& job);

}  // namespace visavis::image
