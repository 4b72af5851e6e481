#pragma once

/// What the inner tensors of a network hold when it runs on examples.

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/quantize/ranges.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit {

/// A sample: what the input of a network takes in one run with a batch of one, row-major.
using Example = std::vector<float>;

/// By the tensor's name.
using Observations = std::map<std::string, Observed, std::less<>>;

/// Runs the network on every sample, twice: for the ends, then for what lies between.
/// @param values  names of inputs and of what nodes make
/// @return kInvalidArgument if there is no sample, one has another size or holds what is no finite
/// number, or the network has several inputs or one of free size; kNotFound for an unknown value;
/// what the engine says.
[[nodiscard]] Result<Observations> observe(const graph::Graph& graph,
                                           std::span<const std::string> values,
                                           std::span<const Example> samples,
                                           const runtime::Engine& engine);

/// What the network says to every sample: its outputs of float32, one behind the other.
[[nodiscard]] Result<std::vector<std::vector<float>>> answers(const graph::Graph& graph,
                                                              std::span<const Example> samples,
                                                              const runtime::Engine& engine);

/// Mean cosine of two networks' answers to the same samples.
/// @pre as many of each, of one length
[[nodiscard]] double mean_cosine(std::span<const std::vector<float>> a,
                                 std::span<const std::vector<float>> b);

}  // namespace visavis::modelkit
