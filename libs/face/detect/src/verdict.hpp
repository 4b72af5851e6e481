#pragma once

#include <array>

namespace visavis::detect {

/// What a network says of one candidate.
struct Verdict {
  float score = 0;
  std::array<float, 4> shift{};
  std::array<float, 10> points{};  ///< O-Net: five x, then five y, in box sides.
};

}  // namespace visavis::detect
