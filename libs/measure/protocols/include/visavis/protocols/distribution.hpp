#pragma once

/// What plots and lists of errors show beside rates.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <visavis/metrics/histogram.hpp>

namespace visavis::protocols {

/// Pairs by score in bins of equal width from −1 to 1; what lies outside is in the outermost ones.
/// Pairs without a score are in none.
struct Distribution {
  static constexpr double kLow = -1;
  static constexpr double kHigh = 1;
  static constexpr std::size_t kBins = 100;

  std::vector<std::uint64_t> genuine = std::vector<std::uint64_t>(kBins);
  std::vector<std::uint64_t> impostor = std::vector<std::uint64_t>(kBins);

  /// @pre `score` is finite
  [[nodiscard]] static std::size_t bin_of(double score) noexcept;
};

/// Impostors as they were counted, each by the middle of its bin.
[[nodiscard]] Distribution distribution_of(std::span<const float> genuine,
                                           const metrics::ScoreHistogram& impostor);

/// Two photos and how alike they are.
struct JudgedPair {
  std::string a;
  std::string b;
  double score = 0;
};

}  // namespace visavis::protocols
