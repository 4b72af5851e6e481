#pragma once

/// MTCNN's first stage: P-Net looks at every place of every pyramid level.

#include <array>
#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "pyramid.hpp"
#include "screen.hpp"
#include "side_by_side.hpp"
#include "trained.hpp"

namespace visavis::detect {

/// A cell of a level's map that P-Net takes for a face.
struct Cell {
  int image = 0;
  int level = 0;
  int x = 0;
  int y = 0;
  float score = 0;
  std::array<float, 4> shift{};
};

/// Cells of P-Net's map along a side of `pixels` >= 11: one for every 12 pixels on even places, and
/// for an odd side one more, which sees the last 11, because the network's pooling rounds up.
[[nodiscard]] constexpr int map_side(int pixels) noexcept { return (pixels - 1) / 2 - 4; }

/// Thread-compatible. Keeps its scratch memory, which is bounded.
///
/// The screen sees every level; only the cells that it does not put below the threshold by more
/// than its margin are seen by P-Net, each in its own window. So every score and shift that is
/// returned was computed by the engine at the precision that was asked for.
class ProposalNet {
 public:
  [[nodiscard]] static Result<ProposalNet> open(const models::Network& network);

  /// Every cell that scores at least `threshold`, by image, level, row and column.
  [[nodiscard]] std::vector<Cell> find_cells(std::span<const ImageView> images,
                                             std::span<const std::vector<Level>> pyramids,
                                             float threshold);

 private:
  /// Doubtful cells whose windows are of one size.
  struct Group {
    std::vector<Cell> cells;
    std::vector<float> windows;  ///< [n, 3, height, width]
  };

  ProposalNet(const TrainedNet& net, float margin, const models::Preparation& preparation)
      : net_(net),
        screen_(net),
        margin_(margin),
        mean_(preparation.mean[0]),
        scale_(preparation.scale[0]) {}
  /// Looks at rows of a level and keeps what is doubtful. @param origin  image, level, first row
  void look(ImageView image, const Level& level, const image::Window& band, const Cell& origin,
            float threshold, std::vector<Cell>& cells);
  void keep(const Cell& cell, int x, int y, const image::Window& band);
  /// Sees the doubtful cells again and adds those that reach the threshold.
  void confirm(float threshold, std::vector<Cell>& cells);

  ProposalWindows net_;
  ProposalScreen screen_;
  float margin_ = 0;
  float mean_ = 0;
  float scale_ = 1;
  std::vector<float> pixels_;
  std::array<std::array<Group, 2>, 2> doubtful_;  ///< 11 or 12 pixels high, 11 or 12 wide.
};

/// Boxes from cells: overlapping ones are suppressed within their level (.5) and image (.7), the
/// rest moved as P-Net says and made square.
[[nodiscard]] std::vector<Candidate> boxes_of(std::span<const Cell> cells,
                                              std::span<const std::vector<Level>> pyramids);

}  // namespace visavis::detect
