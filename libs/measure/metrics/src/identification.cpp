#include "visavis/metrics/identification.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "roc.hpp"
#include "visavis/metrics/verification.hpp"

namespace visavis::metrics {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// What each search's own person scored, as far as the rank counts.
std::vector<float> own_scores(std::span<const MatedSearch> searches, std::size_t ranks) {
  std::vector<float> scores;
  for (const MatedSearch& search : searches)
    scores.push_back(search.rank >= 1 && search.rank <= ranks ? search.score : kNever);
  return scores;
}

}  // namespace

std::vector<double> cumulative_match(std::span<const MatedSearch> searches, std::size_t ranks) {
  std::vector<std::size_t> at(ranks + 1);
  for (const MatedSearch& search : searches)
    if (search.rank >= 1 && search.rank <= ranks) ++at[search.rank];
  std::vector<double> curve;
  std::size_t found = 0;
  for (std::size_t k = 1; k <= ranks; ++k) {
    found += at[k];
    curve.push_back(share(found, searches.size()));
  }
  return curve;
}

double fnir(std::span<const MatedSearch> searches, double threshold, std::size_t ranks) {
  return 1 - accepted_share(own_scores(searches, ranks), threshold);
}

double fpir(std::span<const float> best, double threshold) {
  return accepted_share(best, threshold);
}

IdentificationPoint fnir_at_fpir(std::span<const MatedSearch> mated, std::span<const float> best,
                                 double fpir, std::size_t ranks) {
  const double threshold = threshold_at_far(best, fpir);
  return {.threshold = threshold,
          .fpir = accepted_share(best, threshold),
          .fnir = fnir(mated, threshold, ranks)};
}

std::vector<IdentificationPoint> identification_curve(std::span<const MatedSearch> mated,
                                                      std::span<const float> best,
                                                      std::size_t ranks) {
  const std::vector<float> own = own_scores(mated, ranks);
  std::vector<IdentificationPoint> curve;
  std::size_t before = 0;
  for (const Step& step : roc({.genuine = own, .impostor = best})) {
    if (!curve.empty() && step.impostor == before) continue;
    before = step.impostor;
    curve.push_back({.threshold = step.threshold,
                     .fpir = share(step.impostor, best.size()),
                     .fnir = 1 - share(step.genuine, own.size())});
  }
  return curve;
}

}  // namespace visavis::metrics
