#pragma once

/// Scores that know of quality, fitted to good and bad photos of the same people.

#include <optional>
#include <span>
#include <visavis/matching/likelihood.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/quality_pairs/quality_pairs.hpp>

namespace visavis::quality_pairs {

// Both take good photos with good, bad with good and bad with bad alike. Every pair of one person
// counts (of one with very many, evenly chosen ones), and as many drawn pairs of two people as a
// fit needs: the same ones for the same looks. Looks without a face are passed over.

/// α and β of QMagFace's score (metrics::fit_quality_line). @return nothing if it would save
/// nothing
[[nodiscard]] std::optional<matching::QualityLine> fit_line(std::span<const Look> high,
                                                            std::span<const Look> low);

/// The laws of `log_likelihood_ratio`. A person's pairs weigh by the root of their number.
/// @return nothing for too few photos
[[nodiscard]] std::optional<matching::LikelihoodRatio> fit_ratio(std::span<const Look> high,
                                                                 std::span<const Look> low);

}  // namespace visavis::quality_pairs
