#pragma once

/// Formats that write a layer as several operators: here it becomes one again.

#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {

/// Multiplies factors and adds sums per channel (Mul, Add, Sub with a constant [channels, 1, 1], or
/// [channels] behind a Gemm) into the convolution or Gemm before whose output nobody else reads.
/// Makes one PRelu of what is one for every x, with constants a:
///   relu(x) + a · (x − |x|)     slope 2a
///   relu(x) + a · relu(−x)      slope −a
///   relu(x) + a · min(x, 0)     slope a
/// where the sum may be a difference, and a several factors. Drops what is unused then.
[[nodiscard]] graph::Graph fold_layers(graph::Graph graph);

}  // namespace visavis::modelkit
