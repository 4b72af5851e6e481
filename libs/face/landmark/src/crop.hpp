#pragma once

/// Which pixels a landmark network sees of a box.

#include <optional>
#include <visavis/image/resize.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::landmark {

/// A square around the box's middle, as a part of the image.
struct Crop {
  Box square;            ///< As asked for; may reach beyond the image.
  image::Window window;  ///< What of it lies inside, in whole pixels.
};

/// @param side_of_longer  the square's side as a multiple of the box's longer side.
/// @return nothing if no pixel of it lies inside the image or a number is not finite.
[[nodiscard]] std::optional<Crop> square_crop(const Box& box, double side_of_longer,
                                              ImageView image);

}  // namespace visavis::landmark
