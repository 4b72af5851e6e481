#include "visavis/protocols/all_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
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

/// Of each person's pairs with others. Whole numbers, so that it does not matter which thread adds
/// what.
class SumsByPerson {
 public:
  explicit SumsByPerson(std::size_t people) : sums_(people) {}

  void add(std::uint32_t a, std::uint32_t b, float score) {
    const auto sum = static_cast<std::int64_t>(score * kOne);
    const auto squares = static_cast<std::int64_t>(score * score * kOne);
    for (const std::uint32_t person : {a, b}) {
      ++sums_[person].pairs;
      sums_[person].sum += sum;
      sums_[person].squares += squares;
    }
  }
  void merge(const SumsByPerson& other) {
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      sums_[i].pairs += other.sums_[i].pairs;
      sums_[i].sum += other.sums_[i].sum;
      sums_[i].squares += other.sums_[i].squares;
    }
  }
  /// A pair counts as often as one of its people was drawn and the other too, less one: to the
  /// first order the product that is meant, which would take every pair of people to know.
  [[nodiscard]] WeightedSums in(metrics::Draw draw) const {
    WeightedSums all;
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      const double weight = static_cast<double>(draw[i]) - .5;
      all.weight += weight * static_cast<double>(sums_[i].pairs);
      all.sum += weight * static_cast<double>(sums_[i].sum) / kOne;
      all.squares += weight * static_cast<double>(sums_[i].squares) / kOne;
    }
    return all;
  }

 private:
  static constexpr float kOne = 0x1p30F;
  struct Sums {
    std::int64_t pairs = 0;
    std::int64_t sum = 0;
    std::int64_t squares = 0;
  };
  std::vector<Sums> sums_;
};

struct Compared {
  Compared(std::size_t people, std::size_t worst)
      : sums(people), false_matches(worst, -1), false_non_matches(worst, 1) {}

  std::vector<ScoredPair> genuine{};
  metrics::ScoreHistogram impostor{-1, 1, kBins};
  SumsByPerson sums;  ///< Of impostors.
  Worst false_matches;
  Worst false_non_matches;
  bool is_number = true;
};

Compared compare(std::span<const LabelledFace> faces, const Crowd& crowd,
                 const AllPairsOptions& options, Executor& executor) {
  std::vector<Compared> parts(static_cast<std::size_t>(executor.concurrency()),
                              Compared(crowd.people(), options.worst));
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
                     part.sums.add(own, crowd.person[j], scores[j]);
                     part.false_matches.see(pair);
                   }
                 }
                 part.impostor.add(impostor);
               });
  for (const Compared& part : std::span(parts).subspan(1)) {
    parts[0].genuine.insert(parts[0].genuine.end(), part.genuine.begin(), part.genuine.end());
    parts[0].impostor.merge(part.impostor);
    parts[0].sums.merge(part.sums);
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

/// Each score is off by half a bin at most.
metrics::Moments moments_of(const metrics::ScoreHistogram& scores) {
  const auto count = static_cast<double>(scores.count());
  metrics::Moments moments;
  scores.for_each_bin(
      [&](double s, std::uint64_t n) { moments.mean += s * static_cast<double>(n) / count; });
  scores.for_each_bin([&](double s, std::uint64_t n) {
    moments.variance += (s - moments.mean) * (s - moments.mean) * static_cast<double>(n) / count;
  });
  return moments;
}

/// Pairs of two people in a draw, for so many photos of each.
double impostor_weight(std::span<const std::uint32_t> photos, metrics::Draw draw) {
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    const double own = static_cast<double>(draw[i]) * photos[i];
    sum += own;
    squares += own * own;
  }
  return (sum * sum - squares) / 2;
}

/// The impostors that are not among the best ones.
class Others {
 public:
  /// @param best  how many
  Others(const metrics::ScoreHistogram& impostor, std::size_t best)
      : width_(impostor.resolution()), all_(static_cast<double>(impostor.count())) {
    std::uint64_t below = 0;
    impostor.for_each_bin([&](double middle, std::uint64_t n) {
      below += n;
      bins_.emplace_back(middle + width_ / 2, below);
    });
    never_ = all_ - static_cast<double>(below);
    best_ = static_cast<double>(best);
  }
  [[nodiscard]] bool are_none() const noexcept { return best_ == all_; }
  /// Of them, the share above a score, with half of its equals. @pre there are some
  [[nodiscard]] double share_above(float score) const {
    const auto next =
        std::ranges::upper_bound(bins_, score, {}, [](const auto& bin) { return bin.first; });
    const auto under = next == bins_.begin() ? 0.0 : static_cast<double>(std::prev(next)->second);
    const bool is_inside = next != bins_.end() && score >= next->first - width_;
    const double equal = is_inside ? static_cast<double>(next->second) - under : 0;
    const double lower = score > -INFINITY ? never_ + under + equal / 2 : never_ / 2;
    return std::clamp((all_ - lower - best_) / (all_ - best_), 0.0, 1.0);
  }

 private:
  std::vector<std::pair<double, std::uint64_t>> bins_;  ///< Upper edges, and what is below them.
  double width_;
  double all_;
  double never_ = 0;  ///< Those of photos without a face.
  double best_ = 0;
};

/// Everything that figures are made of: once with the photos that failed, once without.
struct Material {
  std::vector<ScoredPair> genuine;  ///< By rising score.
  metrics::ScoreHistogram impostor;
  std::vector<ScoredPair> best;       ///< Impostors.
  SumsByPerson sums;                  ///< Of impostors that have a score.
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

/// What is not among the material's best impostors. Lives no longer than both.
LeftOut left_out_of(const Material& material, const Others& others) {
  if (others.are_none()) return {};
  std::function<WeightedSums(metrics::Draw)> sums;
  if (material.is_complete) sums = [&](metrics::Draw draw) { return material.sums.in(draw); };
  return {
      .weight_of_all = [&](metrics::Draw draw) { return impostor_weight(material.photos, draw); },
      .sums_of_all = std::move(sums),
      .share_above = [&](float score) { return others.share_above(score); }};
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
  if (material.is_complete && genuine.size() > 1)
    figures.d_prime = metrics::d_prime(metrics::moments(genuine), moments_of(impostor));
  figures.curve = metrics::thinned(metrics::error_rates(genuine, impostor));
  figures.distribution = distribution_of(genuine, impostor);
  const auto people = static_cast<double>(std::ranges::count_if(material.photos, std::identity{}));
  for (const double far : options.fars) {
    if (far * people * (people - 1) / 2 < kMinExpected) break;
    const double threshold = impostor.threshold_at_far(far);
    figures.points.push_back(
        {.far = far, .tar = metrics::accepted_share(genuine, threshold), .threshold = threshold});
  }
  const Others others(impostor, material.best.size());
  const ResampledPairs resampled(material.photos.size(), material.genuine, material.best,
                                 left_out_of(material, others));
  const std::size_t rates = figures.points.size();
  executor.parallel_for(rates + 3, [&](std::size_t k, int) {
    if (k < rates)
      figures.points[k].tar_interval =
          resampled.tar_at_far(figures.points[k].far, options.replicates);
    else if (k == rates)
      figures.eer_interval = resampled.equal_error_rate(options.replicates);
    else if (k == rates + 1)
      figures.auc_interval = resampled.area_under_curve(options.replicates);
    else if (figures.d_prime)
      figures.d_prime_interval = resampled.d_prime(options.replicates);
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
                    .sums = std::move(compared.sums),
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
