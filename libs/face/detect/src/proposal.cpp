#include "proposal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "network_part.hpp"
#include "pyramid.hpp"
#include "sheets.hpp"

namespace visavis::detect {
namespace {

constexpr std::array<std::int64_t, 2> kOutputs{2, 4};
constexpr int kSeen = 12;  // pixels, along a side, that a cell sees
constexpr std::size_t kWindow = std::size_t{3} * kSeen * kSeen;
constexpr std::size_t kWindowsAtOnce = 128;
constexpr std::size_t kMostDoubtful = 1024;
constexpr double kLevelOverlap = 0.5;
constexpr double kImageOverlap = 0.7;

/// P-Net's answer for one sheet.
struct Map {
  std::span<const float> scores;
  std::span<const float> shifts;
  std::size_t width = 0;
  std::size_t plane = 0;
};

/// Most rows hold no face: they are passed over without a branch for each cell.
bool any_reaches(std::span<const float> scores, float threshold) {
  bool any = false;
  for (const float score : scores) any |= score >= threshold;
  return any;
}

void collect(const Piece& piece, const Map& map, float threshold, std::vector<Cell>& cells) {
  const auto slot = static_cast<std::size_t>(piece.slot);
  const auto columns = static_cast<std::size_t>(piece.cells.width);
  for (int y = 0; y < piece.cells.height; ++y) {
    const std::size_t start = static_cast<std::size_t>(piece.y / 2 + y) * map.width +
                              static_cast<std::size_t>(piece.x / 2);
    const auto row = map.scores.subspan((2 * slot + 1) * map.plane + start, columns);
    if (!any_reaches(row, threshold)) continue;
    for (std::size_t x = 0; x < columns; ++x) {
      if (!(row[x] >= threshold)) continue;
      Cell cell{.image = piece.image,
                .level = piece.level,
                .x = piece.cells.x + static_cast<int>(x),
                .y = piece.cells.y + y,
                .sheet_x = piece.x + 2 * static_cast<int>(x),
                .sheet_y = piece.y + 2 * y,
                .score = row[x],
                .shift = {}};
      for (std::size_t k = 0; k < 4; ++k)
        cell.shift[k] = map.shifts[(4 * slot + k) * map.plane + start + x];
      cells.push_back(cell);
    }
  }
}

/// Candidates of cells, in the cells' order.
std::vector<Candidate> candidates_of(std::span<const Cell> cells, const Level& level) {
  std::vector<Candidate> candidates;
  candidates.reserve(cells.size());
  for (const Cell& cell : cells)
    candidates.push_back({.box = cell_box(cell.x, cell.y, level.scale),
                          .score = cell.score,
                          .shift = cell.shift,
                          .image = cell.image});
  return candidates;
}

/// The first cell of the next group.
template <class Same>
std::size_t group_end(std::span<const Cell> cells, std::size_t begin, Same same) {
  std::size_t end = begin + 1;
  while (end < cells.size() && same(cells[begin], cells[end])) ++end;
  return end;
}

}  // namespace

Result<ProposalNet> ProposalNet::open(const models::Network& network) {
  VISAVIS_TRY(net, NetworkPart::open(network, "pnet", kOutputs));
  VISAVIS_TRY(screen, NetworkPart::open_screen(network, "pnet", kOutputs));
  const models::Preparation& p = network.manifest.preparation;
  ProposalNet result(std::move(net), p.mean[0], p.scale[0]);
  if (screen) result.margin_ = network.screens.find("pnet")->second.margin;
  result.screen_ = std::move(screen);
  return result;
}

void ProposalNet::draw(const Piece& piece, const Sheet& sheet, ImageView image,
                       const Level& level) {
  const std::ptrdiff_t plane = std::ptrdiff_t{sheet.width} * sheet.height;
  const std::ptrdiff_t start =
      3 * plane * piece.slot + std::ptrdiff_t{piece.y} * sheet.width + piece.x;
  image::resize_area_part_planar(
      image, {.x = 0, .y = 0, .width = image.width, .height = image.height}, level.width,
      level.height, piece.part, mean_, scale_, pixels_.data() + start, sheet.width, plane);
}

Result<std::vector<Cell>> ProposalNet::find_cells(std::span<const ImageView> images,
                                                  std::span<const std::vector<Level>> pyramids,
                                                  float threshold) {
  std::vector<Cell> cells;
  doubtful_.clear();
  windows_.clear();
  for (const Sheet& sheet : lay_out(pyramids)) {
    const auto count = static_cast<std::size_t>(sheet.batch) * 3 *
                       static_cast<std::size_t>(sheet.height) *
                       static_cast<std::size_t>(sheet.width);
    if (pixels_.size() < count) pixels_.resize(count);
    for (const Piece& piece : sheet.pieces) {
      const auto image = static_cast<std::size_t>(piece.image);
      draw(piece, sheet, images[image], pyramids[image][static_cast<std::size_t>(piece.level)]);
    }
    if (!screen_ || threshold <= margin_) {
      VISAVIS_CHECK(find_on_sheet(net_, sheet, threshold, cells));
      continue;
    }
    const std::size_t before = doubtful_.size();
    VISAVIS_CHECK(find_on_sheet(*screen_, sheet, threshold - margin_, doubtful_));
    if (doubtful_.size() == before) continue;
    // Cells at the odd end of a level see 11 pixels: too few of them to cut out windows.
    if (sheet.width < kSeen || sheet.height < kSeen) {
      doubtful_.resize(before);
      VISAVIS_CHECK(find_on_sheet(net_, sheet, threshold, cells));
      continue;
    }
    keep_windows(sheet, std::span(doubtful_).subspan(before));
    if (doubtful_.size() >= kMostDoubtful) VISAVIS_CHECK(confirm(threshold, cells));
  }
  VISAVIS_CHECK(confirm(threshold, cells));
  std::ranges::sort(cells, {},
                    [](const Cell& c) { return std::tuple(c.image, c.level, c.y, c.x); });
  return cells;
}

Result<void> ProposalNet::find_on_sheet(NetworkPart& net, const Sheet& sheet, float threshold,
                                        std::vector<Cell>& cells) {
  const std::array<std::int64_t, 4> shape{sheet.batch, 3, sheet.height, sheet.width};
  const auto count = static_cast<std::size_t>(sheet.batch) * 3 *
                     static_cast<std::size_t>(sheet.height) * static_cast<std::size_t>(sheet.width);
  VISAVIS_TRY(outputs, net.run(std::span(pixels_).first(count), shape));
  const auto width = static_cast<std::size_t>(map_side(sheet.width));
  const Map map{.scores = outputs[0].floats(),
                .shifts = outputs[1].floats(),
                .width = width,
                .plane = width * static_cast<std::size_t>(map_side(sheet.height))};
  if (map.scores.size() != static_cast<std::size_t>(sheet.batch) * 2 * map.plane ||
      map.shifts.size() != static_cast<std::size_t>(sheet.batch) * 4 * map.plane)
    return fail(ErrorCode::kModelMismatch, "pnet answered with a map of another size");
  for (const Piece& piece : sheet.pieces) collect(piece, map, threshold, cells);
  return {};
}

void ProposalNet::keep_windows(const Sheet& sheet, std::span<const Cell> cells) {
  for (const Cell& cell : cells) {
    for (int row = 0; row < 3 * kSeen; ++row) {  // of three planes
      const int line = row / kSeen * sheet.height + cell.sheet_y + row % kSeen;
      const auto start = pixels_.begin() + std::ptrdiff_t{line} * sheet.width + cell.sheet_x;
      windows_.insert(windows_.end(), start, start + kSeen);
    }
  }
}

Result<void> ProposalNet::confirm(float threshold, std::vector<Cell>& cells) {
  // Few sizes, because every new one costs a compilation.
  windows_.resize((doubtful_.size() + kWindowsAtOnce - 1) / kWindowsAtOnce * kWindowsAtOnce *
                  kWindow);
  for (std::size_t done = 0; done < doubtful_.size(); done += kWindowsAtOnce) {
    VISAVIS_TRY(outputs,
                net_.run(std::span(windows_).subspan(done * kWindow, kWindowsAtOnce * kWindow),
                         {kWindowsAtOnce, 3, kSeen, kSeen}));
    const auto scores = outputs[0].floats();
    const auto shifts = outputs[1].floats();
    if (scores.size() != 2 * kWindowsAtOnce || shifts.size() != 4 * kWindowsAtOnce)
      return fail(ErrorCode::kModelMismatch, "pnet answered with a map of another size");
    for (std::size_t i = 0; i < std::min(kWindowsAtOnce, doubtful_.size() - done); ++i) {
      Cell cell = doubtful_[done + i];
      cell.score = scores[2 * i + 1];
      std::ranges::copy_n(shifts.begin() + static_cast<std::ptrdiff_t>(4 * i), 4,
                          cell.shift.begin());
      if (cell.score >= threshold) cells.push_back(cell);
    }
  }
  doubtful_.clear();
  windows_.clear();
  return {};
}

std::vector<Candidate> boxes_of(std::span<const Cell> cells,
                                std::span<const std::vector<Level>> pyramids) {
  std::vector<Candidate> boxes;
  for (std::size_t at = 0; at < cells.size();) {
    const std::size_t image_end =
        at + group_end(cells.subspan(at), 0,
                       [](const Cell& a, const Cell& b) { return a.image == b.image; });
    std::vector<Candidate> of_image;
    while (at < image_end) {
      const std::size_t end =
          at + group_end(cells.subspan(at, image_end - at), 0,
                         [](const Cell& a, const Cell& b) { return a.level == b.level; });
      const Level& level = pyramids[static_cast<std::size_t>(cells[at].image)]
                                   [static_cast<std::size_t>(cells[at].level)];
      const std::vector<Candidate> of_level = candidates_of(cells.subspan(at, end - at), level);
      for (const std::size_t k : suppress(of_level, kLevelOverlap)) of_image.push_back(of_level[k]);
      at = end;
    }
    for (const std::size_t k : suppress(of_image, kImageOverlap)) {
      Candidate box = of_image[k];
      box.box = squared(shifted(box.box, box.shift));
      boxes.push_back(box);
    }
  }
  return boxes;
}

}  // namespace visavis::detect
