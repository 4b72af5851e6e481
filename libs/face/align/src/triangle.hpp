#pragma once

#include <visavis/image/resize.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::align {

/// Pillow's Image.resize(…, BILINEAR) of a window, bit for bit (Pillow 10, libImaging/Resample.c):
/// a triangle filter as wide as the reduction, columns first, 8 bits between the two passes,
/// weights in units of 2^-22.
/// @pre the window lies in the image and is not empty; width, height >= 1
[[nodiscard]] Image resize_triangle(ImageView image, image::Window window, int width, int height);

}  // namespace visavis::align
