#pragma once

/// Makes the channels of an activation equally large, so that one scale suits all of them.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/quantize/observe.hpp>

namespace visavis::modelkit {

/// By a depthwise convolution's output, for each channel that it reads: e, of 2^e.
using Equalising = std::map<std::string, std::vector<std::uint8_t>, std::less<>>;

/// Where a depthwise convolution reads, alone, what another convolution makes, with nothing or
/// Relu, LeakyRelu or PRelu between (s·f(x) = f(s·x) for s > 0), each channel can be scaled to the
/// largest one's peak: the first one's weights and bias multiplied, the second one's weights
/// divided (cross-layer equalisation: Nagel et al., "Data-free quantization through weight
/// equalization and bias correction", ICCV 2019, section 4.1). Weights have a scale for each
/// channel, so that only the activation's 256 steps gain. Powers of two, up to 2^9, are exact: the
/// network's answers stay as they are, to the last bit but for the order of sums.
/// @param observations  of the depthwise convolutions' inputs; what is missing is passed over
[[nodiscard]] Equalising equalising_of(const graph::Graph& graph, const Observations& observations);

/// Scales. What was observed before is of another network.
/// @return kModelMismatch for what is no such convolution or has not so many channels.
[[nodiscard]] Result<graph::Graph> equalize(graph::Graph graph, const Equalising& equalising);

}  // namespace visavis::modelkit
