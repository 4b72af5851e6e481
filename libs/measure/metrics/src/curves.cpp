#include "visavis/metrics/curves.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <ranges>
#include <span>
#include <utility>
#include <vector>

#include "roc.hpp"
#include "visavis/metrics/histogram.hpp"
#include "visavis/metrics/verification.hpp"

namespace visavis::metrics {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> falling(std::span<const float> scores) {
  std::vector<float> sorted(scores.begin(), scores.end());
  std::ranges::sort(sorted, std::greater{});
  return sorted;
}

}  // namespace

std::vector<Step> roc(const Scores& scores) {
  const std::vector<float> genuine = falling(scores.genuine);
  const std::vector<float> impostor = falling(scores.impostor);
  std::vector<Step> steps{{.threshold = kInfinity, .genuine = 0, .impostor = 0}};
  std::size_t g = 0;
  std::size_t i = 0;
  while (g < genuine.size() || i < impostor.size()) {
    const float next = std::max(g < genuine.size() ? genuine[g] : -kInfinity,
                                i < impostor.size() ? impostor[i] : -kInfinity);
    if (next == -kInfinity) break;
    while (g < genuine.size() && genuine[g] == next) ++g;
    while (i < impostor.size() && impostor[i] == next) ++i;
    steps.push_back({.threshold = next, .genuine = g, .impostor = i});
  }
  return steps;
}

std::vector<ErrorRates> error_rates(const Scores& scores) {
  std::vector<ErrorRates> curve;
  for (const Step& step : roc(scores))
    curve.push_back({.threshold = step.threshold,
                     .fmr = share(step.impostor, scores.impostor.size()),
                     .fnmr = 1 - share(step.genuine, scores.genuine.size())});
  return curve;
}

std::vector<ErrorRates> error_rates(std::span<const float> genuine,
                                    const ScoreHistogram& impostor) {
  std::vector<std::pair<double, std::uint64_t>> bins;
  impostor.for_each_bin([&](double middle, std::uint64_t n) {
    bins.emplace_back(middle - impostor.resolution() / 2, n);
  });
  std::vector<ErrorRates> curve{
      {.threshold = std::numeric_limits<double>::infinity(), .fmr = 0, .fnmr = 1}};
  std::uint64_t accepted = 0;
  for (const auto& [edge, n] : std::views::reverse(bins)) {
    accepted += n;
    const auto missed = std::ranges::lower_bound(genuine, edge) - genuine.begin();
    curve.push_back({.threshold = edge,
                     .fmr = static_cast<double>(accepted) / static_cast<double>(impostor.count()),
                     .fnmr = static_cast<double>(missed) / static_cast<double>(genuine.size())});
  }
  return curve;
}

std::vector<PrecisionRecallPoint> precision_recall_curve(const Scores& scores) {
  std::vector<PrecisionRecallPoint> curve;
  for (const Step& step : roc(scores)) {
    const std::size_t accepted = step.genuine + step.impostor;
    curve.push_back({.threshold = step.threshold,
                     .precision = accepted == 0 ? 1 : share(step.genuine, accepted),
                     .recall = share(step.genuine, scores.genuine.size())});
  }
  return curve;
}

std::vector<PrecisionRecallPoint> precision_recall_curve(std::span<const ErrorRates> rates,
                                                         std::uint64_t genuine,
                                                         std::uint64_t impostor) {
  std::vector<PrecisionRecallPoint> curve;
  for (const ErrorRates& point : rates) {
    const double right = (1 - point.fnmr) * static_cast<double>(genuine);
    const double accepted = right + point.fmr * static_cast<double>(impostor);
    curve.push_back({.threshold = point.threshold,
                     .precision = accepted == 0 ? 1 : right / accepted,
                     .recall = 1 - point.fnmr});
  }
  return curve;
}

double average_precision(const Scores& scores) {
  double sum = 0;
  double recall = 0;
  for (const PrecisionRecallPoint& point : precision_recall_curve(scores)) {
    sum += (point.recall - recall) * point.precision;
    recall = point.recall;
  }
  return sum;
}

Moments moments(std::span<const float> scores) {
  Moments result;
  const auto count = static_cast<double>(scores.size());
  for (const float s : scores) result.mean += s / count;
  for (const float s : scores) result.variance += (s - result.mean) * (s - result.mean) / count;
  return result;
}

double d_prime(const Moments& genuine, const Moments& impostor) {
  return std::abs(genuine.mean - impostor.mean) /
         std::sqrt((genuine.variance + impostor.variance) / 2);
}

double d_prime(const Scores& scores) {
  return d_prime(moments(scores.genuine), moments(scores.impostor));
}

std::vector<ErrorRates> thinned(const std::vector<ErrorRates>& curve, std::size_t per_decade) {
  std::vector<ErrorRates> kept;
  const auto cell = [&](const ErrorRates& point) {
    return point.fmr > 0 ? std::floor(std::log10(point.fmr) * static_cast<double>(per_decade))
                         : -std::numeric_limits<double>::infinity();
  };
  for (std::size_t i = 0; i < curve.size(); ++i)
    if (i == 0 || i + 1 == curve.size() || cell(curve[i]) != cell(curve[i + 1]))
      kept.push_back(curve[i]);
  return kept;
}

}  // namespace visavis::metrics
