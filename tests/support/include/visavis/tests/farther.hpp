#pragma once

/// How far answers are apart, where one of them may be no number.

#include <algorithm>
#include <cmath>
#include <limits>

namespace visavis::tests {

/// The larger of two distances; infinite if one is no number, which std::max would pass over.
inline double farther(double most, double off) {
  return std::isnan(most) || std::isnan(off) ? std::numeric_limits<double>::infinity()
                                             : std::max(most, off);
}

}  // namespace visavis::tests
