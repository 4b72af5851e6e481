#include "visavis/protocols/distribution.hpp"

#include <algorithm>
#include <cstddef>

namespace visavis::protocols {

std::size_t Distribution::bin_of(double score) noexcept {
  const double bins = static_cast<double>(kBins);
  const double at = (score - kLow) / (kHigh - kLow) * bins;
  return static_cast<std::size_t>(std::clamp(at, 0.0, bins - 1));
}

}  // namespace visavis::protocols
