#include "visavis/protocols/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace visavis::protocols {

std::size_t Distribution::bin_of(double score) noexcept {
  const double bins = static_cast<double>(kBins);
  const double at = (score - kLow) / (kHigh - kLow) * bins;
  return static_cast<std::size_t>(std::clamp(at, 0.0, bins - 1));
}

Distribution distribution_of(std::span<const float> genuine,
                             const metrics::ScoreHistogram& impostor) {
  Distribution distribution;
  for (const float s : genuine)
    if (std::isfinite(s)) ++distribution.genuine[Distribution::bin_of(s)];
  impostor.for_each_bin([&](double middle, std::uint64_t n) {
    distribution.impostor[Distribution::bin_of(middle)] += n;
  });
  return distribution;
}

}  // namespace visavis::protocols
