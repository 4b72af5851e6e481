// Our resampling against PyTorch's and OpenCV's, by tests/golden/image (made by make_goldens.py).

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "pictures.hpp"
#include "visavis/geometry/similarity.hpp"
#include "visavis/image/resize.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

struct Sizes {
  int width, height, out_width, out_height;
  [[nodiscard]] std::string name() const {
    return std::to_string(width) + "x" + std::to_string(height) + "_to_" +
           std::to_string(out_width) + "x" + std::to_string(out_height);
  }
};

std::vector<std::byte> golden(const std::string& name) {
  return source_file("tests/golden/image/" + name);
}

struct Difference {
  int worst = 0;
  double mean = 0;
};

Difference difference(const Image& image, const std::vector<std::byte>& golden) {
  Difference result;
  EXPECT_EQ(image.bytes().size(), golden.size());
  for (std::size_t i = 0; i < image.bytes().size() && i < golden.size(); ++i) {
    const int d = std::abs(image.bytes()[i] - std::to_integer<int>(golden[i]));
    result.worst = std::max(result.worst, d);
    result.mean += d;
  }
  result.mean /= static_cast<double>(image.bytes().size());
  return result;
}

TEST(Golden, AreaEqualsTorchToTheBit) {
  static_assert(std::endian::native == std::endian::little);
  for (const Sizes s : {Sizes{37, 29, 24, 24},
                        {100, 75, 60, 45},
                        {64, 48, 13, 11},
                        {15, 17, 24, 24},
                        {11, 9, 48, 48},
                        {200, 150, 7, 5},
                        {24, 24, 24, 24},
                        {1, 1, 5, 5},
                        {97, 61, 31, 60}}) {
    const std::vector<std::byte> bytes = golden("area_" + s.name() + ".f32");
    std::vector<float> expected(bytes.size() / sizeof(float));
    std::memcpy(expected.data(), bytes.data(), expected.size() * sizeof(float));
    const Image image = noise(s.width, s.height);
    std::vector<float> out(static_cast<std::size_t>(3 * s.out_width * s.out_height));
    resize_area_planar(image.view(), {0, 0, s.width, s.height}, s.out_width, s.out_height, 127.5F,
                       0.0078125F, out.data(), s.out_width,
                       std::ptrdiff_t{s.out_width} * s.out_height);
    EXPECT_EQ(out, expected) << s.name();
  }
}

TEST(Golden, BilinearIsWithinAStepOfOpenCv) {
  // OpenCV rounds weights to 1/2048, ours are exact: they part where a value ends in .5, as many do
  // on these slopes.
  for (const Sizes s :
       {Sizes{37, 29, 60, 45}, {64, 48, 20, 15}, {50, 40, 50, 40}, {33, 21, 1, 1}, {1, 1, 4, 3}}) {
    const Image image = waves(s.width, s.height);
    const Image out =
        resize_bilinear(image.view(), {0, 0, s.width, s.height}, s.out_width, s.out_height);
    const Difference d = difference(out, golden("bilinear_" + s.name() + ".u8"));
    EXPECT_LE(d.worst, 1) << s.name();
    EXPECT_LE(d.mean, 0.15) << s.name();
  }
}

TEST(Golden, WarpIsCloseToOpenCv) {
  struct Case {
    int width, height;
    geometry::Similarity to_output;
    int side;
  };
  const std::array cases{
      Case{90, 80, {.a = 0.8, .b = 0.15, .tx = 3.25, .ty = -4.5}, 56},
      Case{40, 50, {.a = 1.7, .b = -0.4, .tx = 10, .ty = 20}, 112},
      Case{60, 60, {.a = -0.9, .b = 0.3, .tx = 70.5, .ty = 50.25}, 64},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const Image image = waves(c.width, c.height);
    const Image out = warp_similarity(image.view(), c.to_output, c.side, c.side);
    const Difference d = difference(out, golden("warp_" + std::to_string(i) + ".u8"));
    EXPECT_LE(d.worst, 1) << i;
    EXPECT_LE(d.mean, 0.15) << i;
  }
}

}  // namespace
}  // namespace visavis::image
