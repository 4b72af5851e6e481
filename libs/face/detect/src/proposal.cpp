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
#include "pyramid.hpp"
#include "screen.hpp"
#include "side_by_side.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

constexpr int kSeen = 12;  // pixels, along a side, that a cell sees; at the end of an odd side 11
constexpr std::size_t kMostDoubtful = 1024;
constexpr int kBandPixels = 1 << 20;
constexpr double kLevelOverlap = 0.5;
constexpr double kImageOverlap = 0.7;

/// Most rows hold no face: they are passed over without a branch for each cell.
bool any_reaches(std::span<const float> scores, float threshold) {
  bool any = false;
  for (const float score : scores) any |= score >= threshold;
  return any;
}

/// Rows of pixels that hold these rows of cells.
image::Window band_of(const Level& level, int first, int rows) {
  const int top = 2 * first;
  return {.x = 0,
          .y = top,
          .width = level.width,
          .height = std::min(2 * (rows - 1) + kSeen, level.height - top)};
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
  VISAVIS_TRY(source, find_data(network, "pnet"));
  VISAVIS_TRY(trained, read_pnet(*source.graph));
  return ProposalNet(trained, source.screen_margin, network.manifest.preparation);
}

std::vector<Cell> ProposalNet::find_cells(std::span<const ImageView> images,
                                          std::span<const std::vector<Level>> pyramids,
                                          float threshold) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < images.size(); ++i) {
    for (std::size_t k = 0; k < pyramids[i].size(); ++k) {
      const Level& level = pyramids[i][k];
      const int all = map_side(level.height);
      const int at_once = std::max(1, kBandPixels / level.width / 2);
      for (int first = 0; first < all; first += at_once) {
        const image::Window band = band_of(level, first, std::min(at_once, all - first));
        const Cell origin{.image = static_cast<int>(i), .level = static_cast<int>(k), .y = first};
        look(images[i], level, band, origin, threshold, cells);
      }
    }
  }
  confirm(threshold, cells);
  std::ranges::sort(cells, {},
                    [](const Cell& c) { return std::tuple(c.image, c.level, c.y, c.x); });
  return cells;
}

void ProposalNet::look(ImageView image, const Level& level, const image::Window& band,
                       const Cell& origin, float threshold, std::vector<Cell>& cells) {
  const std::ptrdiff_t plane = std::ptrdiff_t{band.width} * band.height;
  const auto count = static_cast<std::size_t>(3 * plane);
  if (pixels_.size() < count) pixels_.resize(count);
  image::resize_area_part_planar(
      image, {.x = 0, .y = 0, .width = image.width, .height = image.height}, level.width,
      level.height, band, mean_, scale_, pixels_.data(), band.width, plane);
  const auto odds = screen_.look(std::span(pixels_).first(count), band.width, band.height);
  const float least = log_odds(threshold - margin_);
  const auto columns = static_cast<std::size_t>(map_side(band.width));
  for (int y = 0; y < map_side(band.height); ++y) {
    const auto row = odds.subspan(static_cast<std::size_t>(y) * screen_.stride(), columns);
    if (!any_reaches(row, least)) continue;
    for (std::size_t x = 0; x < columns; ++x) {
      if (!(row[x] >= least)) continue;
      Cell cell = origin;
      cell.x = static_cast<int>(x);
      cell.y += y;
      keep(cell, 2 * cell.x, 2 * y, band);
    }
    if (doubtful_[1][1].cells.size() >= kMostDoubtful) confirm(threshold, cells);
  }
}

void ProposalNet::keep(const Cell& cell, int x, int y, const image::Window& band) {
  const int width = std::min(kSeen, band.width - x);
  const int height = std::min(kSeen, band.height - y);
  Group& group = doubtful_[height == kSeen ? 1 : 0][width == kSeen ? 1 : 0];
  group.cells.push_back(cell);
  for (int plane = 0; plane < 3; ++plane) {
    for (int row = y; row < y + height; ++row) {
      const std::ptrdiff_t line = std::ptrdiff_t{plane} * band.height + row;
      const auto start = pixels_.begin() + line * band.width + x;
      group.windows.insert(group.windows.end(), start, start + width);
    }
  }
}

void ProposalNet::confirm(float threshold, std::vector<Cell>& cells) {
  for (const int height : {kSeen - 1, kSeen}) {
    for (const int width : {kSeen - 1, kSeen}) {
      Group& group = doubtful_[height == kSeen ? 1 : 0][width == kSeen ? 1 : 0];
      const std::vector<Verdict> verdicts = net_.look(group.windows, width, height);
      for (std::size_t i = 0; i < verdicts.size(); ++i) {
        if (!(verdicts[i].score >= threshold)) continue;
        cells.push_back(group.cells[i]);
        cells.back().score = verdicts[i].score;
        cells.back().shift = verdicts[i].shift;
      }
      group.cells.clear();
      group.windows.clear();
    }
  }
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
