#pragma once

/// The ranks of outputs that a file leaves out, as ONNX allows.

#include <string>
#include <unordered_set>
#include <visavis/core/result.hpp>

#include "visavis/graph/graph.hpp"

namespace visavis::graph {

/// Gives the outputs called so the rank that the operators make, all dimensions free. Free
/// dimensions of inputs are tried at usual sizes.
/// @return kUnsupported where no rank can be told.
[[nodiscard]] Result<Graph> with_output_ranks(Graph graph,
                                              const std::unordered_set<std::string>& outputs);

}  // namespace visavis::graph
