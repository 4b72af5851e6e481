#pragma once

/// Operators that formats lack, made of others that they have.

#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {

/// ReduceL2, ReduceSum and LpNormalization become means of squares, of magnitudes or of the numbers
/// themselves, times their count; a ReduceMax of whole planes a GlobalMaxPool; Sum and Max of
/// several an Add or Max of two after another; and an Expand goes where the operators that read it
/// stretch its input as well. What does not fit stays, for the exporter to name.
/// @return as graph::infer_shapes
[[nodiscard]] Result<graph::Graph> composed(graph::Graph graph);

}  // namespace visavis::modelkit
