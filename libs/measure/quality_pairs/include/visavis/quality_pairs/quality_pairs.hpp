#pragma once

/// Good photos against good ones, bad against good, bad against bad (Terhörst et al. and the
/// cross-quality protocols before them): how much recognition loses, and whether a quality score
/// knows it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/matching/likelihood.hpp>
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/metrics/curves.hpp>
#include <visavis/metrics/histogram.hpp>
#include <visavis/protocols/distribution.hpp>
#include <visavis/protocols/identification.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/quality.hpp>

namespace visavis::quality_pairs {

/// What was seen in a photo, as it is or made worse.
struct Look {
  std::string path;  ///< Of the photo: two looks at one photo are never compared.
  std::string person;
  std::optional<Embedding> embedding{};  ///< Nothing: no face was found.
  Quality quality{};
};

/// A pair of one person.
struct GenuinePair {
  std::uint32_t person = 0;
  std::uint32_t a = 0;  ///< Index in the first list, then in the second.
  std::uint32_t b = 0;
  float score = 0;  ///< −infinity if one of the two has no face.
};

/// How two looks with an embedding become a score: the larger, the more alike.
struct Scorer {
  std::function<float(const Look&, const Look&)> score;
  double low = -1;  ///< Impostors' scores are counted between these; what is outside, at the ends.
  double high = 1;
};
[[nodiscard]] Scorer scorer_of(const protocols::ScoreRule& rule);
/// `log_likelihood_ratio`, which also knows of the looks' quality.
[[nodiscard]] Scorer scorer_of(const matching::LikelihoodRatio& ratio);

/// Every look of one list with every look of another.
struct Pairs {
  std::size_t people = 0;  ///< Whom `GenuinePair::person` numbers.
  std::vector<GenuinePair> genuine;
  metrics::ScoreHistogram impostor{};
  std::size_t failed = 0;  ///< Pairs of both kinds in which one has no face: never accepted.
};

/// @param b  the same list as `a`: every pair counts once
/// @return kInvalidArgument if there are no pairs of one person or no pairs of two people;
/// kModelMismatch for embeddings of different models.
[[nodiscard]] Result<Pairs> all_pairs(std::span<const Look> a, std::span<const Look> b,
                                      const Scorer& scorer, Executor& executor);

/// Share of the pairs of one person that are accepted where `far` of the others are; the interval
/// is of other people, the threshold staying.
struct MatchPoint {
  double far = 0;
  double threshold = 0;  ///< On these pairs: a measurement, not a promise.
  protocols::RateWithInterval tar{};
};

/// For FAR 1e-1 … 1e-5, as far as thirty false accepts are to be expected.
[[nodiscard]] std::vector<MatchPoint> match_points(const Pairs& pairs,
                                                   const metrics::BootstrapOptions& options = {});

/// What plots show of pairs.
struct Curves {
  std::vector<metrics::ErrorRates> rates{};  ///< By falling thresholds, thinned.
  std::vector<metrics::PrecisionRecallPoint> precision_recall{};  ///< At the same thresholds.
  protocols::Distribution distribution{};
};
[[nodiscard]] Curves curves_of(const Pairs& pairs);

/// Area under the precision-recall curve, by the steps of the scores' histogram.
[[nodiscard]] double average_precision(const Pairs& pairs);

/// 1:N from the same looks: the gallery holds the first photo in `b` of everybody who has another
/// one in `a`; these others are searched for, and everybody else of `a` stands for strangers.
[[nodiscard]] Result<protocols::IdentificationReport> search(std::span<const Look> a,
                                                             std::span<const Look> b,
                                                             const protocols::ScoreRule& rule,
                                                             Executor& executor);

/// FNMR when the pairs whose worse photo is worst are refused.
struct RejectPoint {
  double share = 0;       ///< Of the pairs of one person.
  double by_quality = 0;  ///< By `Quality::score`.
  double by_norm = 0;     ///< By the embedding's norm alone.
  /// by_norm − by_quality, were other people drawn: above 0, the score foretells better.
  std::optional<metrics::Interval> gain{};
};

/// Error versus reject at the threshold of one FMR, among the pairs of which both have a face:
/// whoever rates a photo without one refuses it.
[[nodiscard]] std::vector<RejectPoint> reject(const Pairs& pairs, std::span<const Look> a,
                                              std::span<const Look> b, double fmr,
                                              std::span<const double> shares,
                                              const metrics::BootstrapOptions& options = {});

/// How much another score lowers FNMR at one FMR, among the pairs of which both have a face: no
/// score accepts the others.
struct Lowered {
  double fmr = 0;
  protocols::RateWithInterval before{};
  protocols::RateWithInterval after{};
  /// 1 − after/before and where it lies, were other people drawn; 0 if nothing was missed before.
  protocols::RateWithInterval share{};
};
/// @pre both of the same looks
[[nodiscard]] Lowered lowered(const Pairs& before, const Pairs& after, double fmr,
                              const metrics::BootstrapOptions& options = {});

}  // namespace visavis::quality_pairs
