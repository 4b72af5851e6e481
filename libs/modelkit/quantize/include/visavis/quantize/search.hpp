#pragma once

/// Which layers can be quantised at what cost, measured.

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/quantize.hpp>
#include <visavis/quantize/ranges.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit {

struct SearchOptions {
  std::vector<RangeMethod> methods{};  ///< The best of them is taken; at least one.
  double kept = .99999;                ///< For kPercentile.
  bool bias_correction = true;
  int weight_steps = 64;
  bool whole = false;        ///< See QuantizeOptions.
  LayerNames keep_float{};   ///< In any case.
  double min_cosine = .995;  ///< Mean, to the float network's answers. What is below goes on.
  /// Whether the costliest layers are given back to float until `min_cosine` is reached.
  bool choose_float = true;
  std::function<void(std::size_t done, std::size_t total)> progress{};  ///< Over the layers.
};

struct MethodTried {
  RangeMethod method = RangeMethod::kMinMax;
  double cosine = 0;
};

/// What a layer costs when it alone is quantised.
struct LayerCost {
  std::string name;
  std::string op;
  std::size_t weights = 0;
  double loss = 0;  ///< 1 − mean cosine.
  bool kept_float = false;
};

struct Searched {
  models::Int8Recipe recipe;
  RangeMethod method = RangeMethod::kMinMax;
  std::vector<MethodTried> tried;
  std::vector<LayerCost> layers;  ///< In the order in which they run.
  double cosine = 0;              ///< Of what it makes, which may be below what was wanted.
};

/// Quantises by the method that keeps the answers to `held_out` best. Then measures every layer
/// alone and leaves the costliest ones float, one after the other, as far as it takes.
/// @param held_out  samples that were not observed
/// @return as `quantize`, and what the engine says.
[[nodiscard]] Result<Searched> search(const graph::Graph& graph, const Observations& observations,
                                      std::span<const Example> held_out,
                                      const runtime::Engine& engine, const SearchOptions& options);

}  // namespace visavis::modelkit
