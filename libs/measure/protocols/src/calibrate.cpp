#include "visavis/protocols/calibrate.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "crowd.hpp"
#include "probability.hpp"
#include "resampled.hpp"
#include "searches.hpp"
#include "visavis/core/executor.hpp"
#include "visavis/core/result.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/metrics/bootstrap.hpp"
#include "visavis/metrics/histogram.hpp"
#include "visavis/metrics/reliability.hpp"
#include "visavis/metrics/verification.hpp"
#include "visavis/protocols/verification.hpp"
#include "visavis/store/tsv.hpp"

namespace visavis::protocols {
namespace {

constexpr double kLowNorm = .001;  // of the faces have a smaller norm
constexpr double kHighNorm = .5;

constexpr std::size_t kBins = std::size_t{1} << 21U;  // of scores from −1 to 1: 1e-6 each
constexpr double kFpirFar = .05;  // of searches among ten people, one of ten at most is of interest

/// All pairs: scores of one person kept, those of two people counted.
struct Counted {
  std::vector<float> genuine;
  metrics::ScoreHistogram impostor{-1, 1, kBins};
};

Counted count_scores(std::span<const LabelledFace> faces, const Crowd& crowd, const ScoreRule& rule,
                     Executor& executor) {
  std::vector<Counted> parts(static_cast<std::size_t>(executor.concurrency()));
  for_each_row(faces, false, rule, executor,
               [&](std::size_t i, std::span<const float> scores, std::size_t worker) {
                 std::vector<float> impostor;
                 for (std::size_t j = 0; j < scores.size(); ++j) {
                   const bool same = crowd.person[i] == crowd.person[j];
                   (same ? parts[worker].genuine : impostor).push_back(scores[j]);
                 }
                 parts[worker].impostor.add(impostor);
               });
  for (const Counted& part : std::span(parts).subspan(1)) {
    parts[0].genuine.insert(parts[0].genuine.end(), part.genuine.begin(), part.genuine.end());
    parts[0].impostor.merge(part.impostor);
  }
  std::ranges::sort(parts[0].genuine);  // whichever thread found them
  return std::move(parts[0]);
}

/// Of two people, how many of their pairs reach a threshold.
std::vector<metrics::PairTrials> by_people(std::span<const ScoredPair> matches, double threshold) {
  std::vector<metrics::PairTrials> trials;
  for (const ScoredPair& match : matches) {
    if (match.score < threshold) continue;
    if (trials.empty() || trials.back().a != match.a || trials.back().b != match.b)
      trials.push_back({.a = match.a, .b = match.b});
    ++trials.back().errors;
  }
  return trials;
}

/// Of the rates at which pairs of two people reach each threshold.
std::vector<std::optional<metrics::Interval>> far_intervals(
    std::span<const LabelledFace> faces, const Crowd& crowd,
    std::span<const matching::Threshold> points, const ScoreRule& rule, std::size_t replicates,
    Executor& executor) {
  std::vector<std::optional<metrics::Interval>> intervals(points.size());
  if (points.empty() || replicates == 0) return intervals;
  const double lowest = std::ranges::min(points, {}, &matching::Threshold::threshold).threshold;
  const auto matches = impostors_from(faces, crowd, lowest, rule, executor);
  executor.parallel_for(points.size(), [&](std::size_t k, int) {
    const auto trials = by_people(matches, points[k].threshold);
    intervals[k] = metrics::bootstrap_people(crowd.people(),
                                             [&](metrics::Draw draw) {
                                               return metrics::error_share_of_all_pairs(
                                                   trials, crowd.faces, draw);
                                             },
                                             {.replicates = replicates});
  });
  return intervals;
}

void add_intervals(std::span<const LabelledFace> faces, const Crowd& crowd,
                   const CalibrationOptions& options, Executor& executor,
                   std::vector<matching::Threshold>& points) {
  const auto intervals =
      far_intervals(faces, crowd, points, options.rule, options.replicates, executor);
  for (std::size_t k = 0; k < points.size(); ++k)
    if (const auto& one = intervals[k])
      points[k].far_interval = matching::RateInterval{.low = one->low, .high = one->high};
}

/// Of an FPIR, the thresholds for rising sizes of galleries; what the data cannot show goes on as
/// it went between the last two.
void extrapolate(std::span<const std::uint64_t> sizes, std::vector<double>& thresholds) {
  const std::size_t shown = thresholds.size();
  if (shown < 2) return;
  const auto decades = [&](std::size_t from, std::size_t to) {
    return std::log10(static_cast<double>(sizes[to]) / static_cast<double>(sizes[from]));
  };
  const double rise =
      (thresholds[shown - 1] - thresholds[shown - 2]) / decades(shown - 2, shown - 1);
  for (std::size_t s = shown; s < sizes.size(); ++s)
    thresholds.push_back(thresholds[shown - 1] + rise * decades(shown - 1, s));
}

std::vector<matching::FpirPoint> fpir_points(std::span<const LabelledFace> faces,
                                             const Crowd& crowd, double lowest,
                                             const CalibrationOptions& options,
                                             Executor& executor) {
  const auto& sizes = options.gallery_sizes;
  const auto is_shown = [&](std::uint64_t size) { return 2 * size < crowd.people(); };
  const auto shown = static_cast<std::size_t>(std::ranges::count_if(sizes, is_shown));
  const auto end = sizes.begin() + static_cast<std::ptrdiff_t>(shown);
  std::vector<FpirEstimate> parts(static_cast<std::size_t>(executor.concurrency()),
                                  FpirEstimate(crowd, lowest, {sizes.begin(), end}));
  for_each_row(faces, true, options.rule, executor,
               [&](std::size_t i, std::span<const float> scores, std::size_t worker) {
                 parts[worker].add(i, scores);
               });
  for (const FpirEstimate& part : std::span(parts).subspan(1)) parts[0].merge(part);
  std::vector<std::vector<double>> thresholds;  // by FPIR, by size
  for (const double fpir : options.fpirs) {
    if (fpir * static_cast<double>(crowd.people()) < options.min_expected) continue;
    std::vector<double>& own = thresholds.emplace_back();
    for (std::size_t s = 0; s < shown; ++s) own.push_back(parts[0].threshold(s, fpir));
    extrapolate(sizes, own);
  }
  std::vector<matching::FpirPoint> points;
  for (std::size_t s = 0; s < sizes.size(); ++s)
    for (std::size_t k = 0; k < thresholds.size(); ++k)
      if (s < thresholds[k].size() && thresholds[k][s] < 1)
        points.push_back({.persons = sizes[s],
                          .fpir = options.fpirs[k],
                          .threshold = thresholds[k][s],
                          .extrapolated = s >= shown});
  return points;
}

/// All pairs, those of two people counted by the thresholds that they reach.
struct Tally {
  std::vector<float> genuine;
  std::uint64_t impostors = 0;
  std::vector<std::uint64_t> accepted;  ///< Of the impostors, at each threshold.
};

Tally tally_scores(std::span<const LabelledFace> faces, const Crowd& crowd,
                   std::span<const matching::Threshold> points, const ScoreRule& rule,
                   Executor& executor) {
  std::vector<Tally> parts(static_cast<std::size_t>(executor.concurrency()));
  for (Tally& part : parts) part.accepted.resize(points.size());
  for_each_row(faces, false, rule, executor,
               [&](std::size_t i, std::span<const float> scores, std::size_t worker) {
                 Tally& part = parts[worker];
                 for (std::size_t j = 0; j < scores.size(); ++j) {
                   if (crowd.person[i] == crowd.person[j]) {
                     part.genuine.push_back(scores[j]);
                     continue;
                   }
                   ++part.impostors;
                   for (std::size_t k = 0; k < points.size(); ++k)
                     if (scores[j] >= points[k].threshold) ++part.accepted[k];
                 }
               });
  for (const Tally& part : std::span(parts).subspan(1)) {
    parts[0].genuine.insert(parts[0].genuine.end(), part.genuine.begin(), part.genuine.end());
    parts[0].impostors += part.impostors;
    for (std::size_t k = 0; k < points.size(); ++k) parts[0].accepted[k] += part.accepted[k];
  }
  return std::move(parts[0]);
}

matching::NormRange norm_range(std::span<const LabelledFace> faces) {
  std::vector<float> norms;
  for (const LabelledFace& face : faces) norms.push_back(face.embedding.norm);
  std::ranges::sort(norms);
  const auto at = [&](double share) {
    return norms[static_cast<std::size_t>(share * static_cast<double>(norms.size() - 1))];
  };
  return {.low = at(kLowNorm), .high = at(kHighNorm)};
}

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Which rows announce a number. People may be called by numbers: where no row has a second field,
/// only a first row that is the one number among names does.
std::vector<std::optional<std::size_t>> announcements(
    const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::optional<std::size_t>> counts;
  for (const auto& row : rows)
    counts.push_back(row.size() == 1 ? whole_number(row[0]) : std::nullopt);
  const bool is_plain = std::ranges::all_of(rows, [](const auto& row) { return row.size() == 1; });
  const auto numbers = std::ranges::count_if(counts, [](const auto& n) { return n.has_value(); });
  const bool has_count = rows.size() > 1 && numbers == 1 && counts[0];
  if (is_plain && !has_count) counts.assign(rows.size(), std::nullopt);
  return counts;
}

/// LFW announces how many people follow: once, or a number of folds and then once a fold.
bool adds_up(const std::vector<std::size_t>& announced, std::size_t people) {
  if (announced.empty()) return true;
  if (announced.size() == 1) return announced[0] == people;
  std::size_t sum = 0;
  for (const std::size_t n : std::span(announced).subspan(1)) sum += n;
  return announced[0] == announced.size() - 1 && sum == people;
}

}  // namespace

Result<std::set<std::string, std::less<>>> parse_people(std::string_view text) {
  VISAVIS_TRY(rows, store::parse_tsv(text));
  std::set<std::string, std::less<>> people;
  std::vector<std::size_t> announced;
  const auto counts = announcements(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    if (counts[i]) {
      announced.push_back(*counts[i]);
    } else if (row.size() > 2 || row[0].empty() || !people.insert(row[0]).second) {
      return fail(ErrorCode::kDecodeFailed,
                  "row " + std::to_string(i + 1) + " of the list of people is not a new name");
    }
  }
  if (people.empty()) return fail(ErrorCode::kDecodeFailed, "the list of people is empty");
  if (!adds_up(announced, people.size()))
    return fail(ErrorCode::kDecodeFailed, "the list of people announces another number of names");
  return people;
}

Result<matching::Calibration> calibrate(std::span<const LabelledFace> faces,
                                        const CalibrationOptions& options, Executor& executor) {
  VISAVIS_CHECK(check_models(faces));
  const Crowd crowd = crowd_of(faces);
  if (crowd.people() < 2)
    return fail(ErrorCode::kInvalidArgument, "a calibration needs at least two people");
  const Counted scores = count_scores(faces, crowd, options.rule, executor);
  const auto people = static_cast<double>(crowd.people());
  const double pairs_of_people = people * (people - 1) / 2;
  matching::Calibration calibration{.model = faces[0].embedding.model,
                                    .score_kind = options.rule.kind,
                                    .by_far = {},
                                    .by_fpir = {},
                                    .probability = fit_probability(scores.genuine, scores.impostor),
                                    .impostor_pairs = scores.impostor.count(),
                                    .genuine_pairs = scores.genuine.size(),
                                    .norm = std::nullopt,
                                    .provenance = {}};
  for (const double far : options.fars) {
    if (far * pairs_of_people < options.min_expected) continue;
    const double threshold = scores.impostor.threshold_at_far(far);
    const double frr =
        scores.genuine.empty() ? -1 : 1 - metrics::accepted_share(scores.genuine, threshold);
    calibration.by_far.push_back({.far = far, .threshold = threshold, .frr = frr});
  }
  if (calibration.by_far.empty())
    return fail(ErrorCode::kInvalidArgument, "there are too few people to calibrate any rate");
  add_intervals(faces, crowd, options, executor, calibration.by_far);
  calibration.by_fpir =
      fpir_points(faces, crowd, scores.impostor.threshold_at_far(kFpirFar), options, executor);
  if (options.norm_is_quality) calibration.norm = norm_range(faces);
  calibration.provenance = options.provenance + " (" + std::to_string(faces.size()) + " faces of " +
                           std::to_string(crowd.people()) + " people)";
  return calibration;
}

Result<std::vector<ObservedRate>> observe(std::span<const LabelledFace> faces,
                                          const matching::Calibration& calibration,
                                          const ScoreRule& rule, Executor& executor,
                                          std::size_t replicates) {
  VISAVIS_CHECK(check_models(faces));
  if (!faces.empty() && faces[0].embedding.model != calibration.model)
    return fail(ErrorCode::kModelMismatch, "the calibration belongs to another model");
  const Crowd crowd = crowd_of(faces);
  const Tally tally = tally_scores(faces, crowd, calibration.by_far, rule, executor);
  if (tally.impostors == 0 || tally.genuine.empty())
    return fail(ErrorCode::kInvalidArgument,
                "the faces give no pairs of one person or no pairs of two people");
  const auto intervals = far_intervals(faces, crowd, calibration.by_far, rule,
                                       crowd.people() < kFewestPeople ? 0 : replicates, executor);
  std::vector<ObservedRate> rates;
  for (std::size_t k = 0; k < calibration.by_far.size(); ++k) {
    const matching::Threshold& point = calibration.by_far[k];
    rates.push_back({.far = point.far,
                     .threshold = point.threshold,
                     .observed_far = static_cast<double>(tally.accepted[k]) /
                                     static_cast<double>(tally.impostors),
                     .observed_frr = 1 - metrics::accepted_share(tally.genuine, point.threshold),
                     .observed_far_interval = intervals[k]});
  }
  return rates;
}

std::optional<metrics::Reliability> observe_probability(std::span<const LabelledFace> faces,
                                                        const matching::Calibration& calibration,
                                                        const ScoreRule& rule, Executor& executor) {
  if (!calibration.probability) return std::nullopt;
  const Counted scores = count_scores(faces, crowd_of(faces), rule, executor);
  if (scores.genuine.empty() || scores.impostor.count() == 0) return std::nullopt;
  const matching::ProbabilityMap& map = *calibration.probability;
  std::vector<metrics::Forecast> forecasts;
  for (const float score : scores.genuine)
    forecasts.push_back(
        {.said = map(score), .genuine = .5 / static_cast<double>(scores.genuine.size())});
  scores.impostor.for_each_bin([&](double score, std::uint64_t count) {
    forecasts.push_back({.said = map(score),
                         .impostor = .5 * static_cast<double>(count) /
                                     static_cast<double>(scores.impostor.count())});
  });
  return metrics::reliability(forecasts);
}

}  // namespace visavis::protocols
