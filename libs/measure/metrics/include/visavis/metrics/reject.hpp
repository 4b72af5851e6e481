#pragma once

/// Whether a quality score foretells failure.

#include <span>
#include <vector>

namespace visavis::metrics {

/// A genuine pair: its score and the lower quality of its two photos.
struct RatedPair {
  float score = 0;
  float quality = 0;
};

struct RejectPoint {
  double rejected = 0;  ///< Share of pairs, those of the lowest quality.
  double fnmr = 0;      ///< Among those that are left.
};

/// Error versus reject (Grother and Tabassi, "Performance of biometric quality measures", PAMI
/// 2007): the false non-match rate at a fixed threshold when the worst pairs are refused. One point
/// for each distinct quality and one with nothing rejected; ends before nothing is left.
/// @pre no NaN, at least one pair
[[nodiscard]] std::vector<RejectPoint> error_versus_reject(std::span<const RatedPair> pairs,
                                                           double threshold);

/// One point of it. Pairs of one quality are rejected in part, as a draw among them would on
/// average. @pre 0 <= share < 1
[[nodiscard]] double fnmr_after_reject(std::span<const RatedPair> pairs, double threshold,
                                       double share);

}  // namespace visavis::metrics
