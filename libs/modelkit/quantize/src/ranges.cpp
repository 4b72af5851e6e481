#include "visavis/quantize/ranges.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {
namespace {

constexpr std::array kMethods{
    std::pair{RangeMethod::kMinMax, std::string_view("minmax")},
    std::pair{RangeMethod::kPercentile, std::string_view("percentile")},
    std::pair{RangeMethod::kMse, std::string_view("mse")},
    std::pair{RangeMethod::kEntropy, std::string_view("entropy")},
};

constexpr int kSteps = 256;

double width_of(const Observed& observed) {
  return (static_cast<double>(observed.range.high) - observed.range.low) / Observed::kBins;
}

/// The value below which a share of the values lies.
double quantile(const Observed& observed, double share, double total) {
  const double wanted = share * total;
  double below = 0;
  for (std::size_t i = 0; i < observed.bins.size(); ++i) {
    const auto held = static_cast<double>(observed.bins[i]);
    if (held > 0 && below + held >= wanted)
      return observed.range.low +
             (static_cast<double>(i) + (wanted - below) / held) * width_of(observed);
    below += held;
  }
  return observed.range.high;
}

double total_of(const Observed& observed) {
  double total = 0;
  for (const std::uint64_t held : observed.bins) total += static_cast<double>(held);
  return total;
}

Range around_zero(double low, double high) {
  return {.low = static_cast<float>(std::min(low, 0.0)),
          .high = static_cast<float>(std::max(high, 0.0))};
}

Range percentile(const Observed& observed, double kept) {
  const double total = total_of(observed);
  const double cut = (1 - kept) / 2;
  return around_zero(quantile(observed, cut, total), quantile(observed, 1 - cut, total));
}

/// Squared error of clipping at each candidate end, summed over the values beyond it.
double clipped_above(const Observed& observed, double bound) {
  double sum = 0;
  const double width = width_of(observed);
  for (std::size_t i = observed.bins.size(); i-- > 0;) {
    const double value = observed.range.low + (static_cast<double>(i) + .5) * width;
    if (value <= bound) break;
    sum += static_cast<double>(observed.bins[i]) * (value - bound) * (value - bound);
  }
  return sum;
}

double clipped_below(const Observed& observed, double bound) {
  double sum = 0;
  const double width = width_of(observed);
  for (std::size_t i = 0; i < observed.bins.size(); ++i) {
    const double value = observed.range.low + (static_cast<double>(i) + .5) * width;
    if (value >= bound) break;
    sum += static_cast<double>(observed.bins[i]) * (value - bound) * (value - bound);
  }
  return sum;
}

Range least_squares(const Observed& observed) {
  constexpr int kTried = 100;  // ends at 1 %, 2 %, … 100 % of the way from 0
  std::array<double, kTried> below{};
  std::array<double, kTried> above{};
  const auto share = [](std::size_t i) { return static_cast<double>(i + 1) / kTried; };
  for (std::size_t i = 0; i < kTried; ++i) {
    below[i] = clipped_below(observed, observed.range.low * share(i));
    above[i] = clipped_above(observed, observed.range.high * share(i));
  }
  const double total = total_of(observed);
  double best = std::numeric_limits<double>::infinity();
  Range range = observed.range;
  for (std::size_t i = 0; i < kTried; ++i)
    for (std::size_t j = 0; j < kTried; ++j) {
      const double low = observed.range.low * share(i);
      const double high = observed.range.high * share(j);
      const double step = (high - low) / (kSteps - 1);
      const double error = below[i] + above[j] + total * step * step / 12;
      if (error > best) continue;  // of equals the widest
      best = error;
      range = around_zero(low, high);
    }
  return range;
}

/// KL(P ‖ Q) of the bins from `first` to `end`: P with what lies beyond in its outermost bins, Q
/// the same bins without it, merged to 256 steps and spread evenly over those that hold something.
double divergence(std::span<const std::uint64_t> bins, std::size_t first, std::size_t end) {
  std::vector<double> p;
  for (std::size_t i = first; i < end; ++i) p.push_back(static_cast<double>(bins[i]));
  std::vector<double> q = p;
  for (std::size_t i = 0; i < first; ++i) p.front() += static_cast<double>(bins[i]);
  for (std::size_t i = end; i < bins.size(); ++i) p.back() += static_cast<double>(bins[i]);
  const std::size_t count = q.size();
  for (std::size_t step = 0; step < kSteps; ++step) {
    const std::size_t from = step * count / kSteps;
    const std::size_t to = (step + 1) * count / kSteps;
    double sum = 0;
    double filled = 0;
    for (std::size_t i = from; i < to; ++i) {
      sum += q[i];
      filled += p[i] > 0 ? 1 : 0;
    }
    for (std::size_t i = from; i < to; ++i) q[i] = p[i] > 0 ? sum / filled : 0;
  }
  double p_total = 0;
  double q_total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    p_total += p[i];
    q_total += q[i];
  }
  constexpr double kFloor = 1e-9;  // a step that Q lacks altogether costs much, not infinitely much
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (p[i] > 0)
      sum += p[i] / p_total *
             std::log((p[i] / p_total) / std::max(q[i] / std::max(q_total, 1.0), kFloor));
  return sum;
}

/// The histogram with as much in the bin of 0 as in the bins beside it. What is 0 stays 0 whatever
/// the steps are, but a bin that holds half of all values outweighs all others: it would be spread
/// over its step, and the smallest range, where bins are steps, always seem the best.
std::vector<std::uint64_t> without_zeros(const Observed& observed, double zero) {
  std::vector<std::uint64_t> bins = observed.bins;
  const std::size_t at = std::min(static_cast<std::size_t>(zero), bins.size() - 1);
  const std::uint64_t before = at > 0 ? bins[at - 1] : bins[at + 1];
  const std::uint64_t behind = at + 1 < bins.size() ? bins[at + 1] : before;
  bins[at] = before / 2 + behind / 2;
  return bins;
}

Range least_divergence(const Observed& observed) {
  constexpr int kTried = 112;  // from an eighth of the bins, below which each is a step, to all
  const double width = width_of(observed);
  const double zero = width > 0 ? -static_cast<double>(observed.range.low) / width : 0;
  const std::vector<std::uint64_t> bins = without_zeros(observed, zero);
  double best = std::numeric_limits<double>::infinity();
  Range range = observed.range;
  for (int i = 0; i <= kTried; ++i) {
    const double share = .125 + .875 * i / kTried;
    const auto first = static_cast<std::size_t>(std::floor(zero - zero * share));
    const auto end = static_cast<std::size_t>(std::ceil(zero + (Observed::kBins - zero) * share));
    if (end - first < kSteps) continue;
    const double found = divergence(bins, first, std::min(end, Observed::kBins));
    if (found > best) continue;
    best = found;
    range = around_zero(observed.range.low * share, observed.range.high * share);
  }
  return range;
}

}  // namespace

std::string_view to_string(RangeMethod method) noexcept {
  for (const auto& [known, name] : kMethods)
    if (known == method) return name;
  return "";
}

Result<RangeMethod> parse_range_method(std::string_view text) {
  for (const auto& [known, name] : kMethods)
    if (name == text) return known;
  return fail(ErrorCode::kInvalidArgument, "there is no method \"" + std::string(text) +
                                               "\"; known are minmax, percentile, mse, entropy");
}

void Observed::count(std::span<const float> values) {
  bins.resize(kBins);
  const double width = width_of(*this);
  for (const float value : values) {
    const double place = width > 0 ? (static_cast<double>(value) - range.low) / width : 0;
    ++bins[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBins - 1)))];
  }
}

Range choose_range(const Observed& observed, RangeMethod method, double kept) {
  switch (method) {
    case RangeMethod::kMinMax:
      return observed.range;
    case RangeMethod::kPercentile:
      return percentile(observed, kept);
    case RangeMethod::kMse:
      return least_squares(observed);
    case RangeMethod::kEntropy:
      return least_divergence(observed);
  }
  return observed.range;
}

Steps steps_of(Range range) noexcept {
  const float width = range.high - range.low;
  // A tensor that was always 0, or so small that its step is no number: any scale will do.
  if (!(width > kSteps * std::numeric_limits<float>::min())) return {};
  const float scale = width / (kSteps - 1);
  const float zero = std::clamp(std::nearbyint(-range.low / scale), 0.F, kSteps - 1.F);
  return {.scale = scale, .zero = static_cast<std::uint8_t>(zero)};
}

}  // namespace visavis::modelkit
