#pragma once

/// From good and bad photos to a quality score that foretells recognition.

#include <array>
#include <optional>
#include <span>
#include <vector>
#include <visavis/quality/fit.hpp>
#include <visavis/quality_pairs/quality_pairs.hpp>

namespace visavis::quality_pairs {

/// A photo's measures, and which share of its pairs with good photos of the same person is
/// accepted.
struct Sample {
  quality::Measures measures{};
  double accepted = 0;
};

/// One sample for each look in `a` that has a face and a pair. @param pairs  of `a` with good
/// photos
[[nodiscard]] std::vector<Sample> samples_of(const Pairs& pairs, std::span<const Look> a,
                                             double fmr);

/// Logistic regression on shares, no weight below 0 (a better measure never lowers the score), by
/// coordinate-wise Newton steps; a slight ridge keeps measures that say nothing at 0.
/// @return nothing where all photos are accepted, or none
[[nodiscard]] std::optional<quality::Fit> fit_quality(std::span<const Sample> samples);

}  // namespace visavis::quality_pairs
