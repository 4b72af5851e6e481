#include "visavis/matching/matching.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace visavis::matching {

std::string_view to_string(ScoreKind kind) noexcept {
  switch (kind) {
    case ScoreKind::kCosine:
      return "cosine";
    case ScoreKind::kQualityAware:
      return "quality_aware";
  }
  return "unknown";
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
