#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/index/vector_index.hpp>

#include "graph.hpp"
#include "plan.hpp"
#include "segment.hpp"
#include "walk.hpp"

namespace visavis::index {

/// Rows with a graph over them.
struct Linked {
  std::span<const Segment> segments;  ///< All but the last are full.
  std::size_t capacity;               ///< Rows per segment.
  std::size_t stride;
  std::size_t live;
  const Plan* plan;
  const Graph* graph;
  const WalkCodes* codes;
};

/// The best rows for each query as a walk through the graph finds them, compared as a scan does. A
/// query that the walk cannot answer (more wanted than it keeps in view, or too few groups among
/// what it saw) is scanned for.
/// @param queries Rows of `stride` numbers.
[[nodiscard]] std::vector<std::vector<Hit>> search_graph(const Linked& rows,
                                                         std::span<const float> queries,
                                                         const SearchOptions& options,
                                                         Executor* executor);

}  // namespace visavis::index
