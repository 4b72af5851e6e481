#pragma once

/// How well scores tell genuine pairs (one person) from impostor pairs (two people). Pure functions
/// of scores: larger means more alike, a pair is accepted if score >= threshold, and −infinity
/// marks a pair that is never accepted (no face was found). Terms of ISO/IEC 19795-1.

#include <cstddef>
#include <span>
#include <vector>

namespace visavis::metrics {

/// Both kinds must be there. @pre no NaN; neither list is empty, unless a function says otherwise
struct Scores {
  std::span<const float> genuine;
  std::span<const float> impostor;
};

/// Share of `scores` that is accepted, in [0, 1]; 0 for none.
[[nodiscard]] double accepted_share(std::span<const float> scores, double threshold) noexcept;

/// The smallest threshold that accepts at most `far` of the impostors: just above the best score
/// that must be refused. @pre 0 <= far <= 1
[[nodiscard]] double threshold_at_far(std::span<const float> impostor, double far);

/// Share of genuine pairs accepted at `threshold_at_far` (TAR@FAR = 1 − FRR).
[[nodiscard]] double tar_at_far(const Scores& scores, double far);

/// Where false accepts and false rejects are equally frequent; between two points of the ROC by
/// linear interpolation.
[[nodiscard]] double equal_error_rate(const Scores& scores);

/// Area under the ROC: the chance that a genuine pair scores above an impostor pair, ties counting
/// half (Mann–Whitney).
[[nodiscard]] double area_under_curve(const Scores& scores);

/// The threshold with the most right decisions: half way between two neighbouring scores; of
/// several equally good ones the middle one.
[[nodiscard]] double best_threshold(const Scores& scores);

struct FoldedAccuracy {
  double mean = 0;
  double std = 0;  ///< Population standard deviation over the folds.
  std::vector<double> folds;
  std::vector<double> thresholds;  ///< The one each fold was judged by.
};

/// Huang et al., "Labeled Faces in the Wild", 2007, section "View 2": every fold is judged by the
/// threshold that is best on the others.
/// @pre at least two folds, each with a pair; both kinds in the union of any n − 1 folds
[[nodiscard]] FoldedAccuracy folded_accuracy(std::span<const Scores> folds);

}  // namespace visavis::metrics
