#include "probability.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "visavis/matching/matching.hpp"
#include "visavis/metrics/histogram.hpp"

namespace visavis::protocols {
namespace {

/// Scores that are one, and how likely "one person" is to be said of them.
struct Sample {
  double score;
  double weight;
  double target;
};

/// log(1 + e^f) − t f, without overflow.
double loss(double f, double target) {
  return (f > 0 ? f + std::log1p(std::exp(-f)) : std::log1p(std::exp(f))) - target * f;
}

double total_loss(std::span<const Sample> samples, const matching::ProbabilityMap& map) {
  double sum = 0;
  for (const Sample& s : samples)
    sum += s.weight * loss(map.slope * s.score + map.intercept, s.target);
  return sum;
}

/// The step of Newton's method.
matching::ProbabilityMap newton_step(std::span<const Sample> samples,
                                     const matching::ProbabilityMap& map) {
  double g0 = 0, g1 = 0, h00 = 1e-12, h01 = 0, h11 = 1e-12;
  for (const Sample& s : samples) {
    const double p = map(s.score);
    const double error = s.weight * (p - s.target);
    const double curve = s.weight * p * (1 - p);
    g0 += error * s.score;
    g1 += error;
    h00 += curve * s.score * s.score;
    h01 += curve * s.score;
    h11 += curve;
  }
  const double determinant = h00 * h11 - h01 * h01;
  return {.slope = (h11 * g0 - h01 * g1) / determinant,
          .intercept = (h00 * g1 - h01 * g0) / determinant};
}

/// Newton's method with shorter steps where a whole one overshoots (Lin, Lin and Weng, "A note on
/// Platt's probabilistic outputs", Machine Learning 68, 2007).
matching::ProbabilityMap minimise(std::span<const Sample> samples) {
  constexpr int kMostSteps = 100;
  constexpr int kMostHalves = 33;
  matching::ProbabilityMap map;
  double now = total_loss(samples, map);
  for (int i = 0; i < kMostSteps; ++i) {
    const matching::ProbabilityMap step = newton_step(samples, map);
    const double before = now;
    double length = 1;
    for (int half = 0; half < kMostHalves; ++half, length /= 2) {
      const matching::ProbabilityMap next{.slope = map.slope - length * step.slope,
                                          .intercept = map.intercept - length * step.intercept};
      const double there = total_loss(samples, next);
      if (!(there < now)) continue;
      map = next;
      now = there;
      break;
    }
    if (before - now < 1e-12) break;
  }
  return map;
}

}  // namespace

std::optional<matching::ProbabilityMap> fit_probability(std::span<const float> genuine,
                                                        const metrics::ScoreHistogram& impostor) {
  if (genuine.empty() || impostor.count() == 0) return std::nullopt;
  // Platt's targets: short of certainty by what so many samples cannot exclude.
  const auto ours = static_cast<double>(genuine.size());
  const auto others = static_cast<double>(impostor.count());
  std::vector<Sample> samples;
  for (const float score : genuine)
    samples.push_back({.score = score, .weight = .5 / ours, .target = (ours + 1) / (ours + 2)});
  impostor.for_each_bin([&](double score, std::uint64_t count) {
    samples.push_back({.score = score,
                       .weight = .5 * static_cast<double>(count) / others,
                       .target = 1 / (others + 2)});
  });
  const matching::ProbabilityMap map = minimise(samples);
  if (!(map.slope > 0) || !std::isfinite(map.slope) || !std::isfinite(map.intercept))
    return std::nullopt;
  return map;
}

}  // namespace visavis::protocols
