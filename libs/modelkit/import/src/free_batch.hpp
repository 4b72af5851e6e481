#pragma once

/// Opens the batch of a network that was exported for one picture.

#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {

/// Frees the first dimension of every input and output. Reshapes to a fixed batch keep whatever
/// batch comes in.
/// @return kUnsupported if an operator might mix the pictures of a batch, or if the batch is not
/// one.
[[nodiscard]] Result<graph::Graph> free_batch(graph::Graph graph);

}  // namespace visavis::modelkit
