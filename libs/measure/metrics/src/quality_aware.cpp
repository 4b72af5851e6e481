#include "visavis/metrics/quality_aware.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace visavis::metrics {
namespace {

constexpr std::size_t kRates = 50;
constexpr double kLowest = -5;  // powers of ten
constexpr double kHighest = -2;
constexpr double kFewest = 10;  // false matches
constexpr int kWeights = 60;
constexpr double kMostShift = 1;  // that ω may move the score of a pair of the mean norm

std::vector<float> scores_of(std::span<const NormedPair> pairs, double omega) {
  std::vector<float> scores;
  scores.reserve(pairs.size());
  for (const NormedPair& pair : pairs)
    scores.push_back(static_cast<float>(omega * pair.norm + pair.similarity));
  return scores;
}

/// The best of them, falling.
std::vector<float> best_of(std::vector<float> scores, std::size_t count) {
  std::ranges::partial_sort(scores, scores.begin() + static_cast<std::ptrdiff_t>(count),
                            std::greater{});
  scores.resize(count);
  return scores;
}

struct Best {
  double omega = 0;
  std::size_t missed = 0;
};

/// Of least squares; nothing where all thresholds are one.
std::optional<QualityLine> line_through(std::span<const double> thresholds,
                                        std::span<const Best> best) {
  const auto n = static_cast<double>(best.size());
  double x = 0, y = 0, xx = 0, xy = 0;
  for (std::size_t k = 0; k < best.size(); ++k) {
    x += thresholds[k] / n;
    y += best[k].omega / n;
  }
  for (std::size_t k = 0; k < best.size(); ++k) {
    xx += (thresholds[k] - x) * (thresholds[k] - x);
    xy += (thresholds[k] - x) * (best[k].omega - y);
  }
  if (!(xx > 0) || !(xy > 0)) return std::nullopt;
  const double beta = xy / xx;
  return QualityLine{.alpha = beta * x - y, .beta = beta};
}

}  // namespace

std::optional<QualityLine> fit_quality_line(std::span<const NormedPair> genuine,
                                            std::span<const NormedPair> impostor) {
  std::vector<std::size_t> allowed;  // false matches
  for (std::size_t k = 0; k < kRates; ++k) {
    const double power = std::lerp(kHighest, kLowest, static_cast<double>(k) / (kRates - 1));
    const double count = std::pow(10, power) * static_cast<double>(impostor.size());
    if (count >= kFewest) allowed.push_back(static_cast<std::size_t>(count));
  }
  if (allowed.size() < 2 || genuine.empty()) return std::nullopt;
  double norm = 0;
  for (const NormedPair& pair : genuine) norm += pair.norm / static_cast<double>(genuine.size());
  if (!(norm > 0)) return std::nullopt;

  std::vector<Best> best(allowed.size());
  std::vector<double> thresholds;
  for (int step = 0; step <= kWeights; ++step) {
    const double omega = -kMostShift / norm * std::pow(static_cast<double>(step) / kWeights, 2);
    const auto others = best_of(scores_of(impostor, omega), allowed.front() + 1);
    auto own = scores_of(genuine, omega);
    std::ranges::sort(own);
    for (std::size_t k = 0; k < allowed.size(); ++k) {
      const float refused = others[allowed[k]];
      if (step == 0) thresholds.push_back(refused);
      const auto missed =
          static_cast<std::size_t>(std::ranges::upper_bound(own, refused) - own.begin());
      if (step == 0 || missed < best[k].missed) best[k] = {.omega = omega, .missed = missed};
    }
  }
  return line_through(thresholds, best);
}

}  // namespace visavis::metrics
