#pragma once

/// Numbers for what is free in a network's inputs.

#include <cstdint>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>

namespace visavis::modelkit {

/// Of the graph's inputs. `free_size` stands for a free dimension other than the first, for which 1
/// stands.
[[nodiscard]] std::vector<graph::Shape> input_shapes(const graph::Graph& graph,
                                                     std::int64_t free_size);

/// Whether any dimension of an input other than the first is free.
[[nodiscard]] bool has_free_sizes(const graph::Graph& graph);

/// A free height and width for which all windows fit: `least`, or the next that pictures often
/// have.
/// @return what graph::infer_shapes says of `least` if there is none.
[[nodiscard]] Result<std::int64_t> fitting_size(const graph::Graph& graph, std::int64_t least,
                                                const graph::Evaluate& evaluate);

/// The same network for pictures of that height and width alone, where they were free.
/// @return as graph::infer_shapes.
[[nodiscard]] Result<graph::Graph> fix_sizes(graph::Graph graph, std::int64_t size,
                                             const graph::Evaluate& evaluate);

}  // namespace visavis::modelkit
