#pragma once

/// Whether probabilities that were said are what happens.

#include <cstddef>
#include <span>
#include <vector>

namespace visavis::metrics {

/// What was said of some pairs, and how many of them there are of one person and of two people, in
/// any unit.
struct Forecast {
  double said = 0;  ///< In [0, 1].
  double genuine = 0;
  double impostor = 0;
};

/// All forecasts from `low` up to `high`.
struct ReliabilityBin {
  double low = 0;
  double high = 0;
  double share = 0;     ///< Of the weight of all.
  double said = 0;      ///< On average.
  double happened = 0;  ///< Share of one person.
};

struct Reliability {
  std::vector<ReliabilityBin> bins{};  ///< Those that hold a forecast, rising.
  /// Mean distance of what was said from what happened, over the bins' weights (Naeini, Cooper and
  /// Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", AAAI 2015).
  double expected_error = 0;
};

/// In bins of equal width. @pre no NaN; a weight above 0; `bins` >= 1
[[nodiscard]] Reliability reliability(std::span<const Forecast> forecasts, std::size_t bins = 10);

}  // namespace visavis::metrics
