#include "searches.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "crowd.hpp"
#include "visavis/core/executor.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/metrics/identification.hpp"
#include "visavis/protocols/calibrate.hpp"
#include "visavis/protocols/verification.hpp"

namespace visavis::protocols {
namespace {

constexpr double kStep = 1.0 / 4096;
constexpr std::uint64_t kSeed = 20261126;

/// A random photo of each person, and the people in random order.
struct Shuffle {
  std::vector<std::size_t> people;
  std::vector<std::size_t> photo;
};

/// Below `count`; std::uniform_int_distribution differs between libraries, and a bias of 2^-40 does
/// not matter here.
std::size_t below(std::mt19937_64& random, std::size_t count) { return random() % count; }

Shuffle shuffle(const std::vector<std::vector<std::size_t>>& photos, std::mt19937_64& random) {
  Shuffle result;
  for (const auto& own : photos) {
    result.people.push_back(result.people.size());
    result.photo.push_back(own[below(random, own.size())]);
  }
  for (std::size_t i = result.people.size(); i > 1; --i)
    std::swap(result.people[i - 1], result.people[below(random, i)]);
  return result;
}

/// The best score of everybody outside with the first `size` people.
std::vector<float> best_scores(std::span<const LabelledFace> faces, const Shuffle& shuffle,
                               std::size_t size, const ScoreRule& rule, Executor& executor) {
  std::vector<float> best(shuffle.people.size() - size);
  const auto face = [&](std::size_t k) -> const Embedding& {
    return faces[shuffle.photo[shuffle.people[k]]].embedding;
  };
  executor.parallel_for(best.size(), [&](std::size_t i, int) {
    best[i] = -INFINITY;
    for (std::size_t k = 0; k < size; ++k)
      best[i] = std::max(best[i], score(face(size + i), face(k), rule));
  });
  return best;
}

}  // namespace

FpirEstimate::FpirEstimate(const Crowd& crowd, double lowest, std::vector<std::uint64_t> sizes)
    : crowd_(&crowd),
      lowest_(lowest),
      sizes_(std::move(sizes)),
      bins_(static_cast<std::size_t>(std::max(1.0, std::ceil((1 - lowest) / kStep))) + 1),
      named_(sizes_.size() * bins_),
      quiet_(named_.size()) {}

void FpirEstimate::add(std::size_t i, std::span<const float> scores) {
  std::ranges::fill(quiet_, 0.0);
  const std::uint32_t own = crowd_->person[i];
  const auto others = static_cast<double>(crowd_->people() - 1);
  for (std::size_t j = 0; j < scores.size(); ++j) {
    if (scores[j] < lowest_ || crowd_->person[j] == own) continue;
    const auto bin = static_cast<std::size_t>((static_cast<double>(scores[j]) - lowest_) / kStep);
    const double photos = crowd_->faces[crowd_->person[j]];
    for (std::size_t s = 0; s < sizes_.size(); ++s)
      at(quiet_, s, std::min(bin, bins_ - 1)) +=
          std::log1p(-static_cast<double>(sizes_[s]) / (others * photos));
  }
  // A person counts once, however many photos there are.
  const double weight = 1.0 / crowd_->faces[own];
  for (std::size_t s = 0; s < sizes_.size(); ++s) {
    double quiet = 0;
    for (std::size_t bin = bins_; bin-- > 0;) {
      quiet += at(quiet_, s, bin);
      if (quiet < 0) at(named_, s, bin) -= weight * std::expm1(quiet);
    }
  }
}

void FpirEstimate::merge(const FpirEstimate& other) {
  for (std::size_t i = 0; i < named_.size(); ++i) named_[i] += other.named_[i];
}

double FpirEstimate::threshold(std::size_t size, double fpir) const {
  const auto people = static_cast<double>(crowd_->people());
  std::size_t bin = bins_;
  while (bin > 0 && named_[size * bins_ + bin - 1] / people <= fpir) --bin;
  return lowest_ + static_cast<double>(bin) * kStep;
}

std::vector<ObservedFpir> observe_fpir(std::span<const LabelledFace> faces,
                                       const matching::Calibration& calibration,
                                       const ScoreRule& rule, Executor& executor,
                                       std::size_t draws) {
  const Crowd crowd = crowd_of(faces);
  std::vector<std::vector<std::size_t>> photos(crowd.people());
  for (std::size_t i = 0; i < faces.size(); ++i) photos[crowd.person[i]].push_back(i);
  std::vector<ObservedFpir> observed;
  for (const matching::FpirPoint& point : calibration.by_fpir)
    if (3 * point.persons <= 2 * crowd.people())
      observed.push_back({.promised = point, .mean = 0, .low = 1, .high = 0});
  std::mt19937_64 random(kSeed);
  for (std::size_t draw = 0; draw < draws; ++draw) {
    const Shuffle order = shuffle(photos, random);
    std::uint64_t size = 0;
    std::vector<float> best;
    for (ObservedFpir& one : observed) {
      if (one.promised.persons != size) {
        size = one.promised.persons;
        best = best_scores(faces, order, static_cast<std::size_t>(size), rule, executor);
      }
      const double rate = metrics::fpir(best, one.promised.threshold);
      one.mean += rate / static_cast<double>(draws);
      one.low = std::min(one.low, rate);
      one.high = std::max(one.high, rate);
    }
  }
  return observed;
}

}  // namespace visavis::protocols
