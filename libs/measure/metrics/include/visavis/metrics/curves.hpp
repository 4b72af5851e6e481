#pragma once

/// Error rates over all thresholds: what ROC, DET and precision-recall plots draw.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <visavis/metrics/histogram.hpp>
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

/// The same for impostors that were counted: one point for each bin that holds some, at its lower
/// edge.
/// @param genuine  by rising score; −infinity is never accepted
/// @pre at least one of either kind
[[nodiscard]] std::vector<ErrorRates> error_rates(std::span<const float> genuine,
                                                  const ScoreHistogram& impostor);

struct PrecisionRecallPoint {
  double threshold = 0;
  double precision = 1;  ///< Genuine pairs among those accepted.
  double recall = 0;     ///< Accepted among the genuine pairs.
};

/// One point for each distinct score, from the highest threshold down. O(n log n).
[[nodiscard]] std::vector<PrecisionRecallPoint> precision_recall_curve(const Scores& scores);

/// The same at the points of a curve of error rates, of so many pairs of either kind. How precise
/// accepting is depends on how many impostors there are for a genuine pair, as no error rate does.
/// @pre genuine >= 1
[[nodiscard]] std::vector<PrecisionRecallPoint> precision_recall_curve(
    std::span<const ErrorRates> rates, std::uint64_t genuine, std::uint64_t impostor);

/// Σ (recall_k − recall_{k−1}) · precision_k, without interpolation. Pairs that are never accepted
/// count as missed.
[[nodiscard]] double average_precision(const Scores& scores);

/// Where scores lie.
struct Moments {
  double mean = 0;
  double variance = 0;  ///< Of the population.
};

/// @pre every score is finite, at least one
[[nodiscard]] Moments moments(std::span<const float> scores);

/// How far apart the two kinds lie: |mean difference| / √(mean of the variances) (Daugman,
/// "Biometric decision landscapes", 2000). Infinite where neither kind spreads.
[[nodiscard]] double d_prime(const Moments& genuine, const Moments& impostor);
/// @pre every score is finite
[[nodiscard]] double d_prime(const Scores& scores);

/// The curve's first and last point and, of the others, as many as a plot with a logarithmic axis
/// of false match rates can show: at most `per_decade` in each power of ten.
[[nodiscard]] std::vector<ErrorRates> thinned(const std::vector<ErrorRates>& curve,
                                              std::size_t per_decade = 50);

}  // namespace visavis::metrics
