#include "visavis/image/draw.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "stroke_font.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

constexpr Colour kRed{.r = 200, .g = 10, .b = 20};

bool is_red(const Image& image, int x, int y) {
  const std::uint8_t* p = image.row(y) + 3 * x;
  return p[0] == 200 && p[1] == 10 && p[2] == 20;
}

int count_red(const Image& image) {
  int n = 0;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) n += is_red(image, x, y);
  return n;
}

/// The columns of ink in a label, by its first and last.
std::pair<int, int> painted_columns(const Image& image) {
  int first = image.width(), last = -1;
  for (int y = 0; y < image.height(); ++y)
    for (int x = 0; x < image.width(); ++x) {
      const std::uint8_t* p = image.row(y) + 3 * x;
      if (p[0] + p[1] + p[2] == 0) continue;
      first = std::min(first, x);
      last = std::max(last, x);
    }
  return {first, last};
}

TEST(DrawBox, DrawsInsideItsEdges) {
  Image image(20, 20);
  draw_box(image, {.x = 3, .y = 4, .width = 10, .height = 8}, kRed, 2);
  EXPECT_EQ(count_red(image), 10 * 8 - 6 * 4);
  EXPECT_TRUE(is_red(image, 3, 4));
  EXPECT_TRUE(is_red(image, 12, 11));
  EXPECT_FALSE(is_red(image, 13, 11));
  EXPECT_FALSE(is_red(image, 5, 6));
}

TEST(DrawBox, IsClippedAtTheBorder) {
  Image image(10, 10);
  draw_box(image, {.x = -5, .y = -5, .width = 10, .height = 100}, kRed, 1);
  EXPECT_EQ(count_red(image), 10);  // the right side, in column 4
  EXPECT_TRUE(is_red(image, 4, 9));
}

TEST(DrawBox, ThickSidesFillASmallBoxOnce) {
  Image image(10, 10);
  draw_box(image, {.x = 2, .y = 2, .width = 3, .height = 3}, kRed, 50);
  EXPECT_EQ(count_red(image), 9);
}

TEST(Draw, TakesNumbersThatAreNone) {
  Image image(10, 10);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  draw_box(image, {.x = nan, .y = 0, .width = infinity, .height = -3}, kRed, 2);
  draw_point(image, {.x = -infinity, .y = 3}, kRed, 3);
  draw_label(image, {.x = infinity, .y = nan}, "x", kRed);
  Image none;
  draw_box(none, {.x = 0, .y = 0, .width = 5, .height = 5}, kRed);
  draw_point(none, {.x = 0, .y = 0}, kRed);
  draw_label(none, {.x = 0, .y = 0}, "x", kRed);
  EXPECT_TRUE(none.empty());
}

TEST(DrawPoint, IsADiscAroundThePixel) {
  Image image(11, 11);
  draw_point(image, {.x = 5.2F, .y = 4.9F}, kRed, 2);
  EXPECT_EQ(count_red(image), 13);  // 1 + 3 + 5 + 3 + 1, and one column more at each end row
  EXPECT_TRUE(is_red(image, 5, 5));
  EXPECT_TRUE(is_red(image, 5, 3));
  EXPECT_FALSE(is_red(image, 7, 3));
}

TEST(DrawLabel, StandsOnItsCornerAndMovesInside) {
  Image image(200, 60);
  draw_label(image, {.x = 10, .y = 50}, "Ab", kRed, 20);
  EXPECT_EQ(painted_columns(image).first, 10);
  EXPECT_TRUE(is_red(image, 10, 49));
  EXPECT_TRUE(is_red(image, 10, 30));
  EXPECT_FALSE(is_red(image, 10, 50));
  EXPECT_FALSE(is_red(image, 10, 29));

  Image moved(200, 60);
  draw_label(moved, {.x = 195, .y = 3}, "Ab", kRed, 20);
  EXPECT_EQ(painted_columns(moved).second, 199);
  EXPECT_TRUE(is_red(moved, 199, 0));
}

TEST(DrawLabel, WritesWhiteOnDarkAndBlackOnLight) {
  const auto lightest_and_darkest = [](Colour colour) {
    Image image(100, 30);
    draw_label(image, {.x = 0, .y = 30}, "I", colour, 30);
    int light = 0, dark = 255;
    for (int y = 0; y < 30; ++y) {
      light = std::max<int>(light, image.row(y)[3 * 6 + 1]);
      dark = std::min<int>(dark, image.row(y)[3 * 6 + 1]);
    }
    return std::pair{light, dark};
  };
  EXPECT_EQ(lightest_and_darkest({.r = 0, .g = 100, .b = 0}), (std::pair{255, 100}));
  EXPECT_EQ(lightest_and_darkest({.r = 255, .g = 230, .b = 0}), (std::pair{230, 0}));
}

TEST(SetText, ComposedAndDecomposedLettersLookAlike) {
  for (const auto& [composed, decomposed] : {std::pair{"\u00e9", "e\u0301"},
                                             {"\u00dc", "U\u0308"},
                                             {"\u0159", "r\u030c"},
                                             {"\u00ef", "i\u0308"},
                                             {"\u0119", "e\u0328"}}) {
    const TextStrokes a = set_text(composed), b = set_text(decomposed);
    EXPECT_EQ(a.strokes.size(), b.strokes.size()) << composed;
    EXPECT_EQ(a.width, b.width) << composed;
    EXPECT_GT(a.strokes.size(), set_text(std::string(1, decomposed[0])).strokes.size() - 1);
  }
}

TEST(SetText, HasAGlyphForEveryLetterOfAsciiAndLatin1) {
  const std::size_t box = 4;  // strokes of the stand-in
  const auto is_box = [&](const std::string& text) {
    const TextStrokes t = set_text(text);
    return t.strokes.size() == box && t.width == 10 && t.strokes[0].x1 == 10 &&
           t.strokes[0].y1 == 0 && t.strokes[1].y1 == 20;
  };
  EXPECT_TRUE(is_box("\u65e5"));  // a character without a glyph
  EXPECT_TRUE(is_box("\xff"));    // not UTF-8
  for (char c = ' '; c <= '~'; ++c) EXPECT_FALSE(is_box(std::string(1, c))) << c;
  for (unsigned code = 0xC0; code <= 0xFF; ++code) {
    const std::string utf8{static_cast<char>(0xC0 | code >> 6),
                           static_cast<char>(0x80 | (code & 0x3F))};
    EXPECT_FALSE(is_box(utf8)) << utf8;
  }
}

TEST(SetText, StaysBetweenTheFontsEdges) {
  for (const Stroke& s : set_text("Ågjpqy|ÇŰŘ(){}[]@$").strokes) {
    EXPECT_GE(std::min(s.y0, s.y1), kFontTop);
    EXPECT_LE(std::max(s.y0, s.y1), kFontBottom);
  }
}

}  // namespace
}  // namespace visavis::image
