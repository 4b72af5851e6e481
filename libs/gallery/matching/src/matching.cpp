#include "visavis/matching/matching.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace visavis::matching {

std::string_view to_string(ScoreKind kind) noexcept {
  switch (kind) {
    case ScoreKind::kCosine:
      return "cosine";
    case ScoreKind::kQualityAware:
      return "quality_aware";
    case ScoreKind::kL2:
      return "l2";
    case ScoreKind::kSquaredL2:
      return "squared_l2";
  }
  return "unknown";
}

std::optional<ScoreKind> parse_score_kind(std::string_view text) noexcept {
  for (const ScoreKind kind :
       {ScoreKind::kCosine, ScoreKind::kQualityAware, ScoreKind::kL2, ScoreKind::kSquaredL2})
    if (text == to_string(kind)) return kind;
  return std::nullopt;
}

bool is_distance(ScoreKind kind) noexcept {
  return kind == ScoreKind::kL2 || kind == ScoreKind::kSquaredL2;
}

double distance(double similarity, ScoreKind kind) noexcept {
  if (!is_distance(kind)) return similarity;
  // Rounding may take a similarity a little beyond 1.
  const double squared = std::max(0.0, 2 - 2 * similarity);
  return kind == ScoreKind::kL2 ? std::sqrt(squared) : squared;
}

double ProbabilityMap::operator()(double score) const noexcept {
  return 1 / (1 + std::exp(-(slope * score + intercept)));
}

void FusedTemplate::add(std::span<const float> unit, float weight) {
  const double counted = std::max(weight, 0.F);
  weights_ += counted;
  for (std::size_t i = 0; i < plain_.size(); ++i) {
    plain_[i] += static_cast<double>(unit[i]);
    weighted_[i] += counted * static_cast<double>(unit[i]);
  }
}

float FusedTemplate::similarity(std::span<const float> probe) const {
  const std::vector<double>& sum = weights_ > 0 ? weighted_ : plain_;
  double product = 0;
  double squares = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    product += sum[i] * static_cast<double>(probe[i]);
    squares += sum[i] * sum[i];
  }
  return squares > 0 ? static_cast<float>(product / std::sqrt(squares)) : -1.F;
}

float similarity(std::span<const float> a, std::span<const float> b) noexcept {
  // Independent sums let the compiler use the vector unit without reordering float additions.
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> sums{};
  const std::size_t n = std::min(a.size(), b.size());
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (std::size_t k = 0; k < kLanes; ++k) sums[k] += a[i + k] * b[i + k];
  double total = 0;
  for (const float sum : sums) total += sum;
  for (; i < n; ++i) total += static_cast<double>(a[i]) * b[i];
  return static_cast<float>(std::clamp(total, -1.0, 1.0));
}

float quality_aware_score(float similarity, float norm_a, float norm_b, double alpha,
                          double beta) noexcept {
  const double weight = std::min(0.0, beta * similarity - alpha);
  return static_cast<float>(weight * std::min(norm_a, norm_b) + similarity);
}

}  // namespace visavis::matching
