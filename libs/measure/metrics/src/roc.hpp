#pragma once

/// The steps that all curves are made of.

#include <cstddef>
#include <span>
#include <vector>

#include "visavis/metrics/verification.hpp"

namespace visavis::metrics {

/// How many of each kind are accepted at a threshold.
struct Step {
  float threshold;
  std::size_t genuine;
  std::size_t impostor;
};

/// From accepting nothing to accepting everything that can be, one step for each distinct score.
/// The first step's threshold is +infinity.
[[nodiscard]] std::vector<Step> roc(const Scores& scores);

[[nodiscard]] constexpr double share(std::size_t part, std::size_t whole) noexcept {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace visavis::metrics
