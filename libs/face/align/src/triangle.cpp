#include "triangle.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "visavis/image/resize.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::align {
namespace {

constexpr int kFractionBits = 22;

/// The source samples that make one output sample.
struct Taps {
  int first = 0;
  std::vector<std::int32_t> weights;
};

std::vector<Taps> make_taps(int from, int to) {
  const double scale = static_cast<double>(from) / to;
  const double reach = std::max(scale, 1.0);
  std::vector<Taps> all;
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - reach + 0.5));
    const int last = std::min(from, static_cast<int>(centre + reach + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int k = first; k < last; ++k) {
      const double distance = std::abs((k - centre + 0.5) * (1.0 / reach));
      weights.push_back(std::max(0.0, 1 - distance));
      sum += weights.back();
    }
    Taps taps{.first = first, .weights = {}};
    for (const double weight : weights)
      taps.weights.push_back(static_cast<std::int32_t>(0.5 + weight / sum * (1 << kFractionBits)));
    all.push_back(taps);
  }
  return all;
}

/// One output byte from samples `step` bytes apart.
std::uint8_t blend(const std::uint8_t* samples, std::ptrdiff_t step, const Taps& taps) {
  std::int32_t sum = 1 << (kFractionBits - 1);
  for (const std::int32_t weight : taps.weights) {
    sum += *samples * weight;
    samples += step;
  }
  return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

Image resize_columns(ImageView image, image::Window window, int width) {
  Image out(width, window.height);
  const std::vector<Taps> taps = make_taps(window.width, width);
  for (int y = 0; y < window.height; ++y) {
    const std::uint8_t* from = image.row(window.y + y) + std::ptrdiff_t{3} * window.x;
    std::uint8_t* to = out.row(y);
    for (const Taps& tap : taps)
      for (int c = 0; c < 3; ++c) *to++ = blend(from + std::ptrdiff_t{3} * tap.first + c, 3, tap);
  }
  return out;
}

Image resize_rows(ImageView image, int height) {
  Image out(image.width, height);
  const std::vector<Taps> taps = make_taps(image.height, height);
  const std::ptrdiff_t stride = std::ptrdiff_t{3} * image.width;
  for (int y = 0; y < height; ++y) {
    const Taps& tap = taps[static_cast<std::size_t>(y)];
    std::uint8_t* to = out.row(y);
    for (std::ptrdiff_t i = 0; i < stride; ++i)
      to[i] = blend(image.row(tap.first) + i, stride, tap);
  }
  return out;
}

}  // namespace

Image resize_triangle(ImageView image, image::Window window, int width, int height) {
  const Image narrow = resize_columns(image, window, width);
  return resize_rows(narrow.view(), height);
}

}  // namespace visavis::align
