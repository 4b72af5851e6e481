#include "visavis/quality_pairs/fit_quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "visavis/quality/fit.hpp"
#include "visavis/quality_pairs/quality_pairs.hpp"

namespace visavis::quality_pairs {
namespace {

constexpr int kRounds = 300;
constexpr double kRidge = 1;  // one sample's worth, on measures of unit spread

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

struct Spread {
  double mean = 0;
  double deviation = 0;
};

Spread spread_of(std::span<const Sample> samples, std::size_t k) {
  double sum = 0;
  double squares = 0;
  for (const Sample& sample : samples) {
    sum += sample.measures[k];
    squares += sample.measures[k] * sample.measures[k];
  }
  const auto n = static_cast<double>(samples.size());
  return {.mean = sum / n,
          .deviation = std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)))};
}

/// Gradient and curvature of the log-likelihood along one direction.
struct Slope {
  double first = 0;
  double second = 0;
};

}  // namespace

std::vector<Sample> samples_of(const Pairs& pairs, std::span<const Look> a, double fmr) {
  const double threshold = pairs.impostor.threshold_at_far(fmr);
  std::vector<double> accepted(a.size());
  std::vector<double> all(a.size());
  for (const GenuinePair& pair : pairs.genuine) {
    all[pair.a] += 1;
    if (pair.score >= threshold) accepted[pair.a] += 1;
  }
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].embedding && all[i] > 0)
      samples.push_back(
          {.measures = quality::measures_of(a[i].quality), .accepted = accepted[i] / all[i]});
  return samples;
}

std::optional<quality::Fit> fit_quality(std::span<const Sample> samples) {
  double share = 0;
  for (const Sample& sample : samples) share += sample.accepted;
  share /= static_cast<double>(samples.size());
  if (!(share > 0 && share < 1)) return std::nullopt;
  std::array<Spread, quality::kMeasures> spread{};
  for (std::size_t k = 0; k < spread.size(); ++k) spread[k] = spread_of(samples, k);
  const auto scaled = [&](const Sample& sample, std::size_t k) {
    return (sample.measures[k] - spread[k].mean) / spread[k].deviation;
  };
  quality::Fit fit{.bias = std::log(share / (1 - share)), .weights = {}};
  std::vector<double> logits(samples.size(), fit.bias);
  const auto slope = [&](auto along) {
    Slope sum;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const double p = logistic(logits[i]);
      const double x = along(i);
      sum.first += (samples[i].accepted - p) * x;
      sum.second += p * (1 - p) * x * x;
    }
    return sum;
  };
  for (int round = 0; round < kRounds; ++round) {
    const Slope level = slope([](std::size_t) { return 1.0; });
    const double step = level.first / std::max(level.second, 1e-9);
    fit.bias += step;
    for (double& logit : logits) logit += step;
    for (std::size_t k = 0; k < spread.size(); ++k) {
      if (!(spread[k].deviation > 0)) continue;
      const Slope along = slope([&](std::size_t i) { return scaled(samples[i], k); });
      double& weight = fit.weights[k];
      const double next =
          std::max(0.0, weight + (along.first - kRidge * weight) / (along.second + kRidge));
      for (std::size_t i = 0; i < samples.size(); ++i)
        logits[i] += (next - weight) * scaled(samples[i], k);
      weight = next;
    }
  }
  for (std::size_t k = 0; k < spread.size(); ++k) {
    if (!(spread[k].deviation > 0)) continue;
    fit.weights[k] /= spread[k].deviation;
    fit.bias -= fit.weights[k] * spread[k].mean;
  }
  return fit;
}

}  // namespace visavis::quality_pairs
