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
  VISAVIS_TRY(net, NetworkPart::open(network, "pnet", std::array<std::int64_t, 2>{2, 4}));
  const models::Preparation& p = network.manifest.preparation;
  return ProposalNet(std::move(net), p.mean[0], p.scale[0]);
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
  for (const Sheet& sheet : lay_out(pyramids)) {
    const std::array<std::int64_t, 4> shape{sheet.batch, 3, sheet.height, sheet.width};
    const auto count = static_cast<std::size_t>(sheet.batch) * 3 *
                       static_cast<std::size_t>(sheet.height) *
                       static_cast<std::size_t>(sheet.width);
    if (pixels_.size() < count) pixels_.resize(count);
    for (const Piece& piece : sheet.pieces) {
      const auto image = static_cast<std::size_t>(piece.image);
      draw(piece, sheet, images[image], pyramids[image][static_cast<std::size_t>(piece.level)]);
    }
    VISAVIS_TRY(outputs, net_.run(std::span(pixels_).first(count), shape));
    const auto width = static_cast<std::size_t>(map_side(sheet.width));
    const Map map{.scores = outputs[0].floats(),
                  .shifts = outputs[1].floats(),
                  .width = width,
                  .plane = width * static_cast<std::size_t>(map_side(sheet.height))};
    if (map.scores.size() != static_cast<std::size_t>(sheet.batch) * 2 * map.plane ||
        map.shifts.size() != static_cast<std::size_t>(sheet.batch) * 4 * map.plane)
      return fail(ErrorCode::kModelMismatch, "pnet answered with a map of another size");
    for (const Piece& piece : sheet.pieces) collect(piece, map, threshold, cells);
  }
  std::ranges::sort(cells, {},
                    [](const Cell& c) { return std::tuple(c.image, c.level, c.y, c.x); });
  return cells;
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
