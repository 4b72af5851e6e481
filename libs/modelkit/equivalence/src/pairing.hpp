#pragma once

/// Which values of two networks are the same layer's.

#include <string>
#include <vector>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {

/// A layer that both networks have, by the values that it makes.
struct LayerPair {
  std::string op;  ///< As ONNX names it, in the source.
  std::string source;
  std::string result;
};

/// Pairs layers by their names as far as these agree with how the networks are built, and the
/// convolutions and matrix products that are left by their order, if both have as many. What is
/// multiplied and added to a product before anybody else reads it belongs to it.
/// @return in the source's order; empty if nothing tells what belongs together.
[[nodiscard]] std::vector<LayerPair> pair_layers(const graph::Graph& source,
                                                 const graph::Graph& result);

}  // namespace visavis::modelkit
