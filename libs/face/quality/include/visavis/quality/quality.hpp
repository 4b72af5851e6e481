#pragma once

/// Says how far a face can be trusted to be recognised.

#include <optional>
#include <visavis/quality/fit.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>
#include <visavis/vocab/quality.hpp>

namespace visavis::quality {

/// What the recogniser's manifest and calibration say of the norm.
struct NormScale {
  bool has_meaning = false;
  float low = 0;   ///< A norm that marks an unusable face.
  float high = 1;  ///< A norm that marks a good one.
  /// Fitted to the recogniser: then the score is what this foretells, and no weighted mean.
  std::optional<Fit> fit{};
};

/// Measures a face and combines the measures. The score never falls when one component gets better
/// and the others stay: larger eye distance, head nearer to frontal, more sharpness, more pixels
/// between black and white, more confidence, larger norm. The module's README has the mapping.
/// @param chip  the upright square chip of this face that the recogniser sees, of 16 pixels or
/// more.
/// @param norm  the embedding's raw norm, or 0.
[[nodiscard]] Quality assess(const Face& face, ImageView chip, float norm = 0,
                             const NormScale& scale = {});

/// The score that `quality`'s components give: what `assess` puts into it.
[[nodiscard]] float combine(const Quality& quality, const NormScale& scale = {}) noexcept;

}  // namespace visavis::quality
