#pragma once

/// What travels between MTCNN's stages, and the arithmetic on it, as facenet-pytorch 2.6 has it
/// (detect_face.py). It follows the original in mixing widths with and without the +1: where a
/// function adds it, the comment says so.

#include <array>
#include <cstddef>
#include <span>
#include <vector>
#include <visavis/image/resize.hpp>

namespace visavis::detect {

/// Corners, not sizes: sums of a corner and a width would round differently.
struct Rect {
  float x1 = 0;
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;
  bool operator==(const Rect&) const = default;
};

struct Candidate {
  Rect box;
  float score = 0;
  std::array<float, 4> shift{};  ///< The network's correction of the corners, in box sides.
  int image = 0;
};

/// The 12×12 cell (x, y) of a level's map, in image pixels, rounded down.
[[nodiscard]] Rect cell_box(int x, int y, double scale) noexcept;

/// Moves each corner by `shift` · (x2 − x1): the first stage.
[[nodiscard]] Rect shifted(const Rect& box, const std::array<float, 4>& shift) noexcept;
/// Moves each corner by `shift` · (x2 − x1 + 1): the second and third stage.
[[nodiscard]] Rect shifted_inclusive(const Rect& box, const std::array<float, 4>& shift) noexcept;

/// The square about the same centre whose side is the longer one.
[[nodiscard]] Rect squared(const Rect& box) noexcept;

/// The pixels of a box whose corners count pixels from 1 and include the last, cut at the border
/// of the picture (not filled with zeros as the original does).
/// @return width or height <= 0 if no pixel is left.
[[nodiscard]] image::Window pixels_of(const Rect& box, int width, int height) noexcept;

/// Greedy non-maximum suppression by intersection over union > threshold, widths without +1
/// (torchvision's nms). Equal scores: the first comes first.
/// @pre threshold >= 0.5
/// @return kept indexes by falling score.
[[nodiscard]] std::vector<std::size_t> suppress(std::span<const Candidate> candidates,
                                                double threshold);

/// By intersection over the smaller area, widths with +1 (detect_face.py, nms_numpy, "Min"). Equal
/// scores: the first comes first; facenet-pytorch leaves that to an unstable sort.
[[nodiscard]] std::vector<std::size_t> suppress_contained(std::span<const Candidate> candidates,
                                                          float threshold);

}  // namespace visavis::detect
