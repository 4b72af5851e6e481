#pragma once

/// From what was asked for to a threshold.

#include "bench_impl.hpp"
#include "visavis/usecases/people.hpp"

namespace visavis::usecases {

/// @return kUsage if more than one was given, or the calibration has no such point.
[[nodiscard]] Outcome<Bar> find_bar(const Workbench::Impl& bench, const Criterion& criterion);

}  // namespace visavis::usecases
