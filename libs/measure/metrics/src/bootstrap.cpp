#include "visavis/metrics/bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace visavis::metrics {
namespace {

constexpr double kMostWithout = 0.1;  // of the draws may be without a value

/// An index below `count`; std::uniform_int_distribution differs between libraries.
std::size_t index_below(std::mt19937_64& random, std::size_t count) {
  const std::uint64_t limit = random.max() - random.max() % count;
  std::uint64_t value = random();
  while (value >= limit) value = random();
  return static_cast<std::size_t>(value % count);
}

/// Between the two values around a share of the sorted ones, linear (type 7 of Hyndman and Fan).
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - std::floor(at));
}

double weight_of(const PairTrials& pair, Draw draw) {
  const auto a = static_cast<double>(draw[pair.a]);
  return pair.a == pair.b ? a : a * static_cast<double>(draw[pair.b]);
}

}  // namespace

std::optional<Interval> bootstrap_people(std::size_t people, const Statistic& statistic,
                                         const BootstrapOptions& options) {
  std::mt19937_64 random(options.seed);
  std::vector<std::uint32_t> draw(people);
  std::vector<double> values;
  for (std::size_t i = 0; i < options.replicates; ++i) {
    std::ranges::fill(draw, 0U);
    for (std::size_t k = 0; k < people; ++k) ++draw[index_below(random, people)];
    if (const auto value = statistic(draw)) values.push_back(*value);
  }
  if (static_cast<double>(values.size()) <
      (1 - kMostWithout) * static_cast<double>(options.replicates))
    return std::nullopt;
  std::ranges::sort(values);
  const double outside = (1 - options.confidence) / 2;
  return Interval{.low = quantile(values, outside), .high = quantile(values, 1 - outside)};
}

std::optional<double> error_share(std::span<const PairTrials> pairs, Draw draw) {
  double errors = 0;
  double trials = 0;
  for (const PairTrials& pair : pairs) {
    const double weight = weight_of(pair, draw);
    errors += weight * static_cast<double>(pair.errors);
    trials += weight * static_cast<double>(pair.trials);
  }
  if (trials == 0) return std::nullopt;
  return errors / trials;
}

std::optional<double> error_share_of_all_pairs(std::span<const PairTrials> errors,
                                               std::span<const std::uint32_t> faces, Draw draw) {
  // Over all pairs of two people Σ wᵢ nᵢ wⱼ nⱼ is half of (Σ w n)² − Σ (w n)².
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const double own = static_cast<double>(draw[i]) * static_cast<double>(faces[i]);
    sum += own;
    squares += own * own;
  }
  const double trials = (sum * sum - squares) / 2;
  if (trials == 0) return std::nullopt;
  double count = 0;
  for (const PairTrials& pair : errors)
    count += weight_of(pair, draw) * static_cast<double>(pair.errors);
  return count / trials;
}

}  // namespace visavis::metrics
