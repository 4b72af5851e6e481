#pragma once

/// How far a figure would move with other people in the data.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace visavis::metrics {

struct Interval {
  double low = 0;
  double high = 0;
};

struct BootstrapOptions {
  std::size_t replicates = 1000;
  double confidence = 0.95;
  std::uint64_t seed = 20261126;
};

/// How often each person was drawn.
using Draw = std::span<const std::uint32_t>;
/// A figure of the people drawn; nothing if it has no value for them.
using Statistic = std::function<std::optional<double>(Draw)>;

/// Percentile interval of a statistic under resampling of people with replacement. Pairs that share
/// a person are not independent, so people are drawn and never pairs: a pair of one person counts
/// as often as the person was drawn, a pair of two people as often as the product of both
/// (Fogliato, Patil and Perona, "Confidence intervals for error rates in 1:1 matching tasks", IJCV
/// 2024; the subset bootstrap of Bolle, Ratha and Pankanti, CVIU 2004, for genuine pairs). The same
/// on every machine: draws come from the seed alone.
/// @return nothing if the statistic has a value in fewer than nine draws of ten.
/// @pre people >= 1, replicates >= 1, 0 < confidence < 1
[[nodiscard]] std::optional<Interval> bootstrap_people(std::size_t people,
                                                       const Statistic& statistic,
                                                       const BootstrapOptions& options = {});

/// What happened between two people, or within one where both are the same.
struct PairTrials {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint64_t errors = 0;
  std::uint64_t trials = 0;
};

/// Errors among trials, each pair as often as it was drawn; nothing without trials.
[[nodiscard]] std::optional<double> error_share(std::span<const PairTrials> pairs, Draw draw);

/// Every face with every face of another person, as often as drawn: what `errors` (whose trials do
/// not count) are a share of. O(people + errors).
/// @param faces  of each person
[[nodiscard]] std::optional<double> error_share_of_all_pairs(std::span<const PairTrials> errors,
                                                             std::span<const std::uint32_t> faces,
                                                             Draw draw);

}  // namespace visavis::metrics
