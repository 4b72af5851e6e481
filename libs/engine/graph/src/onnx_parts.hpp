#pragma once

#include <cstddef>
#include <span>

namespace visavis::graph {

/// Whether a model has more nodes, names, attributes and weights, all together, than ten for each
/// node that a graph may have. Looked at before it is parsed, when each would take memory.
[[nodiscard]] bool has_too_many_parts(std::span<const std::byte> file);

}  // namespace visavis::graph
