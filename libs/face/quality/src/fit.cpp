#include "visavis/quality/fit.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "visavis/vocab/quality.hpp"

namespace visavis::quality {
namespace {

constexpr double kChipEyes = 35;        // more pixels than the recogniser sees add nothing
constexpr double kLeastDoubt = 0.0005;  // detectors' confidences end near 1

constexpr double kMostContrast = 127.5;  // half of the levels black, half white

/// NaN counts as the least, so that nothing unmeasured passes for good.
double at_least(double value, double least) { return value >= least ? value : least; }

}  // namespace

Measures measures_of(const Quality& quality) noexcept {
  const double contrast = at_least(quality.contrast, 1);
  const double turned = std::hypot(quality.yaw_deg, quality.pitch_deg);
  return {std::log(at_least(quality.norm, 1e-6)),
          std::log(std::min(at_least(quality.eye_distance_px, 1), kChipEyes)),
          std::log1p(at_least(quality.sharpness, 0)) - 2 * std::log(contrast),
          -std::min(turned <= 90 ? turned : 90, 90.0) / 90,
          at_least(quality.exposure, 0),
          -std::log(1 + kLeastDoubt - std::min(at_least(quality.confidence, 0), 1.0)),
          -std::log(quality.contrast <= kMostContrast ? contrast : kMostContrast)};
}

float foretell(const Quality& quality, const Fit& fit) noexcept {
  const Measures measures = measures_of(quality);
  double logit = fit.bias;
  for (std::size_t k = 0; k < kMeasures; ++k) logit += fit.weights[k] * measures[k];
  return static_cast<float>(1 / (1 + std::exp(-logit)));
}

}  // namespace visavis::quality
