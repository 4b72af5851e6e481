#pragma once

/// Makes the channels of an activation equally large, so that one scale suits all of them.

#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/quantize/observe.hpp>

namespace visavis::modelkit {

/// Where a depthwise convolution reads, alone, what another convolution makes, with nothing or
/// Relu, LeakyRelu or PRelu between (s·f(x) = f(s·x) for s > 0), each channel is scaled to the
/// largest one's peak: the first one's weights and bias divided, the second one's weights
/// multiplied (cross-layer equalisation: Nagel et al., "Data-free quantization through weight
/// equalization and bias correction", ICCV 2019, section 4.1). Weights have a scale for each
/// channel, so that only the activation's 256 steps gain. The network's answers stay as they are
/// but for rounding; what was observed before is of another network.
/// @param observations  of the depthwise convolutions' inputs; what is missing is passed over
[[nodiscard]] graph::Graph equalize(graph::Graph graph, const Observations& observations);

}  // namespace visavis::modelkit
