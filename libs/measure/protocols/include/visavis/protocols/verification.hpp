#pragma once

/// 1:1 evaluation: embeddings of photos and a list of pairs in, figures out.

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/metrics/curves.hpp>
#include <visavis/metrics/verification.hpp>
#include <visavis/protocols/distribution.hpp>
#include <visavis/protocols/groups.hpp>
#include <visavis/protocols/pairs.hpp>
#include <visavis/protocols/rate.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::protocols {

/// What is known of every photo of a list. Nothing: no face was found, or it could not be read.
using Embeddings = std::map<std::string, std::optional<Embedding>, std::less<>>;

/// How two embeddings become a score.
struct ScoreRule {
  matching::ScoreKind kind = matching::ScoreKind::kCosine;
  double alpha = 0;  ///< For kQualityAware.
  double beta = 0;
};
[[nodiscard]] float score(const Embedding& a, const Embedding& b, const ScoreRule& rule) noexcept;

struct OperatingPoint {
  double far = 0;        ///< Asked for.
  double tar = 0;        ///< Share of genuine pairs accepted.
  double threshold = 0;  ///< On this list: a measurement, not a promise.
  std::optional<metrics::Interval> tar_interval{};
};

/// What a threshold that was found elsewhere does.
struct FixedThreshold {
  double threshold = 0;
  RateWithInterval accuracy{};
  RateWithInterval far{};
  RateWithInterval frr{};
};

struct VerificationFigures {
  std::size_t pairs = 0;
  std::size_t genuine = 0;
  std::size_t impostor = 0;
  /// Nothing for a list that is too small to fold. With a fixed threshold: one fold, judged by it.
  std::optional<metrics::FoldedAccuracy> accuracy{};
  /// Of the mean, the folds' thresholds held.
  std::optional<metrics::Interval> accuracy_interval{};
  std::optional<FixedThreshold> fixed{};  ///< If a threshold was given.
  double eer = 0;
  std::optional<metrics::Interval> eer_interval{};
  double auc = 0;
  std::optional<metrics::Interval> auc_interval{};
  std::optional<double> d_prime{};  ///< Nothing if a pair cannot be scored, or for one pair.
  std::optional<metrics::Interval> d_prime_interval{};
  /// FAR 1e-1 … 1e-6, as far as three false accepts are to be expected in the list.
  std::vector<OperatingPoint> points{};
  std::vector<metrics::ErrorRates> curve{};  ///< For plots.
  Distribution distribution{};
};

struct VerificationReport {
  std::string protocol;
  matching::ScoreKind score_kind = matching::ScoreKind::kCosine;
  VerificationFigures all;  ///< A pair with a photo without a face is a non-match.
  /// Without such pairs; nothing if no genuine or no impostor pair is left.
  std::optional<VerificationFigures> without_failures;
  std::size_t images = 0;
  std::size_t failed_images = 0;
  std::size_t repeated_pairs = 0;
  std::vector<JudgedPair> false_matches{};      ///< The impostor pairs that score highest.
  std::vector<JudgedPair> false_non_matches{};  ///< The genuine pairs that score lowest.
  /// At the thresholds of `all` and at the one that was given.
  std::optional<GroupReport> groups{};
};

struct VerificationOptions {
  ScoreRule rule{};
  /// Found elsewhere: accuracy is what it gives, without cross validation (LFW View 1).
  std::optional<double> threshold{};
  /// Of the bootstrap over people, by which all 95 % intervals are made; 0: none are. A person is
  /// a photo's folder if the list's pairs agree with that, else photos that are linked by pairs of
  /// one person.
  std::size_t replicates = 1000;
  Groups groups{};        ///< By the photos' folders, or by templates; empty: no rates by groups.
  std::size_t worst = 0;  ///< How many pairs of either kind are named.
};

/// @return kInvalidArgument if a photo of the list is not in `embeddings`, the list lacks genuine
/// or impostor pairs, a score is not a number, or there are groups and folders are not people, or
/// templates of one person are in two;
/// kModelMismatch for embeddings of different models or dimensions.
[[nodiscard]] Result<VerificationReport> verify_pairs(const PairList& list,
                                                      const Embeddings& embeddings,
                                                      const VerificationOptions& options = {});

/// The threshold with the most right decisions on a list, to judge another by. A pair with a photo
/// without a face is a non-match. @return as verify_pairs
[[nodiscard]] Result<double> best_threshold(const PairList& list, const Embeddings& embeddings,
                                            const ScoreRule& rule);

}  // namespace visavis::protocols
