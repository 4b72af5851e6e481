#include "visavis/protocols/verification.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "found.hpp"
#include "group_rates.hpp"
#include "pair_people.hpp"
#include "resampled.hpp"
#include "visavis/core/result.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/metrics/bootstrap.hpp"
#include "visavis/metrics/curves.hpp"
#include "visavis/metrics/verification.hpp"
#include "visavis/protocols/pairs.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::protocols {
namespace {

constexpr float kNeverAccepted = -std::numeric_limits<float>::infinity();
constexpr std::array kFars{1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
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
    if (std::isnan(*scores.back()))
      return fail(ErrorCode::kInvalidArgument, "the score of a pair is not a number");
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

/// The pairs that are judged, with the people on them.
struct Judged {
  const PairList& list;
  std::span<const std::optional<float>> scores;
  const PairPeople& people;
  bool with_failures = true;

  /// Applies `work(pair index, score)`.
  template <class Work>
  void for_each(Work work) const {
    for (std::size_t i = 0; i < scores.size(); ++i)
      if (scores[i] || with_failures) work(i, scores[i].value_or(kNeverAccepted));
  }
  /// How often `is_error(pair, score)` is true of the pairs that `counts(pair)`, with its interval.
  template <class Counts, class IsError>
  [[nodiscard]] RateWithInterval rate(std::size_t replicates, Counts counts,
                                      IsError is_error) const {
    std::vector<metrics::PairTrials> trials;
    std::uint64_t errors = 0;
    for_each([&](std::size_t i, float score) {
      if (!counts(list.pairs[i])) return;
      const std::uint64_t error = is_error(list.pairs[i], score) ? 1 : 0;
      errors += error;
      trials.push_back({.a = people.a[i], .b = people.b[i], .errors = error, .trials = 1});
    });
    RateWithInterval rate{.value =
                              static_cast<double>(errors) / static_cast<double>(trials.size())};
    if (people.count >= kFewestPeople && replicates > 0)
      rate.interval = metrics::bootstrap_people(
          people.count, [&](metrics::Draw draw) { return metrics::error_share(trials, draw); },
          {.replicates = replicates});
    return rate;
  }
};

RateWithInterval opposite(const RateWithInterval& rate) {
  RateWithInterval result{.value = 1 - rate.value};
  if (rate.interval)
    result.interval = {.low = 1 - rate.interval->high, .high = 1 - rate.interval->low};
  return result;
}

FixedThreshold judge_by(double threshold, const Judged& judged, std::size_t replicates) {
  const auto any = [](const Pair&) { return true; };
  const auto same = [](const Pair& pair) { return pair.same; };
  const auto accepted = [&](const Pair&, float score) { return score >= threshold; };
  const auto is_wrong = [&](const Pair& pair, float score) {
    return (score >= threshold) != pair.same;
  };
  return {.threshold = threshold,
          .accuracy = opposite(judged.rate(replicates, any, is_wrong)),
          .far = judged.rate(replicates, std::not_fn(same), accepted),
          .frr = judged.rate(replicates, same, std::not_fn(accepted))};
}

/// Of the folded accuracy, with the folds' own thresholds.
std::optional<metrics::Interval> accuracy_interval(const metrics::FoldedAccuracy& accuracy,
                                                   const Judged& judged, std::size_t replicates) {
  const auto any = [](const Pair&) { return true; };
  const auto is_wrong = [&](const Pair& pair, float score) {
    return (score >= accuracy.thresholds[pair.fold]) != pair.same;
  };
  return opposite(judged.rate(replicates, any, is_wrong)).interval;
}

/// Of one kind, with the people on them.
std::vector<ScoredPair> scored_pairs(const Judged& judged, bool same) {
  std::vector<ScoredPair> pairs;
  judged.for_each([&](std::size_t i, float score) {
    if (judged.list.pairs[i].same == same)
      pairs.push_back({.score = score, .a = judged.people.a[i], .b = judged.people.b[i]});
  });
  return pairs;
}

/// Templates lie in no folder: a person is called like one of his templates that has a group.
Result<std::vector<std::string>> names_by_templates(const PairList& list, const PairPeople& people,
                                                    const Groups& groups) {
  std::vector<std::string> names(people.count);
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    const Pair& pair = list.pairs[i];
    for (const auto& [name, person] :
         {std::pair(pair.a, people.a[i]), std::pair(pair.b, people.b[i])}) {
      const std::string* group = group_of(groups, name);
      if (group == nullptr) continue;
      if (names[person].empty()) names[person] = name;
      if (*group_of(groups, names[person]) != *group)
        return fail(ErrorCode::kInvalidArgument, "templates of one person are in different groups");
    }
  }
  return names;
}

/// @return an error where nothing says who is in which group
Result<std::vector<std::string>> group_names(const PairList& list, const PairPeople& people,
                                             const Groups& groups) {
  if (!people.names.empty()) return people.names;
  if (list.protocol == kTemplates) return names_by_templates(list, people, groups);
  return fail(ErrorCode::kInvalidArgument,
              "groups need photos in a folder for each person, and a list that agrees with that");
}

GroupReport by_groups(const VerificationFigures& figures, const Judged& judged,
                      std::span<const std::string> names, const VerificationOptions& options) {
  const GroupIndex index(options.groups, names);
  const std::vector<ScoredPair> genuine = scored_pairs(judged, true);
  const std::vector<ScoredPair> impostor = scored_pairs(judged, false);
  GroupReport report{.ungrouped_people = index.ungrouped()};
  const auto add = [&](std::optional<double> far, double threshold) {
    report.points.push_back(
        {.far = far,
         .threshold = threshold,
         .groups = rates_at(threshold, {.genuine = genuine, .impostor = impostor}, index,
                            options.replicates)});
  };
  if (options.threshold) add(std::nullopt, *options.threshold);
  for (const OperatingPoint& point : figures.points) add(point.far, point.threshold);
  return report;
}

Distribution distribution_of(const metrics::Scores& scores) {
  Distribution distribution;
  const auto count = [](std::span<const float> some, std::vector<std::uint64_t>& bins) {
    for (const float s : some)
      if (std::isfinite(s)) ++bins[Distribution::bin_of(s)];
  };
  count(scores.genuine, distribution.genuine);
  count(scores.impostor, distribution.impostor);
  return distribution;
}

/// The pairs of one kind that were nearest to being judged wrongly, or were.
std::vector<JudgedPair> worst_of(const Judged& judged, bool same, std::size_t count) {
  std::vector<JudgedPair> pairs;
  judged.for_each([&](std::size_t i, float score) {
    const Pair& pair = judged.list.pairs[i];
    if (pair.same == same && std::isfinite(score))
      pairs.push_back({.a = pair.a, .b = pair.b, .score = score});
  });
  std::ranges::stable_sort(
      pairs, {}, [same](const JudgedPair& pair) { return same ? pair.score : -pair.score; });
  if (pairs.size() > count) pairs.resize(count);
  return pairs;
}

void add_points(const metrics::Scores& scores, const ResampledPairs& resampled,
                std::size_t replicates, VerificationFigures& figures) {
  for (const double far : kFars) {
    if (far * static_cast<double>(scores.impostor.size()) < kMinExpected) break;
    const double threshold = metrics::threshold_at_far(scores.impostor, far);
    figures.points.push_back({.far = far,
                              .tar = metrics::accepted_share(scores.genuine, threshold),
                              .threshold = threshold,
                              .tar_interval = resampled.tar_at_far(far, replicates)});
  }
}

/// Nothing if a kind is missing.
std::optional<VerificationFigures> figures(const Judged& judged,
                                           const VerificationOptions& options) {
  const Scored scored = by_kind(judged.list, judged.scores, judged.with_failures);
  const std::vector<float> genuine = joined(scored.genuine);
  const std::vector<float> impostor = joined(scored.impostor);
  if (genuine.empty() || impostor.empty()) return std::nullopt;
  const metrics::Scores scores{.genuine = genuine, .impostor = impostor};
  const ResampledPairs resampled(judged.people.count, scored_pairs(judged, true),
                                 scored_pairs(judged, false));
  VerificationFigures figures{.pairs = genuine.size() + impostor.size(),
                              .genuine = genuine.size(),
                              .impostor = impostor.size(),
                              .accuracy = accuracy(scored),
                              .accuracy_interval = std::nullopt,
                              .fixed = std::nullopt,
                              .eer = metrics::equal_error_rate(scores),
                              .eer_interval = resampled.equal_error_rate(options.replicates),
                              .auc = metrics::area_under_curve(scores),
                              .auc_interval = resampled.area_under_curve(options.replicates),
                              .d_prime = std::nullopt,
                              .d_prime_interval = std::nullopt,
                              .points = {},
                              .curve = metrics::thinned(metrics::error_rates(scores)),
                              .distribution = distribution_of(scores)};
  const auto is_finite = [](float s) { return std::isfinite(s); };
  if (std::ranges::all_of(genuine, is_finite) && std::ranges::all_of(impostor, is_finite) &&
      figures.pairs > 2) {
    figures.d_prime = metrics::d_prime(scores);
    figures.d_prime_interval = resampled.d_prime(options.replicates);
  }
  if (options.threshold) {
    figures.fixed = judge_by(*options.threshold, judged, options.replicates);
    const RateWithInterval& right = figures.fixed->accuracy;
    figures.accuracy = {
        .mean = right.value, .std = 0, .folds = {right.value}, .thresholds = {*options.threshold}};
    figures.accuracy_interval = right.interval;
  } else if (figures.accuracy) {
    figures.accuracy_interval = accuracy_interval(*figures.accuracy, judged, options.replicates);
  }
  add_points(scores, resampled, options.replicates, figures);
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
                                        const VerificationOptions& options) {
  VISAVIS_TRY(scores, score_pairs(list, embeddings, options.rule));
  const PairPeople people = people_of(list);
  std::vector<std::string> names;
  if (!options.groups.empty()) {
    VISAVIS_TRY(found, group_names(list, people, options.groups));
    names = std::move(found);
  }
  const Judged judged{.list = list, .scores = scores, .people = people};
  const auto all = figures(judged, options);
  if (!all)
    return fail(ErrorCode::kInvalidArgument,
                "the list needs pairs of one person and pairs of two people");
  const std::vector<std::string> images = images_of(list);
  VerificationReport report{.protocol = list.protocol,
                            .score_kind = options.rule.kind,
                            .all = *all,
                            .without_failures = all,
                            .images = images.size(),
                            .failed_images = count_failures(images, embeddings),
                            .repeated_pairs = list.repeated,
                            .false_matches = worst_of(judged, false, options.worst),
                            .false_non_matches = worst_of(judged, true, options.worst)};
  if (report.failed_images > 0)
    report.without_failures = figures(
        {.list = list, .scores = scores, .people = people, .with_failures = false}, options);
  if (!options.groups.empty()) report.groups = by_groups(report.all, judged, names, options);
  return report;
}

Result<double> best_threshold(const PairList& list, const Embeddings& embeddings,
                              const ScoreRule& rule) {
  VISAVIS_TRY(scores, score_pairs(list, embeddings, rule));
  const Scored scored = by_kind(list, scores, true);
  const std::vector<float> genuine = joined(scored.genuine);
  const std::vector<float> impostor = joined(scored.impostor);
  if (genuine.empty() || impostor.empty())
    return fail(ErrorCode::kInvalidArgument,
                "the list needs pairs of one person and pairs of two people");
  return metrics::best_threshold({.genuine = genuine, .impostor = impostor});
}

}  // namespace visavis::protocols
