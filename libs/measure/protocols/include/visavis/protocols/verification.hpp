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
#include <visavis/metrics/verification.hpp>
#include <visavis/protocols/pairs.hpp>
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
};

struct VerificationFigures {
  std::size_t pairs = 0;
  std::size_t genuine = 0;
  std::size_t impostor = 0;
  /// Nothing for a list that is too small to fold.
  std::optional<metrics::FoldedAccuracy> accuracy;
  double eer = 0;
  double auc = 0;
  /// FAR 1e-1 … 1e-4, as far as three false accepts are to be expected in the list.
  std::vector<OperatingPoint> points;
};

struct VerificationReport {
  std::string protocol;
  matching::ScoreKind score_kind = matching::ScoreKind::kCosine;
  VerificationFigures all;  ///< A pair with a photo without a face is a non-match.
  /// Without such pairs; nothing if no genuine or no impostor pair is left.
  std::optional<VerificationFigures> without_failures;
  std::size_t images = 0;
  std::size_t failed_images = 0;
};

/// @return kInvalidArgument if a photo of the list is not in `embeddings` or the list lacks genuine
/// or impostor pairs; kModelMismatch for embeddings of different models or dimensions.
[[nodiscard]] Result<VerificationReport> verify_pairs(const PairList& list,
                                                      const Embeddings& embeddings,
                                                      const ScoreRule& rule = {});

}  // namespace visavis::protocols
