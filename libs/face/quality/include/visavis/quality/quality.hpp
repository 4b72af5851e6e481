#pragma once

/// Says how far a face can be trusted to be recognised.

#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>
#include <visavis/vocab/quality.hpp>

namespace visavis::quality {

/// What the recogniser's manifest and calibration say of the norm.
struct NormScale {
  bool has_meaning = false;
  float low = 0;   ///< A norm that marks an unusable face.
  float high = 1;  ///< A norm that marks a good one.
};

/// @param chip  the aligned 112-pixel chip of this face.
/// @param norm  the embedding's raw norm, or 0.
[[nodiscard]] Quality assess(const Face& face, ImageView chip, float norm = 0,
                             const NormScale& scale = {});

}  // namespace visavis::quality
