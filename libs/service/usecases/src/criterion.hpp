#pragma once

/// From what was asked for to a threshold.

#include <cstdint>

#include "bench_impl.hpp"
#include "visavis/usecases/people.hpp"

namespace visavis::usecases {

/// @return kUsage for a criterion that makes no sense, whatever the model
[[nodiscard]] Outcome<void> check_criterion(const Criterion& criterion);

/// @param persons  who are searched; 0 for a comparison of two faces
/// @return as `check_criterion`; kUsage if the calibration has no such point
[[nodiscard]] Outcome<Bar> find_bar(const Workbench::Impl& bench, const Criterion& criterion,
                                    std::uint64_t persons = 0);

/// Without a metric of the criterion's the model's rule; with one the cosine, of which distances
/// are made.
[[nodiscard]] protocols::ScoreRule rule_of(const Workbench::Impl& bench,
                                           const Criterion& criterion);

}  // namespace visavis::usecases
