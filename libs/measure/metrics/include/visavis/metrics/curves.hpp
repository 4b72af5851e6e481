#pragma once

/// Error rates over all thresholds: what ROC, DET and precision-recall plots draw.

#include <cstddef>
#include <vector>
#include <visavis/metrics/verification.hpp>

namespace visavis::metrics {

/// False match and false non-match rate (ISO/IEC 19795-1) of a threshold, both in [0, 1].
/// ROC: x = fmr, y = 1 − fnmr. DET: x = fmr, y = fnmr.
struct ErrorRates {
  double threshold = 0;
  double fmr = 0;
  double fnmr = 1;
};

/// One point for each distinct score, from accepting nothing (threshold +infinity) down. O(n log
/// n).
[[nodiscard]] std::vector<ErrorRates> error_rates(const Scores& scores);

struct PrecisionRecallPoint {
  double threshold = 0;
  double precision = 1;  ///< Genuine pairs among those accepted.
  double recall = 0;     ///< Accepted among the genuine pairs.
};

/// One point for each distinct score, from the highest threshold down. O(n log n).
[[nodiscard]] std::vector<PrecisionRecallPoint> precision_recall_curve(const Scores& scores);

/// Σ (recall_k − recall_{k−1}) · precision_k, without interpolation. Pairs that are never accepted
/// count as missed.
[[nodiscard]] double average_precision(const Scores& scores);

/// How far apart the two kinds lie: |mean difference| / √(mean of the variances) (Daugman,
/// "Biometric decision landscapes", 2000). Infinite where neither kind spreads.
/// @pre every score is finite
[[nodiscard]] double d_prime(const Scores& scores);

/// The curve's first and last point and, of the others, as many as a plot with a logarithmic axis
/// of false match rates can show: at most `per_decade` in each power of ten.
[[nodiscard]] std::vector<ErrorRates> thinned(const std::vector<ErrorRates>& curve,
                                              std::size_t per_decade = 50);

}  // namespace visavis::metrics
