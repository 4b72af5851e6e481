#pragma once

/// How often a search for somebody who is not in a gallery would name someone.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "crowd.hpp"

namespace visavis::protocols {

/// FPIR over a grid of thresholds for galleries of some sizes, from one photo's scores with all
/// others at a time. A gallery holds each of M − 1 other people with the same chance, by a random
/// photo, so a photo that is one of n of its person is in a gallery of N people with chance
/// N / ((M − 1) n), and a search names nobody if none of the photos that reach the threshold is in
/// it. Thread-compatible: threads fill their own and merge.
class FpirEstimate {
 public:
  /// @param lowest  threshold of interest
  /// @param sizes  at most (people - 1) / 2 each
  FpirEstimate(const Crowd& crowd, double lowest, std::vector<std::uint64_t> sizes);

  /// @param scores  of face `i` with every face
  void add(std::size_t i, std::span<const float> scores);
  void merge(const FpirEstimate& other);

  /// The lowest threshold of the grid at which the rate is at most `fpir`.
  /// @param size  index among the sizes
  [[nodiscard]] double threshold(std::size_t size, double fpir) const;

 private:
  [[nodiscard]] double& at(std::vector<double>& grid, std::size_t size, std::size_t bin) const {
    return grid[size * bins_ + bin];
  }

  const Crowd* crowd_;
  double lowest_;
  std::vector<std::uint64_t> sizes_;
  std::size_t bins_;
  std::vector<double> named_;  ///< [size][bin]: chances that a search names someone, summed up.
  std::vector<double> quiet_;  ///< [size][bin]: of one search, logarithms of chances of nobody.
};

}  // namespace visavis::protocols
