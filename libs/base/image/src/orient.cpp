#include "orient.hpp"

#include <cstddef>
#include <cstdint>

#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

/// Where a walk over the upright picture, row by row, goes in the stored one.
struct Walk {
  std::ptrdiff_t start = 0;  ///< Pixels from the first.
  std::ptrdiff_t right = 0;  ///< Pixels to go for one step right in the upright picture.
  std::ptrdiff_t down = 0;
};

Walk walk_of(int orientation, std::ptrdiff_t w, std::ptrdiff_t h) {
  switch (orientation) {
    case 2:
      return {.start = w - 1, .right = -1, .down = w};
    case 3:
      return {.start = w * h - 1, .right = -1, .down = -w};
    case 4:
      return {.start = w * (h - 1), .right = 1, .down = -w};
    case 5:
      return {.start = 0, .right = w, .down = 1};
    case 6:
      return {.start = w * (h - 1), .right = -w, .down = 1};
    case 7:
      return {.start = w * h - 1, .right = -w, .down = -1};
    case 8:
      return {.start = w - 1, .right = w, .down = -1};
    default:
      return {.start = 0, .right = 1, .down = w};
  }
}

}  // namespace

Image orient(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool turn = turns_sides(orientation);
  Image result(turn ? image.height() : image.width(), turn ? image.width() : image.height());
  const Walk walk = walk_of(orientation, image.width(), image.height());
  const std::uint8_t* stored = image.bytes().data();
  for (int y = 0; y < result.height(); ++y) {
    std::uint8_t* to = result.row(y);
    const std::uint8_t* from = stored + 3 * (walk.start + y * walk.down);
    for (int x = 0; x < result.width(); ++x, to += 3, from += 3 * walk.right) {
      to[0] = from[0];
      to[1] = from[1];
      to[2] = from[2];
    }
  }
  return result;
}

}  // namespace visavis::image
