#pragma once

/// A quality score that was fitted to what a recogniser does with good and bad photos.

#include <array>
#include <cstddef>
#include <string_view>
#include <visavis/vocab/quality.hpp>

namespace visavis::quality {

inline constexpr std::size_t kMeasures = 7;

/// What a face was measured by, each so that more is better.
using Measures = std::array<double, kMeasures>;

/// As manifests name them: the logarithm of the raw norm, of the eyes' distance up to the chip's
/// own, and of the sharpness beside the contrast, which dark photos do not lower; minus the angle
/// away from the camera in right angles; the share of pixels between black and white; minus the
/// logarithm of the detector's doubt; minus the logarithm of the contrast, because noise is
/// contrast and sharpness, too.
inline constexpr std::array<std::string_view, kMeasures> kMeasureNames{
    "log_norm",  "log_eye_distance", "relative_sharpness", "facing", "exposure",
    "certainty", "flatness"};

[[nodiscard]] Measures measures_of(const Quality& quality) noexcept;

/// A logistic model of "a good photo of the same person is accepted at FMR 1e-3".
struct Fit {
  double bias = 0;
  Measures weights{};  ///< None below 0: a better measure never lowers the score.
};

/// Its probability, in [0, 1].
[[nodiscard]] float foretell(const Quality& quality, const Fit& fit) noexcept;

}  // namespace visavis::quality
