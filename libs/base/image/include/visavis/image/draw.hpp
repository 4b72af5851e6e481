#pragma once

/// Boxes, points and labels on a picture, clipped at its border.

#include <cstdint>
#include <string_view>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::image {

struct Colour {
  std::uint8_t r = 0, g = 0, b = 0;
};

void draw_box(Image& image, const Box& box, Colour colour, int thickness_px = 2);
void draw_point(Image& image, Point point, Colour colour, int radius_px = 2);

/// White (or black on light colours) text on a filled bar whose lower left corner is at `corner`,
/// moved inside the picture. Latin letters and accents are drawn; other code points appear as a
/// box.
/// @param height_px  of a capital letter's cell, at least 8.
void draw_label(Image& image, Point corner, std::string_view utf8, Colour colour,
                int height_px = 16);

}  // namespace visavis::image
