#pragma once

/// How much a pair's quality should count beside its similarity, as QMagFace fits it.

#include <optional>
#include <span>

namespace visavis::metrics {

/// A pair's similarity and the lower of its photos' norms.
struct NormedPair {
  float similarity = 0;
  float norm = 0;
};

/// ω = min(0, β · similarity − α); score = ω · norm + similarity.
struct QualityLine {
  double alpha = 0;
  double beta = 0;
};

/// Terhörst et al., "QMagFace: Simple and accurate quality-aware face recognition", WACV 2023,
/// section 3.2: at 50 FMRs from 1e-5 to 1e-2 the ω ≤ 0 that misses fewest pairs, and the straight
/// line of least squares through these ω against the thresholds. FMRs below what the impostors
/// can show (ten false matches) are left out.
/// @return nothing if fewer than two FMRs are left, or the line does not rise
/// @pre no NaN; norms of at least 0
[[nodiscard]] std::optional<QualityLine> fit_quality_line(std::span<const NormedPair> genuine,
                                                          std::span<const NormedPair> impostor);

}  // namespace visavis::metrics
