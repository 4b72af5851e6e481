#pragma once

/// 1:1 evaluation of every photo with every other.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/metrics/curves.hpp>
#include <visavis/metrics/histogram.hpp>
#include <visavis/protocols/calibrate.hpp>
#include <visavis/protocols/distribution.hpp>
#include <visavis/protocols/groups.hpp>
#include <visavis/protocols/verification.hpp>

namespace visavis::protocols {

struct AllPairsOptions {
  ScoreRule rule{};
  /// Falling; one is measured only if three false accepts are to be expected were every *pair of
  /// people* compared once: photos of the same two people are not independent trials.
  std::vector<double> fars{1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
  std::size_t replicates = 300;  ///< Of the bootstrap over people.
  Groups groups{};               ///< By the faces' persons; empty: no rates by groups.
  std::size_t worst = 0;         ///< How many pairs of either kind are named.
};

/// Two of the faces that were given, by their places.
struct FacePair {
  std::size_t a = 0;
  std::size_t b = 0;
  double score = 0;
};

struct AllPairsFigures {
  std::uint64_t genuine = 0;
  std::uint64_t impostor = 0;
  metrics::Bounds eer{};  ///< The impostors are counted in bins, so figures lie between bounds.
  metrics::Bounds auc{};
  std::optional<metrics::Interval> eer_interval{};
  std::optional<metrics::Interval> auc_interval{};
  std::optional<double> d_prime{};  ///< Nothing if a pair cannot be scored, or for one pair.
  std::optional<metrics::Interval> d_prime_interval{};
  std::vector<OperatingPoint> points{};
  std::vector<metrics::ErrorRates> curve{};  ///< For plots: at most 50 points for each power of 10.
  Distribution distribution{};
};

struct AllPairsReport {
  matching::ScoreKind score_kind = matching::ScoreKind::kCosine;
  std::size_t people = 0;
  std::size_t images = 0;
  std::size_t failed_images = 0;
  double resolution = 0;  ///< No threshold is off by more.
  AllPairsFigures all;    ///< A pair with a photo without a face is a non-match.
  /// Without such photos; nothing if there are none, or no pair of either kind is left.
  std::optional<AllPairsFigures> without_failures;
  /// At the thresholds of `all`; a pair with a photo without a face is a non-match.
  std::optional<GroupReport> groups{};
  std::vector<FacePair> false_matches{};      ///< The impostor pairs that score highest.
  std::vector<FacePair> false_non_matches{};  ///< The genuine pairs that score lowest.
};

/// Intervals of more than a million impostor pairs are slightly simplified: a draw of people keeps
/// the shape of the 98 % lowest impostor scores for AUC's, and d′'s counts a pair of two people by
/// the sum, less one, of how often each was drawn, where the product is meant.
/// Memory: 12 bytes for each genuine pair and for two of a hundred impostor pairs (all, of less
/// than a million), besides the histograms of fixed size.
/// @param failed  the person on each photo without a usable face
/// @return kInvalidArgument if there are no pairs of one person or none of two people, or a score
/// is not a number; kModelMismatch for faces of different models.
[[nodiscard]] Result<AllPairsReport> compare_all(std::span<const LabelledFace> faces,
                                                 std::span<const std::string> failed,
                                                 const AllPairsOptions& options,
                                                 Executor& executor);

}  // namespace visavis::protocols
