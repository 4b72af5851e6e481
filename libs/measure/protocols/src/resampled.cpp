#include "resampled.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "visavis/metrics/bootstrap.hpp"
#include "visavis/metrics/curves.hpp"

namespace visavis::protocols {
namespace {

using metrics::Draw;

double weight_of(const ScoredPair& pair, Draw draw) {
  const double a = draw[pair.a];
  return pair.a == pair.b ? a : a * draw[pair.b];
}

double weight_of(std::span<const ScoredPair> pairs, Draw draw) {
  double sum = 0;
  for (const ScoredPair& pair : pairs) sum += weight_of(pair, draw);
  return sum;
}

WeightedSums sums_of(std::span<const ScoredPair> pairs, Draw draw) {
  WeightedSums sums;
  for (const ScoredPair& pair : pairs) {
    const double weight = weight_of(pair, draw);
    const double score = pair.score;
    sums.weight += weight;
    sums.sum += weight * score;
    sums.squares += weight * score * score;
  }
  return sums;
}

metrics::Moments moments_of(const WeightedSums& sums) {
  const double mean = sums.sum / sums.weight;
  return {.mean = mean, .variance = std::max(0.0, sums.squares / sums.weight - mean * mean)};
}

}  // namespace

ResampledPairs::ResampledPairs(std::size_t people, std::vector<ScoredPair> genuine,
                               std::vector<ScoredPair> impostor, LeftOut left_out)
    : people_(people),
      genuine_(std::move(genuine)),
      impostor_(std::move(impostor)),
      left_out_(std::move(left_out)) {
  std::ranges::sort(genuine_, std::greater{}, &ScoredPair::score);
  std::ranges::sort(impostor_, std::greater{}, &ScoredPair::score);
}

std::optional<ResampledPairs::Weights> ResampledPairs::weights_in(Draw draw) const {
  const Weights weights{.genuine = weight_of(genuine_, draw),
                        .impostor = left_out_.weight_of_all ? left_out_.weight_of_all(draw)
                                                            : weight_of(impostor_, draw)};
  if (weights.genuine <= 0 || weights.impostor <= 0) return std::nullopt;
  return weights;
}

std::optional<double> ResampledPairs::tar_in(Draw draw, double far) const {
  const auto weights = weights_in(draw);
  if (!weights) return std::nullopt;
  const auto [genuine, impostors] = *weights;
  // The best score that must be refused: with it, too many would be accepted.
  double accepted = 0;
  std::optional<float> refused;
  for (const ScoredPair& pair : impostor_) {
    accepted += weight_of(pair, draw);
    if (accepted / impostors <= far) continue;
    refused = pair.score;
    break;
  }
  if (!refused && left_out_.weight_of_all) return std::nullopt;  // it is among those left out
  const float above = refused.value_or(-INFINITY);
  double matches = 0;
  for (const ScoredPair& pair : genuine_) {
    if (pair.score <= above) break;
    matches += weight_of(pair, draw);
  }
  return matches / genuine;
}

std::optional<double> ResampledPairs::error_rate_in(Draw draw) const {
  const auto weights = weights_in(draw);
  if (!weights) return std::nullopt;
  const auto [genuine, impostors] = *weights;
  double fmr_before = 0;
  double fnmr_before = 1;
  // Between two points of the ROC, where the difference of both rates is 0.
  const auto crossing = [&](double fmr, double fnmr) {
    const double before = fnmr_before - fmr_before;
    return std::lerp(fmr_before, fmr, before / (before + fmr - fnmr));
  };
  double accepted = 0;
  double matches = 0;
  auto g = genuine_.begin();
  auto i = impostor_.begin();
  while (g != genuine_.end() || i != impostor_.end()) {
    if (i == impostor_.end() && left_out_.weight_of_all)
      return std::nullopt;  // the rest was left out
    const float next = std::max(g != genuine_.end() ? g->score : -INFINITY,
                                i != impostor_.end() ? i->score : -INFINITY);
    if (next == -INFINITY) break;
    for (; g != genuine_.end() && g->score == next; ++g) matches += weight_of(*g, draw);
    for (; i != impostor_.end() && i->score == next; ++i) accepted += weight_of(*i, draw);
    const double fmr = accepted / impostors;
    const double fnmr = 1 - matches / genuine;
    if (fmr >= fnmr) return crossing(fmr, fnmr);
    fmr_before = fmr;
    fnmr_before = fnmr;
  }
  return crossing(1, 0);
}

std::optional<double> ResampledPairs::area_in(Draw draw) const {
  const auto weights = weights_in(draw);
  if (!weights) return std::nullopt;
  const auto [genuine, impostors] = *weights;
  double lost = 0;
  double above = 0;
  auto g = genuine_.begin();
  auto i = impostor_.begin();
  while (g != genuine_.end()) {
    const float score = g->score;
    double matches = 0;
    for (; g != genuine_.end() && g->score == score; ++g) matches += weight_of(*g, draw);
    for (; i != impostor_.end() && i->score > score; ++i) above += weight_of(*i, draw);
    double tied = 0;
    for (; i != impostor_.end() && i->score == score; ++i) tied += weight_of(*i, draw);
    double better = above + tied / 2;
    above += tied;
    if (i == impostor_.end() && left_out_.weight_of_all)
      better += (impostors - above) * left_out_.share_above(score);
    lost += matches * better;
  }
  return 1 - lost / (genuine * impostors);
}

std::optional<double> ResampledPairs::d_prime_in(Draw draw) const {
  const WeightedSums genuine = sums_of(genuine_, draw);
  const WeightedSums impostor =
      left_out_.sums_of_all ? left_out_.sums_of_all(draw) : sums_of(impostor_, draw);
  if (genuine.weight <= 0 || impostor.weight <= 0) return std::nullopt;
  const double value = metrics::d_prime(moments_of(genuine), moments_of(impostor));
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<metrics::Interval> ResampledPairs::interval(const metrics::Statistic& statistic,
                                                          std::size_t replicates) const {
  if (people_ < kFewestPeople || replicates == 0) return std::nullopt;
  return metrics::bootstrap_people(people_, statistic, {.replicates = replicates});
}

std::optional<metrics::Interval> ResampledPairs::tar_at_far(double far,
                                                            std::size_t replicates) const {
  return interval([&](Draw draw) { return tar_in(draw, far); }, replicates);
}

std::optional<metrics::Interval> ResampledPairs::equal_error_rate(std::size_t replicates) const {
  return interval([&](Draw draw) { return error_rate_in(draw); }, replicates);
}

std::optional<metrics::Interval> ResampledPairs::area_under_curve(std::size_t replicates) const {
  if (left_out_.weight_of_all && !left_out_.share_above) return std::nullopt;
  return interval([&](Draw draw) { return area_in(draw); }, replicates);
}

std::optional<metrics::Interval> ResampledPairs::d_prime(std::size_t replicates) const {
  if (left_out_.weight_of_all && !left_out_.sums_of_all) return std::nullopt;
  return interval([&](Draw draw) { return d_prime_in(draw); }, replicates);
}

}  // namespace visavis::protocols
