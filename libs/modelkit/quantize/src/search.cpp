#include "visavis/quantize/search.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/quantize.hpp>
#include <visavis/quantize/ranges.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit {
namespace {

struct Tried {
  models::Int8Recipe recipe;
  double cosine = 0;
};

/// One network, quantised in several ways and compared with itself.
class Trial {
 public:
  static Result<Trial> make(const graph::Graph& graph, const Observations& observations,
                            std::span<const Example> held_out, const runtime::Engine& engine) {
    Trial trial(graph, observations, held_out, engine);
    VISAVIS_TRY(truth, answers(graph, held_out, engine));
    trial.truth_ = std::move(truth);
    return trial;
  }

  [[nodiscard]] Result<Tried> run(const QuantizeOptions& options) const {
    VISAVIS_TRY(recipe, recipe_of(graph_, observations_, options));
    VISAVIS_TRY(made, quantize(graph_, recipe));
    VISAVIS_TRY(given, answers(made, held_out_, engine_));
    return Tried{.recipe = std::move(recipe), .cosine = mean_cosine(truth_, given)};
  }

 private:
  Trial(const graph::Graph& graph, const Observations& observations,
        std::span<const Example> held_out, const runtime::Engine& engine)
      : graph_(graph), observations_(observations), held_out_(held_out), engine_(engine) {}

  const graph::Graph& graph_;
  const Observations& observations_;
  std::span<const Example> held_out_;
  const runtime::Engine& engine_;
  std::vector<std::vector<float>> truth_;
};

LayerNames all_but(std::span<const Layer> layers, const std::string& one) {
  LayerNames names;
  for (const Layer& layer : layers)
    if (layer.name != one) names.insert(layer.name);
  return names;
}

/// Layers that may be given back to float, the costliest first.
std::vector<std::size_t> by_loss(const std::vector<LayerCost>& costs) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < costs.size(); ++i)
    if (!costs[i].kept_float) order.push_back(i);
  std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return costs[i].loss; });
  return order;
}

}  // namespace

Result<Searched> search(const graph::Graph& graph, const Observations& observations,
                        std::span<const Example> held_out, const runtime::Engine& engine,
                        const SearchOptions& options) {
  VISAVIS_TRY(trial, Trial::make(graph, observations, held_out, engine));
  QuantizeOptions chosen{.method = RangeMethod::kMinMax,
                         .kept = options.kept,
                         .bias_correction = options.bias_correction,
                         .keep_float = options.keep_float,
                         .weight_steps = options.weight_steps,
                         .whole = options.whole};
  Searched found;
  std::optional<Tried> best;
  for (const RangeMethod method : options.methods) {
    QuantizeOptions own = chosen;
    own.method = method;
    VISAVIS_TRY(tried, trial.run(own));
    found.tried.push_back({.method = method, .cosine = tried.cosine});
    if (best && tried.cosine <= best->cosine) continue;
    best = std::move(tried);
    found.method = method;
  }
  if (!best) return fail(ErrorCode::kInvalidArgument, "there is no method to choose ranges by");
  chosen.method = found.method;

  const std::vector<Layer> layers = layers_of(graph);
  for (const Layer& layer : layers) {
    QuantizeOptions alone = chosen;
    alone.keep_float = all_but(layers, layer.name);
    VISAVIS_TRY(tried, trial.run(alone));
    found.layers.push_back({.name = layer.name,
                            .op = layer.op,
                            .weights = layer.weights,
                            .loss = 1 - tried.cosine,
                            .kept_float = options.keep_float.contains(layer.name)});
    if (options.progress) options.progress(found.layers.size(), layers.size());
  }
  if (options.choose_float) {
    for (const std::size_t i : by_loss(found.layers)) {
      // The last layer stays quantised: a network without one would be the float network.
      if (best->cosine >= options.min_cosine || chosen.keep_float.size() + 1 == layers.size())
        break;
      chosen.keep_float.insert(found.layers[i].name);
      found.layers[i].kept_float = true;
      VISAVIS_TRY(tried, trial.run(chosen));
      best = std::move(tried);
    }
  }
  found.cosine = best->cosine;
  found.recipe = std::move(best->recipe);
  return found;
}

}  // namespace visavis::modelkit
