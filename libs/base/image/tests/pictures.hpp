#pragma once

/// Pictures made by a formula, for tests.

#include <cstdint>

#include "visavis/vocab/image.hpp"

namespace visavis::image {

/// The same bytes as tests/golden/image/make_goldens.py's noise(): a hash of the position.
inline Image noise(int width, int height) {
  Image image(width, height);
  std::uint32_t i = 0;
  for (std::uint8_t& byte : image.bytes()) {
    std::uint32_t h = (i++ + 1) * 2654435761U;
    h ^= h >> 15;
    h *= 2246822519U;
    h ^= h >> 13;
    byte = static_cast<std::uint8_t>(h >> 8);
  }
  return image;
}

}  // namespace visavis::image
