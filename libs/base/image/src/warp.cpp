#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "visavis/geometry/similarity.hpp"
#include "visavis/image/resize.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

constexpr std::array<std::uint8_t, 3> kOutside{};

const std::uint8_t* pixel_or_zero(ImageView image, int x, int y) {
  const bool inside = x >= 0 && y >= 0 && x < image.width && y < image.height;
  return inside ? image.row(y) + std::ptrdiff_t{3} * x : kOutside.data();
}

/// Bilinear mixture of four pixels with weights fx of the right and fy of the lower ones.
void mix(const std::uint8_t* a, const std::uint8_t* b, const std::uint8_t* c, const std::uint8_t* d,
         float fx, float fy, std::uint8_t* out) {
  for (int k = 0; k < 3; ++k) {
    const float upper = static_cast<float>(a[k]) + fx * static_cast<float>(b[k] - a[k]);
    const float lower = static_cast<float>(c[k]) + fx * static_cast<float>(d[k] - c[k]);
    out[k] = static_cast<std::uint8_t>(upper + fy * (lower - upper) + 0.5F);
  }
}

/// The output columns x of [0, width) for which low <= start + step * x <= high.
struct Columns {
  int first = 0;
  int last = 0;  ///< Exclusive.
};

Columns columns_within(double start, double step, double low, double high, int width) {
  if (low > high) return {};
  if (std::abs(step) < 1e-12) return start >= low && start <= high ? Columns{0, width} : Columns{};
  double from = (low - start) / step;
  double to = (high - start) / step;
  if (from > to) std::swap(from, to);
  const double n = width;
  return {.first = static_cast<int>(std::clamp(std::ceil(from), 0.0, n)),
          .last = static_cast<int>(std::clamp(std::floor(to) + 1, 0.0, n))};
}

/// Draws row y. Columns whose four source pixels all lie inside take the loop without questions.
void warp_row(ImageView image, const geometry::Similarity& back, int y, Image& result) {
  const double x0 = back.tx - back.b * y;
  const double y0 = back.ty + back.a * y;
  const int width = result.width();
  // A hair inside the border, so that rounding in the division cannot lead outside.
  constexpr double kHair = 1e-6;
  const Columns by_x = columns_within(x0, back.a, kHair, image.width - 1 - kHair, width);
  const Columns by_y = columns_within(y0, back.b, kHair, image.height - 1 - kHair, width);
  const int first = std::max(by_x.first, by_y.first);
  const int last = std::max(first, std::min(by_x.last, by_y.last));
  const std::ptrdiff_t stride = std::ptrdiff_t{3} * image.width;
  std::uint8_t* out = result.row(y);
  const auto careful = [&](int x) {
    const double sx = x0 + back.a * x;
    const double sy = y0 + back.b * x;
    if (!(sx > -1 && sy > -1 && sx < image.width && sy < image.height)) return;
    const int ix = static_cast<int>(std::floor(sx));
    const int iy = static_cast<int>(std::floor(sy));
    mix(pixel_or_zero(image, ix, iy), pixel_or_zero(image, ix + 1, iy),
        pixel_or_zero(image, ix, iy + 1), pixel_or_zero(image, ix + 1, iy + 1),
        static_cast<float>(sx - ix), static_cast<float>(sy - iy), out + std::ptrdiff_t{3} * x);
  };
  for (int x = 0; x < std::min(first, width); ++x) careful(x);
  for (int x = first; x < last; ++x) {
    const double sx = x0 + back.a * x;
    const double sy = y0 + back.b * x;
    const int ix = static_cast<int>(sx);
    const int iy = static_cast<int>(sy);
    const std::uint8_t* p = image.row(iy) + std::ptrdiff_t{3} * ix;
    mix(p, p + 3, p + stride, p + stride + 3, static_cast<float>(sx - ix),
        static_cast<float>(sy - iy), out + std::ptrdiff_t{3} * x);
  }
  for (int x = last; x < width; ++x) careful(x);
}

}  // namespace

Image warp_similarity(ImageView image, const geometry::Similarity& to_output, int width,
                      int height) {
  Image result(width, height);
  const geometry::Similarity back = to_output.inverse();
  for (int y = 0; y < height; ++y) warp_row(image, back, y, result);
  return result;
}

}  // namespace visavis::image
