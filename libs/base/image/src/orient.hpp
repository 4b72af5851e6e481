#pragma once

/// EXIF orientation (tag 0x0112): 1 upright, 2 mirrored, 3 upside down, 4 both, 5 to 8 the same
/// with sides exchanged.

#include "visavis/vocab/image.hpp"

namespace visavis::image {

[[nodiscard]] constexpr bool turns_sides(int orientation) noexcept { return orientation >= 5; }

/// Makes an image upright. @pre orientation is 1 to 8
[[nodiscard]] Image orient(Image image, int orientation);

}  // namespace visavis::image
