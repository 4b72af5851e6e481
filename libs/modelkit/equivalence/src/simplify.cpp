#include <utility>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {
graph::Graph simplify(graph::Graph graph, const runtime::Engine& engine) {
  graph = graph::remove_unused(std::move(graph));
  auto folded = graph::fold_constants(graph, runtime::evaluate_with(engine));
  return graph::fold_batch_norm(folded ? *std::move(folded) : std::move(graph));
}

}  // namespace visavis::modelkit
