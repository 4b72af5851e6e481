#include "visavis/metrics/reject.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "roc.hpp"

namespace visavis::metrics {
namespace {

/// Pairs of one quality.
struct Tie {
  std::size_t pairs = 0;
  std::size_t errors = 0;
};

/// By rising quality.
std::vector<Tie> ties_of(std::span<const RatedPair> pairs, double threshold) {
  std::vector<RatedPair> sorted(pairs.begin(), pairs.end());
  std::ranges::sort(sorted, {}, &RatedPair::quality);
  std::vector<Tie> ties;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i == 0 || sorted[i].quality != sorted[i - 1].quality) ties.emplace_back();
    ++ties.back().pairs;
    if (!(sorted[i].score >= threshold)) ++ties.back().errors;
  }
  return ties;
}

}  // namespace

std::vector<RejectPoint> error_versus_reject(std::span<const RatedPair> pairs, double threshold) {
  const std::vector<Tie> ties = ties_of(pairs, threshold);
  std::size_t left = pairs.size();
  std::size_t errors = 0;
  for (const Tie& tie : ties) errors += tie.errors;
  std::vector<RejectPoint> curve;
  for (const Tie& tie : ties) {
    curve.push_back(
        {.rejected = share(pairs.size() - left, pairs.size()), .fnmr = share(errors, left)});
    left -= tie.pairs;
    errors -= tie.errors;
  }
  return curve;
}

double fnmr_after_reject(std::span<const RatedPair> pairs, double threshold, double share) {
  const double all = static_cast<double>(pairs.size());
  double to_reject = share * all;
  const double left = all - to_reject;
  double errors = 0;
  for (const Tie& tie : ties_of(pairs, threshold)) {
    const auto size = static_cast<double>(tie.pairs);
    const double rejected = std::min(to_reject, size);
    to_reject -= rejected;
    errors += static_cast<double>(tie.errors) * (1 - rejected / size);
  }
  return errors / left;
}

}  // namespace visavis::metrics
