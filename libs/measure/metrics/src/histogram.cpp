#include "visavis/metrics/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace visavis::metrics {

ScoreHistogram::ScoreHistogram(double low, double high, std::size_t bins)
    : low_(low),
      width_((high - low) / static_cast<double>(bins)),
      bins_(bins),
      largest_(static_cast<float>(low)) {}

std::size_t ScoreHistogram::bin_of(double score) const noexcept {
  const double bin = std::floor((score - low_) / width_);
  return static_cast<std::size_t>(std::clamp(bin, 0.0, static_cast<double>(bins_.size() - 1)));
}

double ScoreHistogram::edge(std::size_t bin) const noexcept {
  return low_ + static_cast<double>(bin) * width_;
}

void ScoreHistogram::add(std::span<const float> scores) {
  count_ += scores.size();
  for (const float score : scores) {
    largest_ = std::max(largest_, score);
    if (score == -INFINITY)
      ++never_;
    else
      ++bins_[bin_of(score)];
  }
}

void ScoreHistogram::merge(const ScoreHistogram& other) {
  for (std::size_t i = 0; i < bins_.size(); ++i) bins_[i] += other.bins_[i];
  count_ += other.count_;
  never_ += other.never_;
  largest_ = std::max(largest_, other.largest_);
}

Bounds ScoreHistogram::accepted_share(double threshold) const {
  const std::size_t bin = bin_of(threshold);
  std::uint64_t above = 0;
  for (std::size_t i = bin + 1; i < bins_.size(); ++i) above += bins_[i];
  const auto all = static_cast<double>(count_);
  return {.low = static_cast<double>(above) / all,
          .high = static_cast<double>(above + bins_[bin]) / all};
}

double ScoreHistogram::threshold_at_far(double far) const {
  std::uint64_t accepted = 0;
  for (std::size_t i = bins_.size(); i-- > 0;) {
    accepted += bins_[i];
    if (static_cast<double>(accepted) / static_cast<double>(count_) <= far) continue;
    // The last bin holds what lies beyond it, too.
    return i + 1 < bins_.size() ? edge(i + 1) : std::nextafter(largest_, INFINITY);
  }
  return edge(0);
}

Bounds ScoreHistogram::area_under_curve(const ScoreHistogram& genuine,
                                        const ScoreHistogram& impostor) {
  // Of the impostors below each bin, in it; both kinds that are never accepted tie.
  auto below = static_cast<double>(impostor.never_);
  double won = 0;
  double tied = 0;
  for (std::size_t i = 0; i < genuine.bins_.size(); ++i) {
    const auto here = static_cast<double>(genuine.bins_[i]);
    won += here * below;
    tied += here * static_cast<double>(impostor.bins_[i]);
    below += static_cast<double>(impostor.bins_[i]);
  }
  const double never = static_cast<double>(genuine.never_) * static_cast<double>(impostor.never_);
  const double all = static_cast<double>(genuine.count_) * static_cast<double>(impostor.count_);
  return {.low = (won + never / 2) / all, .high = (won + tied + never / 2) / all};
}

Bounds ScoreHistogram::equal_error_rate(const ScoreHistogram& genuine,
                                        const ScoreHistogram& impostor) {
  std::uint64_t matches = 0;
  std::uint64_t false_matches = 0;
  double fmr_before = 0;
  double fnmr_before = 1;
  for (std::size_t i = genuine.bins_.size(); i-- > 0;) {
    matches += genuine.bins_[i];
    false_matches += impostor.bins_[i];
    const double fmr = static_cast<double>(false_matches) / static_cast<double>(impostor.count_);
    const double fnmr = 1 - static_cast<double>(matches) / static_cast<double>(genuine.count_);
    // The curve crosses within this bin: both rates lie between their values at its two edges.
    if (fmr >= fnmr) return {std::max(fmr_before, fnmr), std::min(fmr, fnmr_before)};
    fmr_before = fmr;
    fnmr_before = fnmr;
  }
  return {fmr_before, fnmr_before};
}

}  // namespace visavis::metrics
