#include "visavis/quality_pairs/quality_pairs.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "visavis/core/executor.hpp"
#include "visavis/core/result.hpp"
#include "visavis/matching/likelihood.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/metrics/bootstrap.hpp"
#include "visavis/metrics/curves.hpp"
#include "visavis/metrics/histogram.hpp"
#include "visavis/protocols/distribution.hpp"
#include "visavis/protocols/identification.hpp"
#include "visavis/protocols/verification.hpp"
#include "visavis/vocab/embedding.hpp"
#include "visavis/vocab/quality.hpp"

namespace visavis::quality_pairs {
namespace {

constexpr float kNeverAccepted = -std::numeric_limits<float>::infinity();
constexpr std::array kFars{1e-1, 1e-2, 1e-3, 1e-4, 1e-5};
constexpr double kMinExpected = 30;
constexpr double kMostLogRatio = 300;  // what is beyond is certain

using Numbers = std::map<std::string_view, std::uint32_t>;

std::vector<std::uint32_t> number_people(std::span<const Look> looks, Numbers& numbers) {
  std::vector<std::uint32_t> people;
  for (const Look& look : looks) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    people.push_back(numbers.try_emplace(look.person, next).first->second);
  }
  return people;
}

Result<void> check_models(std::span<const Look> a, std::span<const Look> b) {
  const Embedding* first = nullptr;
  for (const std::span<const Look> looks : {a, b}) {
    for (const Look& look : looks) {
      if (!look.embedding) continue;
      if (first == nullptr) first = &*look.embedding;
      if (look.embedding->model != first->model ||
          look.embedding->values.size() != first->values.size())
        return fail(ErrorCode::kModelMismatch, "the photos were embedded by different models");
    }
  }
  return {};
}

float score_of(const Look& a, const Look& b, const Scorer& scorer) {
  return a.embedding && b.embedding ? scorer.score(a, b) : kNeverAccepted;
}

matching::FaceFacts facts_of(const Look& look) {
  return {.norm = look.embedding->norm, .quality = look.quality.score};
}

/// What one worker has found.
struct Part {
  std::vector<GenuinePair> genuine{};
  metrics::ScoreHistogram impostor;
  std::size_t failed = 0;
};

/// Of each person, errors and trials at a threshold.
std::vector<metrics::PairTrials> misses(const Pairs& pairs, double threshold) {
  std::vector<metrics::PairTrials> trials(pairs.people);
  for (std::uint32_t i = 0; i < trials.size(); ++i) trials[i] = {.a = i, .b = i};
  for (const GenuinePair& pair : pairs.genuine) {
    ++trials[pair.person].trials;
    if (!(pair.score >= threshold)) ++trials[pair.person].errors;
  }
  std::erase_if(trials, [](const metrics::PairTrials& one) { return one.trials == 0; });
  return trials;
}

std::vector<float> scores_of(std::span<const GenuinePair> pairs) {
  std::vector<float> scores;
  for (const GenuinePair& pair : pairs) scores.push_back(pair.score);
  return scores;
}

/// Only those of which both photos have a face.
Pairs seen(const Pairs& all) {
  Pairs pairs;
  pairs.people = all.people;
  std::ranges::copy_if(all.genuine, std::back_inserter(pairs.genuine),
                       [](const GenuinePair& pair) { return pair.score > kNeverAccepted; });
  return pairs;
}

/// Where `fmr` of the impostor pairs of which both photos have a face are accepted.
std::vector<metrics::PairTrials> misses_of_seen(const Pairs& all, double fmr) {
  Pairs pairs = seen(all);
  const std::size_t unseen = all.failed - (all.genuine.size() - pairs.genuine.size());
  const auto impostors = static_cast<double>(all.impostor.count());
  const double share = 1 - static_cast<double>(unseen) / impostors;
  return misses(pairs, all.impostor.threshold_at_far(fmr * share));
}

double share_of(std::span<const metrics::PairTrials> trials) {
  std::uint64_t errors = 0;
  std::uint64_t all = 0;
  for (const metrics::PairTrials& one : trials) {
    errors += one.errors;
    all += one.trials;
  }
  return static_cast<double>(errors) / static_cast<double>(all);
}

/// Genuine pairs from the worst to the best, for one way to rate a look.
struct Ranking {
  const Pairs& pairs;
  std::vector<std::uint32_t> order;

  /// FNMR of what is left when the worst `share` of the weight is refused; a pair at the edge in
  /// part.
  [[nodiscard]] std::optional<double> fnmr(double threshold, double share,
                                           metrics::Draw draw) const {
    double all = 0;
    for (const GenuinePair& pair : pairs.genuine) all += draw.empty() ? 1 : draw[pair.person];
    if (all == 0) return std::nullopt;
    double to_refuse = share * all;
    double errors = 0;
    for (const std::uint32_t i : order) {
      const GenuinePair& pair = pairs.genuine[i];
      const double weight = draw.empty() ? 1 : draw[pair.person];
      const double refused = std::min(to_refuse, weight);
      to_refuse -= refused;
      if (!(pair.score >= threshold)) errors += weight - refused;
    }
    return errors / ((1 - share) * all);
  }
};

Ranking rank(const Pairs& pairs, std::span<const Look> a, std::span<const Look> b,
             const std::function<float(const Look&)>& rating) {
  std::vector<float> worse;
  for (const GenuinePair& pair : pairs.genuine)
    worse.push_back(std::min(rating(a[pair.a]), rating(b[pair.b])));
  Ranking ranking{.pairs = pairs, .order = std::vector<std::uint32_t>(worse.size())};
  std::iota(ranking.order.begin(), ranking.order.end(), 0U);
  std::ranges::stable_sort(ranking.order, {}, [&](std::uint32_t i) { return worse[i]; });
  return ranking;
}

/// How many photos each person has, by name.
std::map<std::string_view, std::set<std::string_view>> photos_of(std::span<const Look> looks) {
  std::map<std::string_view, std::set<std::string_view>> photos;
  for (const Look& look : looks) photos[look.person].insert(look.path);
  return photos;
}

}  // namespace

Scorer scorer_of(const protocols::ScoreRule& rule) {
  return {.score = [rule](const Look& a, const Look& b) {
    return protocols::score(*a.embedding, *b.embedding, rule);
  }};
}

Scorer scorer_of(const matching::LikelihoodRatio& ratio) {
  return {.score =
              [ratio](const Look& a, const Look& b) {
                return matching::log_likelihood_ratio(
                    matching::similarity(a.embedding->values, b.embedding->values), facts_of(a),
                    facts_of(b), ratio);
              },
          .low = -kMostLogRatio,
          .high = kMostLogRatio};
}

Result<Pairs> all_pairs(std::span<const Look> a, std::span<const Look> b, const Scorer& scorer,
                        Executor& executor) {
  VISAVIS_CHECK(check_models(a, b));
  Numbers numbers;
  const auto people_a = number_people(a, numbers);
  const auto people_b = number_people(b, numbers);
  const bool is_one_list = a.data() == b.data() && a.size() == b.size();
  std::vector<Part> parts(static_cast<std::size_t>(executor.concurrency()),
                          Part{.impostor = metrics::ScoreHistogram(scorer.low, scorer.high)});
  executor.parallel_for(a.size(), [&](std::size_t i, int worker) {
    Part& part = parts[static_cast<std::size_t>(worker)];
    std::vector<float> impostor;
    for (std::size_t j = is_one_list ? i + 1 : 0; j < b.size(); ++j) {
      if (a[i].path == b[j].path) continue;
      const float score = score_of(a[i], b[j], scorer);
      if (score == kNeverAccepted) ++part.failed;
      if (people_a[i] == people_b[j])
        part.genuine.push_back({.person = people_a[i],
                                .a = static_cast<std::uint32_t>(i),
                                .b = static_cast<std::uint32_t>(j),
                                .score = score});
      else
        impostor.push_back(score);
    }
    part.impostor.add(impostor);
  });
  Pairs pairs{.people = numbers.size(),
              .genuine = {},
              .impostor = metrics::ScoreHistogram(scorer.low, scorer.high)};
  for (const Part& part : parts) {
    pairs.genuine.insert(pairs.genuine.end(), part.genuine.begin(), part.genuine.end());
    pairs.impostor.merge(part.impostor);
    pairs.failed += part.failed;
  }
  // Whichever thread found them.
  std::ranges::sort(pairs.genuine, {}, [](const GenuinePair& p) { return std::pair(p.a, p.b); });
  if (pairs.genuine.empty() || pairs.impostor.count() == 0)
    return fail(ErrorCode::kInvalidArgument,
                "the photos give no pairs of one person or no pairs of two people");
  return pairs;
}

std::vector<MatchPoint> match_points(const Pairs& pairs, const metrics::BootstrapOptions& options) {
  std::vector<MatchPoint> points;
  for (const double far : kFars) {
    if (far * static_cast<double>(pairs.impostor.count()) < kMinExpected) break;
    MatchPoint point{.far = far, .threshold = pairs.impostor.threshold_at_far(far)};
    const auto trials = misses(pairs, point.threshold);
    point.tar.value = 1 - share_of(trials);
    const auto interval = metrics::bootstrap_people(
        pairs.people, [&](metrics::Draw draw) { return metrics::error_share(trials, draw); },
        options);
    if (interval)
      point.tar.interval = metrics::Interval{.low = 1 - interval->high, .high = 1 - interval->low};
    points.push_back(point);
  }
  return points;
}

Curves curves_of(const Pairs& pairs) {
  std::vector<float> genuine = scores_of(pairs.genuine);
  std::ranges::sort(genuine);
  Curves curves{.rates = metrics::thinned(metrics::error_rates(genuine, pairs.impostor)),
                .precision_recall = {},
                .distribution = protocols::distribution_of(genuine, pairs.impostor)};
  curves.precision_recall =
      metrics::precision_recall_curve(curves.rates, genuine.size(), pairs.impostor.count());
  return curves;
}

double average_precision(const Pairs& pairs) {
  // Bins by falling scores; genuine pairs go into bins as fine as the impostors'.
  metrics::ScoreHistogram genuine;
  genuine.add(scores_of(pairs.genuine));
  std::map<double, std::pair<std::uint64_t, std::uint64_t>, std::greater<>> bins;
  genuine.for_each_bin([&](double middle, std::uint64_t count) { bins[middle].first = count; });
  pairs.impostor.for_each_bin(
      [&](double middle, std::uint64_t count) { bins[middle].second = count; });
  double right = 0;
  double all = 0;
  double area = 0;
  for (const auto& [middle, counts] : bins) {
    right += static_cast<double>(counts.first);
    all += static_cast<double>(counts.first + counts.second);
    area += static_cast<double>(counts.first) * right / all;
  }
  return area / static_cast<double>(pairs.genuine.size());
}

Result<protocols::IdentificationReport> search(std::span<const Look> a, std::span<const Look> b,
                                               const protocols::ScoreRule& rule,
                                               Executor& executor) {
  const auto photos = photos_of(a);
  protocols::Embeddings embeddings;
  std::vector<protocols::LabelledPhoto> gallery;
  std::map<std::string_view, std::string_view> enrolled;
  for (const Look& look : b) {
    const auto own = photos.find(look.person);
    if (own == photos.end() || own->second.size() - own->second.count(look.path) == 0) continue;
    if (!enrolled.emplace(look.person, look.path).second) continue;
    gallery.push_back({.path = "gallery " + look.path, .person = look.person});
    embeddings.emplace(gallery.back().path, look.embedding);
  }
  std::vector<protocols::LabelledPhoto> probes;
  for (const Look& look : a) {
    const auto own = enrolled.find(look.person);
    if (own != enrolled.end() && own->second == look.path) continue;
    probes.push_back({.path = "probe " + look.path, .person = look.person});
    embeddings.emplace(probes.back().path, look.embedding);
  }
  return protocols::identify_probes(gallery, probes, embeddings, rule, executor);
}

std::vector<RejectPoint> reject(const Pairs& all, std::span<const Look> a, std::span<const Look> b,
                                double fmr, std::span<const double> shares,
                                const metrics::BootstrapOptions& options) {
  const double threshold = all.impostor.threshold_at_far(fmr);
  const Pairs pairs = seen(all);
  const Ranking quality = rank(pairs, a, b, [](const Look& look) { return look.quality.score; });
  const Ranking norm = rank(pairs, a, b, [](const Look& look) { return look.embedding->norm; });
  std::vector<RejectPoint> points;
  for (const double share : shares) {
    const auto gain = [&](metrics::Draw draw) -> std::optional<double> {
      const auto by_norm = norm.fnmr(threshold, share, draw);
      if (!by_norm) return std::nullopt;
      return *by_norm - *quality.fnmr(threshold, share, draw);
    };
    points.push_back({.share = share,
                      .by_quality = quality.fnmr(threshold, share, {}).value_or(0),
                      .by_norm = norm.fnmr(threshold, share, {}).value_or(0),
                      .gain = metrics::bootstrap_people(pairs.people, gain, options)});
  }
  return points;
}

Lowered lowered(const Pairs& before, const Pairs& after, double fmr,
                const metrics::BootstrapOptions& options) {
  const auto old_trials = misses_of_seen(before, fmr);
  const auto new_trials = misses_of_seen(after, fmr);
  const auto rate_of = [&](const std::vector<metrics::PairTrials>& trials) {
    return protocols::RateWithInterval{
        .value = share_of(trials),
        .interval = metrics::bootstrap_people(
            before.people, [&](metrics::Draw draw) { return metrics::error_share(trials, draw); },
            options)};
  };
  Lowered answer{.fmr = fmr, .before = rate_of(old_trials), .after = rate_of(new_trials)};
  const auto relative = [&](metrics::Draw draw) -> std::optional<double> {
    const auto was = metrics::error_share(old_trials, draw);
    if (!was || *was == 0) return std::nullopt;
    return 1 - *metrics::error_share(new_trials, draw) / *was;
  };
  if (answer.before.value > 0) answer.share.value = 1 - answer.after.value / answer.before.value;
  answer.share.interval = metrics::bootstrap_people(before.people, relative, options);
  return answer;
}

}  // namespace visavis::quality_pairs
