#include "visavis/metrics/verification.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "roc.hpp"

namespace visavis::metrics {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// A threshold that accepts what step `k` accepts and nothing more, as far as possible from the
/// scores on both sides.
double between(const std::vector<Step>& steps, std::size_t k) {
  const double upper = steps[k].threshold;
  if (k + 1 == steps.size()) return upper;
  const double lower = steps[k + 1].threshold;
  return k == 0 ? std::nextafter(steps[1].threshold, kInfinity) : (upper + lower) / 2;
}

}  // namespace

double accepted_share(std::span<const float> scores, double threshold) noexcept {
  if (scores.empty()) return 0;
  const auto accepted = std::ranges::count_if(scores, [&](float s) { return s >= threshold; });
  return share(static_cast<std::size_t>(accepted), scores.size());
}

double threshold_at_far(std::span<const float> impostor, double far) {
  // The largest count whose share is not above `far`; written without a product, so that
  // 3 of 3000 is 1e-3.
  const auto count = impostor.size();
  auto allowed = static_cast<std::size_t>(far * static_cast<double>(count));
  while (allowed < count && share(allowed + 1, count) <= far) ++allowed;
  while (allowed > 0 && share(allowed, count) > far) --allowed;

  std::vector<float> scores(impostor.begin(), impostor.end());
  if (allowed == count) return *std::ranges::min_element(scores);
  const auto at = scores.begin() + static_cast<std::ptrdiff_t>(allowed);
  std::ranges::nth_element(scores, at, std::greater{});
  return std::nextafter(*at, kInfinity);  // score number `allowed` is the first to be refused
}

double tar_at_far(const Scores& scores, double far) {
  return accepted_share(scores.genuine, threshold_at_far(scores.impostor, far));
}

double equal_error_rate(const Scores& scores) {
  const std::size_t genuine = scores.genuine.size();
  const std::size_t impostor = scores.impostor.size();
  double far_before = 0;
  double frr_before = 1;
  const auto crossing = [&](double far, double frr) {
    const double above = frr_before - far_before;  // positive: still more rejects than accepts
    const double below = far - frr;
    const double along = above / (above + below);
    return far_before + along * (far - far_before);
  };
  for (const Step& step : roc(scores)) {
    const double far = share(step.impostor, impostor);
    const double frr = 1 - share(step.genuine, genuine);
    if (far == frr) return far;
    if (far > frr) return crossing(far, frr);
    far_before = far;
    frr_before = frr;
  }
  return crossing(1, 0);  // pairs that are never accepted: the ROC ends at (1, 1) all the same
}

double area_under_curve(const Scores& scores) {
  // Sum over impostors of the genuine scores above, twice counted so that ties stay whole.
  std::vector<float> genuine(scores.genuine.begin(), scores.genuine.end());
  std::ranges::sort(genuine);
  double twice = 0;
  for (const float score : scores.impostor) {
    const auto [first, last] = std::ranges::equal_range(genuine, score);
    twice += 2 * static_cast<double>(genuine.end() - last) + static_cast<double>(last - first);
  }
  return twice / 2 / static_cast<double>(genuine.size()) /
         static_cast<double>(scores.impostor.size());
}

double best_threshold(const Scores& scores) {
  const std::vector<Step> steps = roc(scores);
  const auto right = [&](const Step& step) {
    return step.genuine + scores.impostor.size() - step.impostor;
  };
  std::size_t most = 0;
  for (const Step& step : steps) most = std::max(most, right(step));
  std::vector<std::size_t> best;
  for (std::size_t k = 0; k < steps.size(); ++k)
    if (right(steps[k]) == most) best.push_back(k);
  return between(steps, best[best.size() / 2]);
}

FoldedAccuracy folded_accuracy(std::span<const Scores> folds) {
  FoldedAccuracy result;
  for (std::size_t held = 0; held < folds.size(); ++held) {
    std::vector<float> genuine;
    std::vector<float> impostor;
    for (std::size_t k = 0; k < folds.size(); ++k) {
      if (k == held) continue;
      genuine.insert(genuine.end(), folds[k].genuine.begin(), folds[k].genuine.end());
      impostor.insert(impostor.end(), folds[k].impostor.begin(), folds[k].impostor.end());
    }
    const double threshold = best_threshold({.genuine = genuine, .impostor = impostor});
    const Scores& fold = folds[held];
    const auto genuine_count = static_cast<double>(fold.genuine.size());
    const auto impostor_count = static_cast<double>(fold.impostor.size());
    const double right = accepted_share(fold.genuine, threshold) * genuine_count +
                         (1 - accepted_share(fold.impostor, threshold)) * impostor_count;
    result.folds.push_back(right / (genuine_count + impostor_count));
    result.thresholds.push_back(threshold);
  }
  const auto count = static_cast<double>(result.folds.size());
  result.mean = std::reduce(result.folds.begin(), result.folds.end()) / count;
  double squares = 0;
  for (const double fold : result.folds) squares += (fold - result.mean) * (fold - result.mean);
  result.std = std::sqrt(squares / count);
  return result;
}

}  // namespace visavis::metrics
