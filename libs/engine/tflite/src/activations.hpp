#pragma once

/// Operators that limit what they make.

#include <visavis/graph/channels_last.hpp>

namespace visavis::tflite {

/// Moves a Relu or Relu6 into the operator before, as its attribute `activation`, where nobody else
/// reads what that makes.
[[nodiscard]] graph::ChannelsLast fuse_activations(graph::ChannelsLast network);

}  // namespace visavis::tflite
