#pragma once

/// 1:N search: closed set (CMC) and open set (FNIR against FPIR), ISO/IEC 19795-1.

#include <cstddef>
#include <span>
#include <vector>

namespace visavis::metrics {

/// A search by somebody who is in the gallery.
struct MatedSearch {
  /// Of the person's own entry among the answers, counting from 1; 0 if it is not among them, or if
  /// the probe has no face.
  std::size_t rank = 0;
  float score = 0;  ///< Of that entry; not looked at if the rank is 0.
};

/// Cumulative match characteristic: for each k from 1, the share of searches whose own person is
/// among the first k. @pre at least one search
[[nodiscard]] std::vector<double> cumulative_match(std::span<const MatedSearch> searches,
                                                   std::size_t ranks);

/// False negative identification rate: the share of mated searches whose own person does not reach
/// the threshold, or not within the first `ranks`. @pre at least one search
[[nodiscard]] double fnir(std::span<const MatedSearch> searches, double threshold,
                          std::size_t ranks = 1);

/// False positive identification rate: the share of searches by people who are not in the gallery
/// that reach the threshold. −infinity stands for a search that was not made (no face).
/// @param best  the best score of each such search @pre at least one
[[nodiscard]] double fpir(std::span<const float> best, double threshold);

struct IdentificationPoint {
  double threshold = 0;
  double fpir = 0;
  double fnir = 0;
};

/// FNIR at the lowest threshold whose FPIR is at most the one that is asked for.
/// @pre both kinds of search are there
[[nodiscard]] IdentificationPoint fnir_at_fpir(std::span<const MatedSearch> mated,
                                               std::span<const float> best, double fpir,
                                               std::size_t ranks = 1);

/// FNIR against FPIR: one point for each distinct score of an unmated search, falling thresholds.
[[nodiscard]] std::vector<IdentificationPoint> identification_curve(
    std::span<const MatedSearch> mated, std::span<const float> best, std::size_t ranks = 1);

}  // namespace visavis::metrics
