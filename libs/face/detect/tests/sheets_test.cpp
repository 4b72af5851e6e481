#include "sheets.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace visavis::detect {
namespace {

std::vector<Level> pyramid(int width, int height) {
  return *make_pyramid(width, height, 20, 0.709);
}

std::string show(const Piece& p) {
  return "image " + std::to_string(p.image) + " level " + std::to_string(p.level) + " cells " +
         std::to_string(p.cells.x) + "," + std::to_string(p.cells.y) + " " +
         std::to_string(p.cells.width) + "x" + std::to_string(p.cells.height);
}

using Pyramids = std::vector<std::vector<Level>>;
class Sheets : public testing::TestWithParam<Pyramids> {};

TEST_P(Sheets, HoldEveryCellOnce) {
  const Pyramids& pyramids = GetParam();
  std::set<std::tuple<int, int, int, int>> seen;
  for (const Sheet& sheet : lay_out(pyramids))
    for (const Piece& p : sheet.pieces)
      for (int y = p.cells.y; y < p.cells.y + p.cells.height; ++y)
        for (int x = p.cells.x; x < p.cells.x + p.cells.width; ++x)
          EXPECT_TRUE(seen.emplace(p.image, p.level, y, x).second) << show(p);
  std::size_t cells = 0;
  for (const auto& levels : pyramids)
    for (const Level& level : levels)
      cells += static_cast<std::size_t>(map_side(level.width)) *
               static_cast<std::size_t>(map_side(level.height));
  EXPECT_EQ(seen.size(), cells);
}

TEST_P(Sheets, PutPiecesOnEvenPlacesWithoutOverlap) {
  for (const Sheet& sheet : lay_out(GetParam())) {
    std::vector<char> used(static_cast<std::size_t>(sheet.batch * sheet.width * sheet.height));
    for (const Piece& p : sheet.pieces) {
      EXPECT_EQ(p.x % 2 + p.y % 2, 0) << show(p);
      ASSERT_LE(p.x + p.part.width, sheet.width) << show(p);
      ASSERT_LE(p.y + p.part.height, sheet.height) << show(p);
      for (int y = p.y; y < p.y + p.part.height; ++y)
        for (int x = p.x; x < p.x + p.part.width; ++x) {
          char& pixel =
              used[static_cast<std::size_t>((p.slot * sheet.height + y) * sheet.width + x)];
          ASSERT_EQ(pixel, 0) << show(p);
          pixel = 1;
        }
    }
  }
}

TEST_P(Sheets, ShowEachCellItsWholeWindow) {
  for (const Sheet& sheet : lay_out(GetParam()))
    for (const Piece& p : sheet.pieces) {
      const Level& level =
          GetParam()[static_cast<std::size_t>(p.image)][static_cast<std::size_t>(p.level)];
      EXPECT_GE(p.part.x, 0);
      EXPECT_GE(p.part.y, 0);
      EXPECT_LE(p.part.x + p.part.width, level.width) << show(p);
      EXPECT_LE(p.part.y + p.part.height, level.height) << show(p);
      EXPECT_EQ(p.part.x, 2 * p.cells.x) << show(p);
      EXPECT_EQ(p.part.y, 2 * p.cells.y) << show(p);
      // 12 pixels for each cell, or 11 where level and sheet end together.
      const bool ends_right = p.part.x + p.part.width == level.width &&
                              p.x + p.part.width == sheet.width && level.width % 2 == 1;
      const bool ends_below = p.part.y + p.part.height == level.height &&
                              p.y + p.part.height == sheet.height && level.height % 2 == 1;
      EXPECT_GE(p.part.width, 2 * p.cells.width + (ends_right ? 9 : 10)) << show(p);
      EXPECT_GE(p.part.height, 2 * p.cells.height + (ends_below ? 9 : 10)) << show(p);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Sizes, Sheets,
    testing::Values(Pyramids{}, Pyramids{{}}, Pyramids{pyramid(20, 20)}, Pyramids{pyramid(20, 600)},
                    Pyramids{pyramid(10'000, 21)}, Pyramids{pyramid(23, 9'999)},
                    Pyramids{pyramid(250, 250)}, Pyramids{pyramid(640, 480)},
                    Pyramids{pyramid(641, 479)}, Pyramids{pyramid(1280, 720)},
                    Pyramids{pyramid(333, 500), {}, pyramid(97, 61), pyramid(500, 333)}));

TEST(Sheets, ComeInFewSizes) {
  std::set<std::tuple<int, int, int>> shapes;
  for (int width = 100; width < 2000; width += 37)
    for (const Sheet& sheet : lay_out(std::array{pyramid(width, 100 + width * 3 % 1000)}))
      shapes.emplace(sheet.batch, sheet.width, sheet.height);
  EXPECT_LE(shapes.size(), 16U);
}

}  // namespace
}  // namespace visavis::detect
