#include "visavis/image/resize.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "area.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

const std::uint8_t* corner(ImageView image, Window window) {
  return image.row(window.y) + std::ptrdiff_t{3} * window.x;
}

/// Where output i of m falls among n source pixels: between `first` and `first + step`.
struct Tap {
  int first = 0;
  int second = 0;
  float weight = 0;  ///< Of `second`.
};

std::vector<Tap> make_taps(int n, int m) {
  std::vector<Tap> taps(static_cast<std::size_t>(m));
  const double ratio = static_cast<double>(n) / m;
  for (int i = 0; i < m; ++i) {
    const double at = std::clamp((i + 0.5) * ratio - 0.5, 0.0, static_cast<double>(n - 1));
    const int first = std::min(static_cast<int>(at), n - 1);
    taps[static_cast<std::size_t>(i)] = {.first = first,
                                         .second = std::min(first + 1, n - 1),
                                         .weight = static_cast<float>(at - first)};
  }
  return taps;
}

void blend_row(const std::uint8_t* source, const std::vector<Tap>& taps, std::vector<float>& out) {
  float* to = out.data();
  for (const Tap& tap : taps) {
    const std::uint8_t* a = source + std::ptrdiff_t{3} * tap.first;
    const std::uint8_t* b = source + std::ptrdiff_t{3} * tap.second;
    for (int c = 0; c < 3; ++c)
      *to++ = static_cast<float>(a[c]) + tap.weight * static_cast<float>(b[c] - a[c]);
  }
}

}  // namespace

void resize_area_planar(ImageView image, Window window, int width, int height, float offset,
                        float scale, float* out, std::ptrdiff_t row_stride,
                        std::ptrdiff_t plane_stride) {
  resize_area_part_planar(image, window, width, height,
                          {.x = 0, .y = 0, .width = width, .height = height}, offset, scale, out,
                          row_stride, plane_stride);
}

void resize_area_part_planar(ImageView image, Window window, int width, int height, Window part,
                             float offset, float scale, float* out, std::ptrdiff_t row_stride,
                             std::ptrdiff_t plane_stride) {
  run_area({.source = corner(image, window),
            .source_stride = std::ptrdiff_t{3} * image.width,
            .source_width = window.width,
            .source_height = window.height,
            .full_width = width,
            .full_height = height,
            .x = part.x,
            .y = part.y,
            .width = part.width,
            .height = part.height,
            .offset = offset,
            .scale = scale,
            .out = out,
            .row_stride = row_stride,
            .plane_stride = plane_stride});
}

Image resize_area(ImageView image, Window window, int width, int height) {
  Image result(width, height);
  const auto plane = static_cast<std::size_t>(width);
  std::vector<float> means(3 * plane);
  for (int y = 0; y < height; ++y) {
    const Span1d rows = area_span(y, window.height, height);
    const Window strip{
        .x = window.x, .y = window.y + rows.first, .width = window.width, .height = rows.count};
    resize_area_planar(image, strip, width, 1, 0, 1, means.data(), width, width);
    std::uint8_t* to = result.row(y);
    for (std::size_t x = 0; x < plane; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        *to++ = static_cast<std::uint8_t>(means[c * plane + x] + 0.5F);
  }
  return result;
}

Image resize_bilinear(ImageView image, Window window, int width, int height) {
  Image result(width, height);
  const std::vector<Tap> columns = make_taps(window.width, width);
  const std::vector<Tap> rows = make_taps(window.height, height);
  const std::size_t n = std::size_t{3} * static_cast<std::size_t>(width);
  std::vector<float> upper(n), lower(n);
  int upper_at = -1, lower_at = -1;  // which source rows the two hold
  for (int y = 0; y < height; ++y) {
    const Tap& tap = rows[static_cast<std::size_t>(y)];
    if (upper_at != tap.first) {
      if (lower_at == tap.first) {
        upper.swap(lower);
        std::swap(upper_at, lower_at);
      } else {
        blend_row(image.row(window.y + tap.first) + std::ptrdiff_t{3} * window.x, columns, upper);
        upper_at = tap.first;
      }
    }
    if (lower_at != tap.second) {
      blend_row(image.row(window.y + tap.second) + std::ptrdiff_t{3} * window.x, columns, lower);
      lower_at = tap.second;
    }
    std::uint8_t* to = result.row(y);
    for (std::size_t i = 0; i < n; ++i)
      to[i] = static_cast<std::uint8_t>(upper[i] + tap.weight * (lower[i] - upper[i]) + 0.5F);
  }
  return result;
}

Image flip_horizontal(ImageView image) {
  Image result(image.width, image.height);
  for (int y = 0; y < image.height; ++y) {
    const std::uint8_t* from = image.row(y);
    std::uint8_t* to = result.row(y) + std::ptrdiff_t{3} * image.width;
    for (int x = 0; x < image.width; ++x, from += 3) {
      to -= 3;
      std::copy_n(from, 3, to);
    }
  }
  return result;
}

}  // namespace visavis::image
