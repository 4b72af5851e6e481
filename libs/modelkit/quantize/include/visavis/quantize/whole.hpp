#pragma once

/// Integers from end to end, for engines that have no floats between.

#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/ranges.hpp>

namespace visavis::modelkit {

/// The values that `round_results` wants to have observed: what all operators make that can compute
/// in int8.
[[nodiscard]] std::vector<std::string> results_of(const graph::Graph& graph);

/// Also writes QuantizeLinear and DequantizeLinear behind every such operator of a network that
/// `quantize` made, so that each has steps in and steps out (what TensorFlow Lite calls full
/// integer quantization; inputs and outputs stay float32). What only picks or moves numbers keeps
/// its input's steps.
/// @return kNotFound for a value that was not observed.
[[nodiscard]] Result<graph::Graph> round_results(graph::Graph quantized,
                                                 const Observations& observations,
                                                 RangeMethod method, double kept);

}  // namespace visavis::modelkit
