#include "visavis/matching/likelihood.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace visavis::matching {
namespace {

constexpr double kLeastNorm = 1e-6;
constexpr double kLeastDoubt = 1e-4;  // qualities nearer to 0 or 1 than this tell no more
constexpr double kFarthest = 5;       // from the centre, in scales
constexpr double kMostLog = 20;       // of a variance

/// NaN counts as the least.
double at_least(double value, double least) { return value >= least ? value : least; }

std::array<double, 2> scaled(const FaceFacts& face, const LikelihoodRatio& ratio) {
  std::array<double, 2> facts = log_facts(face);
  for (std::size_t k = 0; k < facts.size(); ++k)
    facts[k] = std::clamp((facts[k] - ratio.centre[k]) / ratio.scale[k], -kFarthest, kFarthest);
  return facts;
}

struct Law {
  double mean;
  double variance;
};

Law law_at(const CosineLaw& law, const PairTerms& terms) {
  const auto product = [&](const PairTerms& coefficients) {
    return std::inner_product(terms.begin(), terms.end(), coefficients.begin(), 0.0);
  };
  return {.mean = product(law.mean),
          .variance = std::exp(std::clamp(product(law.log_variance), -kMostLog, kMostLog))};
}

double log_density(double value, const Law& law) {
  const double off = value - law.mean;
  return -off * off / (2 * law.variance) - std::log(law.variance) / 2;
}

}  // namespace

std::array<double, 2> log_facts(const FaceFacts& face) noexcept {
  const double quality = std::min(at_least(face.quality, kLeastDoubt), 1 - kLeastDoubt);
  return {std::log(at_least(face.norm, kLeastNorm)), std::log(quality / (1 - quality))};
}

PairTerms pair_terms(const FaceFacts& a, const FaceFacts& b,
                     const LikelihoodRatio& ratio) noexcept {
  const auto one = scaled(a, ratio);
  const auto other = scaled(b, ratio);
  std::array<double, 4> facts{};
  for (std::size_t k = 0; k < one.size(); ++k) {
    facts[2 * k] = std::min(one[k], other[k]);
    facts[2 * k + 1] = std::max(one[k], other[k]);
  }
  PairTerms terms{1};
  std::ranges::copy(facts, terms.begin() + 1);
  std::size_t next = 1 + facts.size();
  for (std::size_t i = 0; i < facts.size(); ++i)
    for (std::size_t j = i; j < facts.size(); ++j) terms[next++] = facts[i] * facts[j];
  return terms;
}

float log_likelihood_ratio(float similarity, const FaceFacts& a, const FaceFacts& b,
                           const LikelihoodRatio& ratio) noexcept {
  const PairTerms terms = pair_terms(a, b, ratio);
  const Law genuine = law_at(ratio.genuine, terms);
  const Law impostor = law_at(ratio.impostor, terms);
  // A parabola of the similarity: only its rising side is used.
  const double bend = 1 / impostor.variance - 1 / genuine.variance;
  double value = similarity;
  if (bend != 0) {
    const double turn =
        (impostor.mean / impostor.variance - genuine.mean / genuine.variance) / bend;
    value = bend > 0 ? std::max(value, turn) : std::min(value, turn);
  }
  return static_cast<float>(log_density(value, genuine) - log_density(value, impostor));
}

}  // namespace visavis::matching
