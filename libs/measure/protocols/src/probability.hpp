#pragma once

#include <optional>
#include <span>

#include "visavis/matching/matching.hpp"
#include "visavis/metrics/histogram.hpp"

namespace visavis::protocols {

/// Platt's logistic map, both kinds weighing the same; nothing where scores do not rise with the
/// chance of one person, or one kind is missing.
[[nodiscard]] std::optional<matching::ProbabilityMap> fit_probability(
    std::span<const float> genuine, const metrics::ScoreHistogram& impostor);

}  // namespace visavis::protocols
