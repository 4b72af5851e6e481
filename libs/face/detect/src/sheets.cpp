#include "sheets.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

#include "pyramid.hpp"

namespace visavis::detect {
namespace {

constexpr int kShared = 10;  // pixels that neighbouring pieces of one level share
constexpr int kEdge = 11;    // pixels that a cell at the odd end of a level sees

// Measured with OpenVINO, one thread: 30 ms per million pixels at 104×384, 37 at 288×659, whose
// activations leave the cache; lower or narrower sheets lose more to shared pixels.
constexpr int kPageHeight = 104;
constexpr int kPageWidth = 384;
constexpr int kPageRounding = 64;
constexpr int kRibbonLength = 512;
constexpr int kRibbonRounding = 128;
constexpr int kCornersAtOnce = 8;

int round_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }
int pixels_of(int cells) { return 2 * cells + kShared; }
int whole_cells(int pixels) { return (pixels - kShared) / 2; }  // that see 12 pixels
bool is_odd(int n) { return n % 2 != 0; }

/// A run of cells on an endless ribbon, cut where its sheets of `length` pixels end.
struct Cut {
  std::size_t sheet = 0;
  int at = 0;     ///< Pixels from the sheet's start.
  int first = 0;  ///< Cell of the run.
  int cells = 0;
};

std::vector<Cut> cut_run(std::int64_t at, int cells, int length) {
  const std::int64_t step = length - kShared;
  std::vector<Cut> cuts;
  for (int first = 0; first < cells;) {
    const std::int64_t sheet = at / step;
    const auto local = static_cast<int>(at - sheet * step);
    const int count = std::min(cells - first, static_cast<int>(step - local) / 2);
    cuts.push_back(
        {.sheet = static_cast<std::size_t>(sheet), .at = local, .first = first, .cells = count});
    first += count;
    at += 2 * count;
  }
  return cuts;
}

Sheet& sheet_at(std::vector<Sheet>& sheets, std::size_t index, int width, int height) {
  while (sheets.size() <= index)
    sheets.push_back({.batch = 1, .width = width, .height = height, .pieces = {}});
  return sheets[index];
}

/// Full-width rows of a level, at most as high as a page.
struct Tile {
  int image = 0;
  int level = 0;
  int first_row = 0;  ///< In cells.
  int rows = 0;
  int columns = 0;
  [[nodiscard]] int width() const noexcept { return pixels_of(columns); }
  [[nodiscard]] int height() const noexcept { return pixels_of(rows); }
};

std::vector<Tile> cut_tiles(std::span<const std::vector<Level>> pyramids) {
  constexpr int kMostRows = (kPageHeight - kShared) / 2;
  std::vector<Tile> tiles;
  for (std::size_t image = 0; image < pyramids.size(); ++image) {
    for (std::size_t k = 0; k < pyramids[image].size(); ++k) {
      const Level& level = pyramids[image][k];
      const int rows = whole_cells(level.height);
      for (int row = 0; row < rows; row += kMostRows)
        tiles.push_back({.image = static_cast<int>(image),
                         .level = static_cast<int>(k),
                         .first_row = row,
                         .rows = std::min(kMostRows, rows - row),
                         .columns = whole_cells(level.width)});
    }
  }
  return tiles;
}

/// Where a tile lies on the ribbon of pages.
struct Spot {
  std::int64_t x = 0;
  int y = 0;
};

/// The ribbon's right-hand outline: for y in [y, y + height) it is used up to x.
struct Ledge {
  int y = 0;
  int height = 0;
  std::int64_t x = 0;
};

Spot lowest_spot(const std::vector<Ledge>& outline, int height) {
  Spot best{.x = -1, .y = 0};
  for (std::size_t i = 0; i < outline.size() && outline[i].y + height <= kPageHeight; ++i) {
    std::int64_t x = 0;
    for (std::size_t j = i; j < outline.size() && outline[j].y < outline[i].y + height; ++j)
      x = std::max(x, outline[j].x);
    if (best.x < 0 || x < best.x) best = {.x = x, .y = outline[i].y};
  }
  return best;
}

void raise(std::vector<Ledge>& outline, const Spot& spot, int width, int height) {
  const int end = spot.y + height;
  std::vector<Ledge> next;
  const auto add = [&](Ledge ledge) {
    if (ledge.height <= 0) return;
    if (!next.empty() && next.back().x == ledge.x)
      next.back().height += ledge.height;
    else
      next.push_back(ledge);
  };
  bool placed = false;
  for (const Ledge& ledge : outline) {
    const int bottom = ledge.y + ledge.height;
    add({.y = ledge.y, .height = std::min(bottom, spot.y) - ledge.y, .x = ledge.x});
    if (!placed && bottom > spot.y) {
      add({.y = spot.y, .height = height, .x = spot.x + width});
      placed = true;
    }
    const int rest = std::max(ledge.y, end);
    add({.y = rest, .height = bottom - rest, .x = ledge.x});
  }
  outline = std::move(next);
}

/// Skyline packing: each tile, in the order given, goes as far left as it can.
/// @return the spots and the length used.
std::pair<std::vector<Spot>, std::int64_t> pack(std::span<const Tile> tiles) {
  std::vector<Ledge> outline{{.y = 0, .height = kPageHeight, .x = 0}};
  std::vector<Spot> spots;
  std::int64_t length = 0;
  for (const Tile& tile : tiles) {
    spots.push_back(lowest_spot(outline, tile.height()));
    raise(outline, spots.back(), tile.width(), tile.height());
    length = std::max(length, spots.back().x + tile.width());
  }
  return {std::move(spots), length};
}

void place(const Tile& tile, const Spot& spot, std::vector<Sheet>& pages) {
  for (const Cut& cut : cut_run(spot.x, tile.columns, kPageWidth)) {
    Sheet& page = sheet_at(pages, cut.sheet, kPageWidth, kPageHeight);
    page.pieces.push_back(
        {.image = tile.image,
         .level = tile.level,
         .part = {.x = 2 * cut.first,
                  .y = 2 * tile.first_row,
                  .width = pixels_of(cut.cells),
                  .height = tile.height()},
         .cells = {.x = cut.first, .y = tile.first_row, .width = cut.cells, .height = tile.rows},
         .slot = 0,
         .x = cut.at,
         .y = spot.y});
  }
}

void trim_widths(std::vector<Sheet>& sheets, int multiple) {
  for (Sheet& sheet : sheets) {
    int used = 0;
    for (const Piece& piece : sheet.pieces) used = std::max(used, piece.x + piece.part.width);
    sheet.width = std::min(sheet.width, round_up(used, multiple));
  }
}

void trim_heights(std::vector<Sheet>& sheets, int multiple) {
  for (Sheet& sheet : sheets) {
    int used = 0;
    for (const Piece& piece : sheet.pieces) used = std::max(used, piece.y + piece.part.height);
    sheet.height = std::min(sheet.height, round_up(used, multiple));
  }
}

std::vector<Sheet> lay_out_pages(std::span<const std::vector<Level>> pyramids) {
  std::vector<Tile> by_area = cut_tiles(pyramids);
  std::vector<Tile> by_height = by_area;
  std::ranges::stable_sort(by_area, std::ranges::greater{},
                           [](const Tile& t) { return std::int64_t{t.width()} * t.height(); });
  std::ranges::stable_sort(by_height, std::ranges::greater{},
                           [](const Tile& t) { return std::pair{t.height(), t.width()}; });
  const auto [spots, length] = pack(by_area);
  const auto [other_spots, other_length] = pack(by_height);
  const bool take_other = other_length < length;
  const std::vector<Tile>& tiles = take_other ? by_height : by_area;
  std::vector<Sheet> pages;
  for (std::size_t i = 0; i < tiles.size(); ++i)
    place(tiles[i], take_other ? other_spots[i] : spots[i], pages);
  trim_widths(pages, kPageRounding);
  return pages;
}

/// The last row of cells of levels of odd height.
std::vector<Sheet> lay_out_rows(std::span<const std::vector<Level>> pyramids) {
  std::vector<Sheet> sheets;
  std::int64_t at = 0;
  for (std::size_t image = 0; image < pyramids.size(); ++image) {
    for (std::size_t k = 0; k < pyramids[image].size(); ++k) {
      const Level& level = pyramids[image][k];
      if (!is_odd(level.height)) continue;
      const int columns = whole_cells(level.width);
      for (const Cut& cut : cut_run(at, columns, kRibbonLength))
        sheet_at(sheets, cut.sheet, kRibbonLength, kEdge)
            .pieces.push_back({.image = static_cast<int>(image),
                               .level = static_cast<int>(k),
                               .part = {.x = 2 * cut.first,
                                        .y = level.height - kEdge,
                                        .width = pixels_of(cut.cells),
                                        .height = kEdge},
                               .cells = {.x = cut.first,
                                         .y = whole_cells(level.height),
                                         .width = cut.cells,
                                         .height = 1},
                               .slot = 0,
                               .x = cut.at,
                               .y = 0});
      at += pixels_of(columns);
    }
  }
  trim_widths(sheets, kRibbonRounding);
  return sheets;
}

/// The last column of cells of levels of odd width.
std::vector<Sheet> lay_out_columns(std::span<const std::vector<Level>> pyramids) {
  std::vector<Sheet> sheets;
  std::int64_t at = 0;
  for (std::size_t image = 0; image < pyramids.size(); ++image) {
    for (std::size_t k = 0; k < pyramids[image].size(); ++k) {
      const Level& level = pyramids[image][k];
      if (!is_odd(level.width)) continue;
      const int rows = whole_cells(level.height);
      for (const Cut& cut : cut_run(at, rows, kRibbonLength))
        sheet_at(sheets, cut.sheet, kEdge, kRibbonLength)
            .pieces.push_back({.image = static_cast<int>(image),
                               .level = static_cast<int>(k),
                               .part = {.x = level.width - kEdge,
                                        .y = 2 * cut.first,
                                        .width = kEdge,
                                        .height = pixels_of(cut.cells)},
                               .cells = {.x = whole_cells(level.width),
                                         .y = cut.first,
                                         .width = 1,
                                         .height = cut.cells},
                               .slot = 0,
                               .x = 0,
                               .y = cut.at});
      at += pixels_of(rows);
    }
  }
  trim_heights(sheets, kRibbonRounding);
  return sheets;
}

/// The last cell of levels of odd width and height.
std::vector<Sheet> lay_out_corners(std::span<const std::vector<Level>> pyramids) {
  std::vector<Sheet> sheets;
  int slot = kCornersAtOnce;
  for (std::size_t image = 0; image < pyramids.size(); ++image) {
    for (std::size_t k = 0; k < pyramids[image].size(); ++k) {
      const Level& level = pyramids[image][k];
      if (!is_odd(level.width) || !is_odd(level.height)) continue;
      if (slot == kCornersAtOnce) {
        sheets.push_back({.batch = kCornersAtOnce, .width = kEdge, .height = kEdge, .pieces = {}});
        slot = 0;
      }
      sheets.back().pieces.push_back({.image = static_cast<int>(image),
                                      .level = static_cast<int>(k),
                                      .part = {.x = level.width - kEdge,
                                               .y = level.height - kEdge,
                                               .width = kEdge,
                                               .height = kEdge},
                                      .cells = {.x = whole_cells(level.width),
                                                .y = whole_cells(level.height),
                                                .width = 1,
                                                .height = 1},
                                      .slot = slot++,
                                      .x = 0,
                                      .y = 0});
    }
  }
  return sheets;
}

}  // namespace

std::vector<Sheet> lay_out(std::span<const std::vector<Level>> pyramids) {
  std::vector<Sheet> sheets = lay_out_pages(pyramids);
  for (auto* more : {&lay_out_rows, &lay_out_columns, &lay_out_corners})
    std::ranges::move((*more)(pyramids), std::back_inserter(sheets));
  std::erase_if(sheets, [](const Sheet& sheet) { return sheet.pieces.empty(); });
  return sheets;
}

}  // namespace visavis::detect
