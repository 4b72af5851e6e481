#pragma once

/// The third noun: a face cut out and put upright, ready for a network. Made by align.

#include <visavis/vocab/image.hpp>

namespace visavis {

/// A square image. Owns its pixels.
struct Chip {
  Image image;
  [[nodiscard]] int side() const noexcept { return image.width(); }
};

}  // namespace visavis
