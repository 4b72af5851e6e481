#pragma once

/// What exporters of TensorFlow's formats begin with.

#include <visavis/core/result.hpp>
#include <visavis/graph/channels_last.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {

/// The form with channels last of a network for one sample, with pictures as NHWC at both ends.
/// Where height or width is free, the layers must be the same for all sizes.
/// @return kUnsupported if they are not, or for an operator without that form.
[[nodiscard]] Result<graph::ChannelsLast> channels_last_of(const graph::Graph& graph);

}  // namespace visavis::modelkit
