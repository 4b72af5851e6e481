#include "visavis/metrics/reliability.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace visavis::metrics {

Reliability reliability(std::span<const Forecast> forecasts, std::size_t bins) {
  struct Sum {
    double weight = 0;
    double said = 0;
    double genuine = 0;
  };
  std::vector<Sum> sums(bins);
  double all = 0;
  for (const Forecast& one : forecasts) {
    const auto at =
        static_cast<std::size_t>(std::clamp(one.said, 0.0, 1.0) * static_cast<double>(bins));
    Sum& sum = sums[std::min(at, bins - 1)];
    const double weight = one.genuine + one.impostor;
    sum.weight += weight;
    sum.said += weight * one.said;
    sum.genuine += one.genuine;
    all += weight;
  }
  Reliability answer;
  for (std::size_t i = 0; i < bins; ++i) {
    const Sum& sum = sums[i];
    if (sum.weight == 0) continue;
    answer.bins.push_back({.low = static_cast<double>(i) / static_cast<double>(bins),
                           .high = static_cast<double>(i + 1) / static_cast<double>(bins),
                           .share = sum.weight / all,
                           .said = sum.said / sum.weight,
                           .happened = sum.genuine / sum.weight});
    answer.expected_error += std::abs(sum.said - sum.genuine) / all;
  }
  return answer;
}

}  // namespace visavis::metrics
