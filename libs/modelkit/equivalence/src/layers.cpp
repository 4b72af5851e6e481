#include "layers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>

#include "difference.hpp"
#include "pairing.hpp"
#include "run.hpp"
#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {
namespace {

/// The values of so many layers. Their shapes are what the reference engine finds, because other
/// engines want to be told.
Result<std::vector<runtime::Tensor>> values_of(const Side& side, const Sample& sample,
                                               const std::vector<std::string>& names) {
  graph::Graph graph = *side.graph;
  graph.outputs.clear();
  for (const std::string& name : names) graph.outputs.push_back({.name = name, .shape = {}});
  graph = graph::remove_unused(std::move(graph));
  VISAVIS_TRY(reference, runtime::find_engine("reference"));
  VISAVIS_TRY(oracle, Runner::make({.graph = &graph, .engine = reference}));
  VISAVIS_TRY(found, oracle.run(sample));
  if (side.engine == reference) return found;
  for (std::size_t i = 0; i < found.size(); ++i) graph.outputs[i].shape = found[i].shape;
  VISAVIS_TRY(runner,
              Runner::make({.graph = &graph, .engine = side.engine, .precision = side.precision}));
  return runner.run(sample);
}

/// Inner values have no scale of their own: an element may be off in proportion to its layer's.
bool same(const Difference& difference, std::span<const float> values, const Limits& limits) {
  double squares = 0;
  for (const float x : values) squares += static_cast<double>(x) * x;
  const double size =
      std::sqrt(squares / static_cast<double>(std::max<std::size_t>(values.size(), 1)));
  const Limits scaled{.max_abs = limits.max_abs * std::max(1.0, size),
                      .max_relative = limits.max_relative,
                      .min_cosine = limits.min_cosine};
  return difference.within(scaled);
}

}  // namespace

Result<std::optional<Divergence>> first_difference(const Side& source, const Side& result,
                                                   const Sample& sample, const Limits& limits) {
  if (source.graph == nullptr || result.graph == nullptr) return std::nullopt;
  const auto layers = pair_layers(*source.graph, *result.graph);
  if (layers.empty()) return std::nullopt;
  std::vector<std::string> ours;
  std::vector<std::string> theirs;
  for (const LayerPair& layer : layers) {
    ours.push_back(layer.source);
    theirs.push_back(layer.result);
  }
  VISAVIS_TRY(source_values, values_of(source, sample, ours));
  VISAVIS_TRY(result_values, values_of(result, sample, theirs));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Divergence divergence{.op = layers[i].op,
                          .difference = {.source = ours[i], .result = theirs[i]},
                          .source_shape = source_values[i].shape,
                          .result_shape = result_values[i].shape,
                          .same = i};
    if (source_values[i].shape != result_values[i].shape) {
      divergence.difference.finite = false;
      return divergence;
    }
    Differences differences(ours[i], theirs[i]);
    differences.add(source_values[i].floats(), result_values[i].floats());
    divergence.difference = differences.take();
    if (!same(divergence.difference, source_values[i].floats(), limits)) return divergence;
  }
  return std::nullopt;
}

}  // namespace visavis::modelkit
