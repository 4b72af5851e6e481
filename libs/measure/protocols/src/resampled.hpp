#pragma once

/// Pairs with the people on them, and what their figures would be with other people.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "visavis/metrics/bootstrap.hpp"

namespace visavis::protocols {

/// A pair of photos, by the numbers of the people on them; −infinity: it is never accepted.
struct ScoredPair {
  float score = 0;
  std::uint32_t a = 0;
  std::uint32_t b = 0;  ///< The same number for a pair of one person.
};

/// Of scores, each as often as its pair was drawn.
struct WeightedSums {
  double weight = 0;
  double sum = 0;
  double squares = 0;
};

/// Impostor pairs of which only those with the highest scores are kept.
struct LeftOut {
  /// Of all impostor pairs in a draw, the kept ones too. Empty: none is left out.
  std::function<double(metrics::Draw)> weight_of_all{};
  /// The same, with their scores; empty: d′ has no interval.
  std::function<WeightedSums(metrics::Draw)> sums_of_all{};
  /// Of those left out the share above a score, with half of its equals, whoever is drawn; empty:
  /// AUC has no interval.
  std::function<double(float)> share_above{};
};

constexpr std::size_t kFewestPeople = 5;  // for an interval to mean anything

/// Both kinds of pairs. In a draw of people, the threshold is looked for anew. Immutable.
class ResampledPairs {
 public:
  ResampledPairs(std::size_t people, std::vector<ScoredPair> genuine,
                 std::vector<ScoredPair> impostor, LeftOut left_out = {});

  /// Intervals of the figures in metrics/verification.hpp and curves.hpp; nothing for too few
  /// people, or if too many draws need impostors that were left out.
  [[nodiscard]] std::optional<metrics::Interval> tar_at_far(double far,
                                                            std::size_t replicates) const;
  [[nodiscard]] std::optional<metrics::Interval> equal_error_rate(std::size_t replicates) const;
  [[nodiscard]] std::optional<metrics::Interval> area_under_curve(std::size_t replicates) const;
  /// @pre every score is finite
  [[nodiscard]] std::optional<metrics::Interval> d_prime(std::size_t replicates) const;

 private:
  [[nodiscard]] std::optional<double> tar_in(metrics::Draw draw, double far) const;
  [[nodiscard]] std::optional<double> error_rate_in(metrics::Draw draw) const;
  [[nodiscard]] std::optional<double> area_in(metrics::Draw draw) const;
  [[nodiscard]] std::optional<double> d_prime_in(metrics::Draw draw) const;
  /// How many pairs of either kind a draw holds.
  struct Weights {
    double genuine;
    double impostor;
  };
  /// @return nothing where a kind is missing
  [[nodiscard]] std::optional<Weights> weights_in(metrics::Draw draw) const;
  [[nodiscard]] std::optional<metrics::Interval> interval(const metrics::Statistic& statistic,
                                                          std::size_t replicates) const;

  std::size_t people_;
  std::vector<ScoredPair> genuine_;   ///< By falling score.
  std::vector<ScoredPair> impostor_;  ///< The same.
  LeftOut left_out_;
};

}  // namespace visavis::protocols
