#pragma once

/// Integers from end to end, for engines that have no floats between.

#include <functional>
#include <map>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/models/manifest.hpp>

namespace visavis::modelkit {

/// What operators make that can compute in int8, but for those that only pick or move numbers.
[[nodiscard]] std::vector<std::string> results_of(const graph::Graph& graph);

/// By the value's name.
using Ranges = std::map<std::string, models::Int8Range, std::less<>>;

/// Also writes QuantizeLinear and DequantizeLinear behind operators of a network that `quantize`
/// made, so that each has steps in and steps out (what TensorFlow Lite calls full integer
/// quantization; inputs and outputs stay float32). What only picks or moves numbers keeps its
/// input's steps.
/// @param ranges  of results; one without a range stays as it is
[[nodiscard]] Result<graph::Graph> round_results(graph::Graph quantized, const Ranges& ranges);

}  // namespace visavis::modelkit
