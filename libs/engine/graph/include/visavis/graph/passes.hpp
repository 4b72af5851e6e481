#pragma once

/// Rewrites of a graph that leave its answers as they are.

#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::graph {

/// Makes a network that was exported for one sample take any number of them: axis 0 of every input
/// and output becomes free, and each Reshape to a constant shape keeps axis 0 of what it reshapes.
/// The batch is followed through the graph, so that nothing mixes samples in the result. Assumed,
/// not checked: where a constant meets a batch, it broadcasts along axis 0.
/// @return kUnsupported, with the operator's name, if an input's axis 0 is fixed to anything but 1
/// or an operator might touch the batch axis; kInvalidArgument if the graph is not valid.
[[nodiscard]] Result<Graph> free_batch(Graph graph);

/// Sets weights below 1e-20 in magnitude to zero. Training with weight decay leaves many of them,
/// their products with activations are subnormal, and arithmetic on subnormal numbers is many times
/// slower.
[[nodiscard]] Graph flush_subnormals(Graph graph);

}  // namespace visavis::graph
