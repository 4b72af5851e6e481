#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "pictures.hpp"
#include "visavis/image/resize.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

/// The header's definition, word by word.
std::vector<float> plain_area(ImageView image, Window w, int width, int height, float offset,
                              float scale) {
  std::vector<float> out;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        const auto low = [](long i, long n, long m) { return static_cast<int>(i * n / m); };
        const auto high = [](long i, long n, long m) {
          return static_cast<int>(
              std::ceil(static_cast<double>((i + 1) * n) / static_cast<double>(m)));
        };
        const int y0 = low(y, w.height, height), y1 = high(y, w.height, height);
        const int x0 = low(x, w.width, width), x1 = high(x, w.width, width);
        double sum = 0;
        for (int sy = y0; sy < y1; ++sy)
          for (int sx = x0; sx < x1; ++sx) sum += image.row(w.y + sy)[3 * (w.x + sx) + c];
        const float mean =
            static_cast<float>(sum) / static_cast<float>(y1 - y0) / static_cast<float>(x1 - x0);
        out.push_back((mean - offset) * scale);
      }
  return out;
}

using Case = std::tuple<Window, int, int>;
class AreaTest : public testing::TestWithParam<Case> {};

TEST_P(AreaTest, EqualsThePlainDefinitionToTheBit) {
  const auto [window, width, height] = GetParam();
  const Image image = noise(window.x + window.width + 3, window.y + window.height);
  const std::size_t n = std::size_t{3} * static_cast<std::size_t>(width * height);
  std::vector<float> out(n);
  resize_area_planar(image.view(), window, width, height, 127.5F, 0.0078125F, out.data(), width,
                     std::ptrdiff_t{width} * height);
  EXPECT_EQ(out, plain_area(image.view(), window, width, height, 127.5F, 0.0078125F));
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, AreaTest,
    testing::Values(Case{{0, 0, 1, 1}, 1, 1}, Case{{0, 0, 1, 1}, 24, 24},
                    Case{{5, 3, 2, 3}, 24, 24}, Case{{1, 2, 10, 12}, 24, 24},
                    Case{{1, 0, 11, 11}, 48, 48}, Case{{0, 0, 24, 24}, 24, 24},
                    Case{{7, 1, 37, 41}, 24, 24}, Case{{3, 3, 61, 60}, 48, 48},
                    Case{{0, 0, 97, 133}, 31, 17}, Case{{0, 0, 160, 120}, 96, 72},
                    Case{{2, 2, 200, 150}, 67, 50}, Case{{0, 0, 640, 480}, 384, 288},
                    Case{{0, 0, 640, 480}, 17, 13}, Case{{0, 0, 257, 255}, 17, 16},
                    Case{{0, 0, 640, 480}, 1, 1}, Case{{0, 0, 300, 1100}, 2, 2},
                    Case{{0, 0, 20, 20}, 3, 63}, Case{{0, 0, 9, 700}, 8, 3}));

TEST(ResizeAreaPlanar, WritesInsideALargerCanvasOnly) {
  const Image image = noise(50, 40);
  const std::ptrdiff_t row = 37, plane = 37 * 30;
  std::vector<float> canvas(3 * plane, -7.0F);
  resize_area_planar(image.view(), {0, 0, 50, 40}, 19, 20, 0, 1, canvas.data() + row + 2, row,
                     plane);
  const std::vector<float> expected = plain_area(image.view(), {0, 0, 50, 40}, 19, 20, 0, 1);
  std::size_t i = 0;
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 30; ++y)
      for (int x = 0; x < 37; ++x) {
        const bool inside = y >= 1 && y < 21 && x >= 2 && x < 21;
        const float value = canvas[static_cast<std::size_t>(c * plane + y * row + x)];
        ASSERT_EQ(value, inside ? expected[i++] : -7.0F) << c << " " << y << " " << x;
      }
}

TEST(ResizeAreaPartPlanar, IsACutOutOfTheWhole) {
  const Image image = noise(90, 70);
  const Window window{3, 2, 83, 61};
  for (const auto& [width, height] : {std::pair{53, 41}, {7, 5}, {2, 3}, {120, 90}, {1, 1}}) {
    const std::vector<float> whole = plain_area(image.view(), window, width, height, 3, 0.5F);
    const Window part{width / 3, height / 4, width - width / 3 - width / 5,
                      height - height / 4 - height / 5};
    std::vector<float> out(static_cast<std::size_t>(3 * part.width * part.height));
    resize_area_part_planar(image.view(), window, width, height, part, 3, 0.5F, out.data(),
                            part.width, std::ptrdiff_t{part.width} * part.height);
    std::size_t i = 0;
    for (int c = 0; c < 3; ++c)
      for (int y = part.y; y < part.y + part.height; ++y)
        for (int x = part.x; x < part.x + part.width; ++x)
          ASSERT_EQ(out[i++], whole[static_cast<std::size_t>((c * height + y) * width + x)]);
  }
}

TEST(ResizeArea, RoundsTheMeanToNearest) {
  Image image(4, 1);
  image.bytes() = {0, 10, 20, 1, 11, 20, 2, 255, 7, 3, 255, 8};
  const Image half = resize_area(image.view(), {0, 0, 4, 1}, 2, 1);
  EXPECT_EQ(half.bytes(), (std::vector<std::uint8_t>{1, 11, 20, 3, 255, 8}));
}

}  // namespace
}  // namespace visavis::image
