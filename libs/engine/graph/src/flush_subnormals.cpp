#include <cmath>
#include <variant>
#include <vector>

#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

// Against float32's 2^-24 relative step, 1e-20 vanishes in any sum that holds one ordinary term;
// its product with another small weight would fall below the smallest normal number, 1.2e-38.
constexpr float kSmallest = 1e-20F;

void flush(Tensor& tensor) {
  auto* values = std::get_if<std::vector<float>>(&tensor.values);
  if (values == nullptr) return;
  for (float& value : *values)
    if (std::abs(value) < kSmallest) value = 0;
}

}  // namespace

Graph flush_subnormals(Graph graph) {
  for (Tensor& tensor : graph.initializers) flush(tensor);
  for (Node& node : graph.nodes)
    for (auto& [name, attribute] : node.attributes)
      if (auto* tensor = std::get_if<Tensor>(&attribute)) flush(*tensor);
  return graph;
}

}  // namespace visavis::graph
