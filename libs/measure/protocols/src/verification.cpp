#include "visavis/protocols/verification.hpp"

#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "found.hpp"
#include "visavis/core/result.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/metrics/verification.hpp"
#include "visavis/protocols/pairs.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::protocols {
namespace {

constexpr float kNeverAccepted = -std::numeric_limits<float>::infinity();
constexpr std::array kFars{1e-1, 1e-2, 1e-3, 1e-4};
constexpr double kMinExpected = 3;  // fewer than three false accepts make no rate

/// Scores by kind and fold.
struct Scored {
  std::vector<std::vector<float>> genuine;
  std::vector<std::vector<float>> impostor;
};

std::vector<float> joined(const std::vector<std::vector<float>>& parts) {
  std::vector<float> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// One score a pair; nothing where a photo failed.
Result<std::vector<std::optional<float>>> score_pairs(const PairList& list,
                                                      const Embeddings& embeddings,
                                                      const ScoreRule& rule) {
  std::vector<std::optional<float>> scores;
  scores.reserve(list.pairs.size());
  for (const Pair& pair : list.pairs) {
    VISAVIS_TRY(a, find_embedding(embeddings, pair.a));
    VISAVIS_TRY(b, find_embedding(embeddings, pair.b));
    if (a == nullptr || b == nullptr) {
      scores.emplace_back();
      continue;
    }
    if (a->model != b->model || a->values.size() != b->values.size())
      return fail(ErrorCode::kModelMismatch, "the photos were embedded by different models");
    scores.emplace_back(score(*a, *b, rule));
  }
  return scores;
}

Scored by_kind(const PairList& list, std::span<const std::optional<float>> scores,
               bool with_failures) {
  const std::size_t folds = list.folds == 0 ? 1 : list.folds;
  Scored scored{.genuine = std::vector<std::vector<float>>(folds),
                .impostor = std::vector<std::vector<float>>(folds)};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!scores[i] && !with_failures) continue;
    const Pair& pair = list.pairs[i];
    auto& kind = pair.same ? scored.genuine : scored.impostor;
    kind[pair.fold].push_back(scores[i].value_or(kNeverAccepted));
  }
  return scored;
}

std::optional<metrics::FoldedAccuracy> accuracy(const Scored& scored) {
  std::vector<metrics::Scores> folds;
  for (std::size_t k = 0; k < scored.genuine.size(); ++k) {
    if (scored.genuine[k].empty() || scored.impostor[k].empty()) return std::nullopt;
    folds.push_back({.genuine = scored.genuine[k], .impostor = scored.impostor[k]});
  }
  if (folds.size() < 2) return std::nullopt;
  return metrics::folded_accuracy(folds);
}

/// Nothing if a kind is missing.
std::optional<VerificationFigures> figures(const Scored& scored) {
  const std::vector<float> genuine = joined(scored.genuine);
  const std::vector<float> impostor = joined(scored.impostor);
  if (genuine.empty() || impostor.empty()) return std::nullopt;
  const metrics::Scores scores{.genuine = genuine, .impostor = impostor};
  VerificationFigures figures{.pairs = genuine.size() + impostor.size(),
                              .genuine = genuine.size(),
                              .impostor = impostor.size(),
                              .accuracy = accuracy(scored),
                              .eer = metrics::equal_error_rate(scores),
                              .auc = metrics::area_under_curve(scores),
                              .points = {}};
  for (const double far : kFars) {
    if (far * static_cast<double>(impostor.size()) < kMinExpected) break;
    const double threshold = metrics::threshold_at_far(impostor, far);
    figures.points.push_back(
        {.far = far, .tar = metrics::accepted_share(genuine, threshold), .threshold = threshold});
  }
  return figures;
}

std::size_t count_failures(const std::vector<std::string>& images, const Embeddings& embeddings) {
  std::size_t failed = 0;
  for (const std::string& image : images) {
    const auto it = embeddings.find(image);
    if (it == embeddings.end() || !it->second) ++failed;
  }
  return failed;
}

}  // namespace

float score(const Embedding& a, const Embedding& b, const ScoreRule& rule) noexcept {
  const float similarity = matching::similarity(a.values, b.values);
  if (rule.kind == matching::ScoreKind::kCosine) return similarity;
  return matching::quality_aware_score(similarity, a.norm, b.norm, rule.alpha, rule.beta);
}

Result<VerificationReport> verify_pairs(const PairList& list, const Embeddings& embeddings,
                                        const ScoreRule& rule) {
  VISAVIS_TRY(scores, score_pairs(list, embeddings, rule));
  const auto all = figures(by_kind(list, scores, true));
  if (!all)
    return fail(ErrorCode::kInvalidArgument,
                "the list needs pairs of one person and pairs of two people");
  const std::vector<std::string> images = images_of(list);
  return VerificationReport{.protocol = list.protocol,
                            .score_kind = rule.kind,
                            .all = *all,
                            .without_failures = figures(by_kind(list, scores, false)),
                            .images = images.size(),
                            .failed_images = count_failures(images, embeddings)};
}

}  // namespace visavis::protocols
