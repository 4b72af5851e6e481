#pragma once

/// MTCNN's first stage: P-Net looks at every place of every pyramid level.

#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "network_part.hpp"
#include "pyramid.hpp"
#include "sheets.hpp"

namespace visavis::detect {

/// A cell of a level's map that P-Net takes for a face.
struct Cell {
  int image = 0;
  int level = 0;
  int x = 0;
  int y = 0;
  int sheet_x = 0;  ///< Where its 12×12 window starts on the sheet, in pixels.
  int sheet_y = 0;
  float score = 0;
  std::array<float, 4> shift{};
};

/// Thread-compatible. Keeps its scratch memory, which is bounded by the largest sheet.
///
/// With a screen, the sheets are seen in bf16, and only the cells that it does not put below the
/// threshold by more than its margin are seen again, each in its own 12×12 window. What is returned
/// was always computed at the precision that was asked for.
class ProposalNet {
 public:
  [[nodiscard]] static Result<ProposalNet> open(const models::Network& network);

  /// Every cell that scores at least `threshold`, by image, level, row and column.
  [[nodiscard]] Result<std::vector<Cell>> find_cells(std::span<const ImageView> images,
                                                     std::span<const std::vector<Level>> pyramids,
                                                     float threshold);

 private:
  ProposalNet(NetworkPart net, float mean, float scale)
      : net_(std::move(net)), mean_(mean), scale_(scale) {}
  void draw(const Piece& piece, const Sheet& sheet, ImageView image, const Level& level);
  [[nodiscard]] Result<void> find_on_sheet(NetworkPart& net, const Sheet& sheet, float threshold,
                                           std::vector<Cell>& cells);
  /// Keeps the pixels that each of the cells sees. @pre a sheet of batch 1
  void keep_windows(const Sheet& sheet, std::span<const Cell> cells);
  /// Sees the doubtful cells again and adds those that reach the threshold.
  [[nodiscard]] Result<void> confirm(float threshold, std::vector<Cell>& cells);

  NetworkPart net_;
  std::optional<NetworkPart> screen_;
  float margin_ = 0;
  float mean_ = 0;
  float scale_ = 1;
  std::vector<float> pixels_;
  std::vector<Cell> doubtful_;
  std::vector<float> windows_;  ///< Of the doubtful cells, [n, 3, 12, 12].
};

/// Boxes from cells: overlapping ones are suppressed within their level (.5) and image (.7), the
/// rest moved as P-Net says and made square.
[[nodiscard]] std::vector<Candidate> boxes_of(std::span<const Cell> cells,
                                              std::span<const std::vector<Level>> pyramids);

}  // namespace visavis::detect
