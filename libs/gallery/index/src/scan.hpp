#pragma once

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/index/vector_index.hpp>

#include "plan.hpp"
#include "segment.hpp"

namespace visavis::index {

/// The best rows of all segments for each query. With a plan the codes of all rows are read, and
/// only rows whose bound reaches the k-th best similarity so far; the answers are the same.
/// @param queries Rows of `stride` numbers.
[[nodiscard]] std::vector<std::vector<Hit>> scan(std::span<const Segment> segments,
                                                 std::size_t stride, const Plan* plan,
                                                 std::span<const float> queries,
                                                 const SearchOptions& options, Executor* executor);

}  // namespace visavis::index
