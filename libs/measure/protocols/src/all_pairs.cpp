#include "visavis/protocols/all_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "crowd.hpp"
#include "group_rates.hpp"
#include "resampled.hpp"
#include "visavis/core/executor.hpp"
#include "visavis/core/result.hpp"
#include "visavis/metrics/bootstrap.hpp"
#include "visavis/metrics/curves.hpp"
#include "visavis/metrics/histogram.hpp"
#include "visavis/protocols/calibrate.hpp"
#include "visavis/protocols/verification.hpp"

namespace visavis::protocols {
namespace {

constexpr std::size_t kBins = std::size_t{1} << 21U;  // of scores from −1 to 1: 1e-6 each
constexpr double kMinExpected = 3;
/// The best impostors are kept with their people: what a threshold may move to in another draw.
constexpr double kKept = .02;
constexpr std::uint64_t kFew = 1'000'000;  // of which all are kept
constexpr float kNever = -std::numeric_limits<float>::infinity();

/// Those of many pairs that are furthest to one end.
class Worst {
 public:
  /// @param sign  1: the lowest scores are wanted; −1: the highest
  Worst(std::size_t count, double sign) : count_(count), sign_(sign) {}

  void see(const FacePair& pair) {
    if (count_ == 0 || (pairs_.size() == count_ && rank(pair) >= rank(pairs_.front()))) return;
    if (pairs_.size() == count_) {
      std::ranges::pop_heap(pairs_, {}, [this](const FacePair& one) { return rank(one); });
      pairs_.pop_back();
    }
    pairs_.push_back(pair);
    std::ranges::push_heap(pairs_, {}, [this](const FacePair& one) { return rank(one); });
  }
  void merge(const Worst& other) {
    for (const FacePair& pair : other.pairs_) see(pair);
  }
  [[nodiscard]] std::vector<FacePair> take() && {
    std::ranges::sort(pairs_, {}, [this](const FacePair& one) { return rank(one); });
    return std::move(pairs_);
  }

 private:
  /// Ties are broken, so that it does not matter which thread saw what.
  [[nodiscard]] std::tuple<double, std::size_t, std::size_t> rank(const FacePair& pair) const {
    return {sign_ * pair.score, pair.a, pair.b};
  }
  std::size_t count_;
  double sign_;
  std::vector<FacePair> pairs_;  ///< A heap, the least wanted first.
};

struct Compared {
  explicit Compared(std::size_t worst) : false_matches(worst, -1), false_non_matches(worst, 1) {}

  std::vector<ScoredPair> genuine{};
  metrics::ScoreHistogram impostor{-1, 1, kBins};
  Worst false_matches;
  Worst false_non_matches;
  bool is_number = true;
};

Compared compare(std::span<const LabelledFace> faces, const Crowd& crowd,
                 const AllPairsOptions& options, Executor& executor) {
  std::vector<Compared> parts(static_cast<std::size_t>(executor.concurrency()),
                              Compared(options.worst));
  for_each_row(faces, false, options.rule, executor,
               [&](std::size_t i, std::span<const float> scores, std::size_t worker) {
                 Compared& part = parts[worker];
                 const std::uint32_t own = crowd.person[i];
                 std::vector<float> impostor;
                 impostor.reserve(scores.size());
                 for (std::size_t j = 0; j < scores.size(); ++j) {
                   const FacePair pair{.a = j, .b = i, .score = scores[j]};
                   if (std::isnan(scores[j])) {
                     part.is_number = false;
                   } else if (crowd.person[j] == own) {
                     part.genuine.push_back({.score = scores[j], .a = own, .b = own});
                     part.false_non_matches.see(pair);
                   } else {
                     impostor.push_back(scores[j]);
                     part.false_matches.see(pair);
                   }
                 }
                 part.impostor.add(impostor);
               });
  for (const Compared& part : std::span(parts).subspan(1)) {
    parts[0].genuine.insert(parts[0].genuine.end(), part.genuine.begin(), part.genuine.end());
    parts[0].impostor.merge(part.impostor);
    parts[0].false_matches.merge(part.false_matches);
    parts[0].false_non_matches.merge(part.false_non_matches);
    parts[0].is_number = parts[0].is_number && part.is_number;
  }
  // Whichever thread found them.
  std::ranges::sort(parts[0].genuine, {},
                    [](const ScoredPair& p) { return std::pair(p.score, p.a); });
  return std::move(parts[0]);
}

std::vector<float> scores_of(std::span<const ScoredPair> pairs) {
  std::vector<float> scores;
  scores.reserve(pairs.size());
  for (const ScoredPair& pair : pairs) scores.push_back(pair.score);
  return scores;
}

/// As metrics::d_prime; of the impostors, each score is off by half a bin at most.
double d_prime(std::span<const float> genuine, const metrics::ScoreHistogram& impostor) {
  const auto own_count = static_cast<double>(genuine.size());
  const auto count = static_cast<double>(impostor.count());
  double own_mean = 0;
  double mean = 0;
  for (const float s : genuine) own_mean += s / own_count;
  impostor.for_each_bin(
      [&](double s, std::uint64_t n) { mean += s * static_cast<double>(n) / count; });
  double variances = 0;
  for (const float s : genuine) variances += (s - own_mean) * (s - own_mean) / own_count;
  impostor.for_each_bin([&](double s, std::uint64_t n) {
    variances += (s - mean) * (s - mean) * static_cast<double>(n) / count;
  });
  return std::abs(own_mean - mean) / std::sqrt(variances / 2);
}

/// One point for each bin that holds impostors, from the highest threshold down.
/// @param genuine  by rising score
std::vector<metrics::ErrorRates> curve_of(std::span<const float> genuine,
                                          const metrics::ScoreHistogram& impostor) {
  std::vector<std::pair<double, std::uint64_t>> bins;
  impostor.for_each_bin([&](double middle, std::uint64_t n) {
    bins.emplace_back(middle - impostor.resolution() / 2, n);
  });
  std::vector<metrics::ErrorRates> curve{{.threshold = INFINITY, .fmr = 0, .fnmr = 1}};
  std::uint64_t accepted = 0;
  for (const auto& [edge, n] : std::views::reverse(bins)) {
    accepted += n;
    const auto missed = std::ranges::lower_bound(genuine, edge) - genuine.begin();
    curve.push_back({.threshold = edge,
                     .fmr = static_cast<double>(accepted) / static_cast<double>(impostor.count()),
                     .fnmr = static_cast<double>(missed) / static_cast<double>(genuine.size())});
  }
  return metrics::thinned(curve);
}

Distribution distribution_of(std::span<const float> genuine,
                             const metrics::ScoreHistogram& impostor) {
  Distribution distribution;
  for (const float s : genuine)
    if (std::isfinite(s)) ++distribution.genuine[Distribution::bin_of(s)];
  impostor.for_each_bin([&](double middle, std::uint64_t n) {
    distribution.impostor[Distribution::bin_of(middle)] += n;
  });
  return distribution;
}

/// Pairs of two people in a draw, for so many photos of each.
std::function<double(metrics::Draw)> impostor_weight(std::vector<std::uint32_t> photos) {
  return [photos = std::move(photos)](metrics::Draw draw) {
    double sum = 0;
    double squares = 0;
    for (std::size_t i = 0; i < photos.size(); ++i) {
      const double own = static_cast<double>(draw[i]) * photos[i];
      sum += own;
      squares += own * own;
    }
    return (sum * sum - squares) / 2;
  };
}

/// Everything that figures are made of: once with the photos that failed, once without.
struct Material {
  std::vector<ScoredPair> genuine;  ///< By rising score.
  metrics::ScoreHistogram impostor;
  std::vector<ScoredPair> best;       ///< Impostors.
  std::vector<std::uint32_t> photos;  ///< Of each person.
  bool is_complete = true;            ///< Every pair has a score.
};

/// Adds pairs that are never accepted: those of photos without a face.
Material with_failures(Material material, std::vector<std::uint32_t> photos) {
  std::uint64_t impostors = 0;
  std::uint64_t before = 0;
  for (std::uint32_t person = 0; person < photos.size(); ++person) {
    const auto pairs_of = [](std::uint64_t n) { return n * (n - 1) / 2; };
    const std::uint64_t n = photos[person];
    const std::uint64_t lost =
        pairs_of(n) - (person < material.photos.size() && material.photos[person] > 0
                           ? pairs_of(material.photos[person])
                           : 0);
    material.genuine.insert(material.genuine.begin(), lost,
                            {.score = kNever, .a = person, .b = person});
    impostors += before * n;
    before += n;
  }
  std::uint64_t missing = impostors - material.impostor.count();
  const std::vector<float> never(std::min<std::uint64_t>(missing, 1U << 16U), kNever);
  for (; missing > 0; missing -= std::min<std::uint64_t>(missing, never.size()))
    material.impostor.add(std::span(never).first(std::min<std::uint64_t>(missing, never.size())));
  material.photos = std::move(photos);
  material.is_complete = false;
  return material;
}

GroupReport by_groups(const AllPairsFigures& figures, const Material& material,
                      std::span<const std::string> people, const AllPairsOptions& options,
                      Executor& executor) {
  const GroupIndex index(options.groups, people);
  GroupReport report{.ungrouped_people = index.ungrouped(),
                     .points = std::vector<GroupPoint>(figures.points.size())};
  const GroupedPairs pairs{
      .genuine = material.genuine, .impostor = material.best, .photos = material.photos};
  executor.parallel_for(report.points.size(), [&](std::size_t k, int) {
    const OperatingPoint& point = figures.points[k];
    report.points[k] = {.far = point.far,
                        .threshold = point.threshold,
                        .groups = rates_at(point.threshold, pairs, index, options.replicates)};
  });
  return report;
}

/// Nothing if a kind is missing.
std::optional<AllPairsFigures> figures(const Material& material, const AllPairsOptions& options,
                                       Executor& executor) {
  if (material.genuine.empty() || material.impostor.count() == 0) return std::nullopt;
  const std::vector<float> genuine = scores_of(material.genuine);
  const metrics::ScoreHistogram& impostor = material.impostor;
  metrics::ScoreHistogram matches(-1, 1, kBins);
  matches.add(genuine);
  AllPairsFigures figures{.genuine = genuine.size(),
                          .impostor = impostor.count(),
                          .eer = metrics::ScoreHistogram::equal_error_rate(matches, impostor),
                          .auc = metrics::ScoreHistogram::area_under_curve(matches, impostor)};
  if (material.is_complete && genuine.size() > 1) figures.d_prime = d_prime(genuine, impostor);
  figures.curve = curve_of(genuine, impostor);
  figures.distribution = distribution_of(genuine, impostor);
  const auto people = static_cast<double>(std::ranges::count_if(material.photos, std::identity{}));
  for (const double far : options.fars) {
    if (far * people * (people - 1) / 2 < kMinExpected) break;
    const double threshold = impostor.threshold_at_far(far);
    figures.points.push_back(
        {.far = far, .tar = metrics::accepted_share(genuine, threshold), .threshold = threshold});
  }
  const ResampledPairs resampled(material.photos.size(), material.genuine, material.best,
                                 impostor_weight(material.photos));
  executor.parallel_for(figures.points.size() + 1, [&](std::size_t k, int) {
    if (k == 0)
      figures.eer_interval = resampled.equal_error_rate(options.replicates);
    else
      figures.points[k - 1].tar_interval =
          resampled.tar_at_far(figures.points[k - 1].far, options.replicates);
  });
  return figures;
}

}  // namespace

Result<AllPairsReport> compare_all(std::span<const LabelledFace> faces,
                                   std::span<const std::string> failed,
                                   const AllPairsOptions& options, Executor& executor) {
  VISAVIS_CHECK(check_models(faces));
  const Crowd crowd = crowd_of(faces);
  std::map<std::string_view, std::uint32_t> numbers;
  for (std::size_t i = 0; i < faces.size(); ++i)
    numbers.try_emplace(faces[i].person, crowd.person[i]);
  std::vector<std::uint32_t> photos = crowd.faces;
  for (const std::string& person : failed) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    const std::uint32_t number = numbers.try_emplace(person, next).first->second;
    if (number == photos.size()) photos.push_back(0);
    ++photos[number];
  }
  Compared compared = compare(faces, crowd, options, executor);
  if (!compared.is_number)
    return fail(ErrorCode::kInvalidArgument, "the score of a pair is not a number");
  Material material{.genuine = std::move(compared.genuine),
                    .impostor = std::move(compared.impostor),
                    .best = {},
                    .photos = crowd.faces};
  if (const std::uint64_t count = material.impostor.count(); count > 0)
    material.best = impostors_from(
        faces, crowd, count < kFew ? -HUGE_VAL : material.impostor.threshold_at_far(kKept),
        options.rule, executor);
  AllPairsReport report{.score_kind = options.rule.kind,
                        .people = photos.size(),
                        .images = faces.size() + failed.size(),
                        .failed_images = failed.size(),
                        .resolution = material.impostor.resolution(),
                        .all = {},
                        .without_failures = std::nullopt};
  if (!failed.empty()) {
    report.without_failures = figures(material, options, executor);
    material = with_failures(std::move(material), std::move(photos));
  }
  auto all = figures(material, options, executor);
  if (!all)
    return fail(ErrorCode::kInvalidArgument,
                "the photos need to show somebody twice, and two people");
  report.all = *std::move(all);
  report.false_matches = std::move(compared.false_matches).take();
  report.false_non_matches = std::move(compared.false_non_matches).take();
  if (!options.groups.empty()) {
    std::vector<std::string> people(numbers.size());
    for (const auto& [name, number] : numbers) people[number] = name;
    report.groups = by_groups(report.all, material, people, options, executor);
  }
  return report;
}

}  // namespace visavis::protocols
