#include "visavis/metrics/attack.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "visavis/metrics/verification.hpp"

namespace visavis::metrics {

std::vector<double> apcer(std::span<const AttackSpecies> species, double threshold) {
  std::vector<double> rates;
  for (const AttackSpecies& one : species) rates.push_back(accepted_share(one.scores, threshold));
  return rates;
}

double bpcer(std::span<const float> bona_fide, double threshold) {
  return 1 - accepted_share(bona_fide, threshold);
}

double bpcer_at_apcer(std::span<const AttackSpecies> species, std::span<const float> bona_fide,
                      double apcer) {
  std::vector<double> thresholds;
  for (const AttackSpecies& one : species)
    thresholds.push_back(threshold_at_far(one.scores, apcer));
  return bpcer(bona_fide, *std::ranges::max_element(thresholds));
}

}  // namespace visavis::metrics
