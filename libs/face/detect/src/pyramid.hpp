#pragma once

/// The sizes at which MTCNN's first network looks at a picture.

#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::detect {

struct Level {
  double scale = 1;  ///< Level pixels per image pixel.
  int width = 0;
  int height = 0;
};

/// Scales 12/min_face · factor^i while the short side is at least 12 px, each of size
/// int(side · scale + 1), as facenet-pytorch 2.6 computes them (detect_face.py).
/// @pre width, height >= 1; min_face_px >= 1; factor in (0, 1)
/// @return no level for a picture smaller than the smallest face; kResourceExhausted beyond 2^30
/// pixels in all.
[[nodiscard]] Result<std::vector<Level>> make_pyramid(int width, int height, double min_face_px,
                                                      double factor);

}  // namespace visavis::detect
