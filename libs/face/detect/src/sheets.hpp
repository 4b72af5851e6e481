#pragma once

/// How the pyramids of several pictures are laid out on few sheets of few sizes.
///
/// OpenVINO compiles its kernels anew for every shape it has not seen (2 to 4 ms each), and a P-Net
/// call costs least per pixel on inputs that leave its activations in the second-level cache. So
/// levels are cut into pieces that fill sheets of fixed size.
///
/// P-Net's map has one cell for every 12×12 window on even coordinates; neighbouring cells share 10
/// pixels. A piece therefore carries 10 pixels more than its cells step over, and pieces need no
/// gap: cells whose window straddles two pieces are never read. Its pooling rounds up, so that a
/// level of odd side has one more row or column of cells, which sees 11 pixels and the end of the
/// picture. These come from sheets that end there: 11 pixels high (rows), 11 wide (columns), or
/// both.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/image/resize.hpp>

#include "pyramid.hpp"

namespace visavis::detect {

/// Part of a level, placed on a sheet.
struct Piece {
  int image = 0;
  int level = 0;
  image::Window part;   ///< In pixels of the level.
  image::Window cells;  ///< In cells of the level's map.
  int slot = 0;         ///< Which picture of the sheet's batch.
  int x = 0;            ///< Place on the sheet in pixels, even.
  int y = 0;
};

/// One input of P-Net.
struct Sheet {
  int batch = 1;
  int width = 0;
  int height = 0;
  std::vector<Piece> pieces;
};

/// Cells of P-Net's map along a side of `pixels` >= 12.
[[nodiscard]] constexpr int map_side(int pixels) noexcept { return (pixels - 1) / 2 - 4; }

/// Every cell of every level is on exactly one piece.
/// @param pyramids  one for each picture.
[[nodiscard]] std::vector<Sheet> lay_out(std::span<const std::vector<Level>> pyramids);

}  // namespace visavis::detect
