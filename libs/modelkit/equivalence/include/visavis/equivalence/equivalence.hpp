#pragma once

/// Is a network still the same after it went from one form to another? It is asked with the same
/// inputs, and if its answers differ, the first layer that does is named.
/// Data flow: two graphs -> samples -> compare -> Comparison.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit {

/// What a network is asked: a tensor for each of its inputs.
using Sample = std::vector<runtime::Tensor>;

/// Samples of one kind, which are judged by themselves.
struct SampleSet {
  std::string kind;  ///< "random", "chips"
  std::vector<Sample> samples;
};

/// How far from each other two values may be: in each element at most `max_abs`, or at most
/// `max_relative` of the source's largest number for the same input; and in direction at least
/// `min_cosine`.
struct Limits {
  double max_abs = 1e-4;
  double max_relative = 0;
  double min_cosine = .999999;
};

/// How far two values are from each other over all samples of a set.
struct Difference {
  std::string source;  ///< Its name in the source …
  std::string result;  ///< … and in the result.
  double max_abs = 0;
  double max_relative = 0;  ///< The largest difference, by the source's largest number for it.
  double mean_abs = 0;
  double mean_distance = 0;  ///< Euclidean, between all of one sample's numbers.
  double min_cosine = 1;     ///< 0 if one of both is zero.
  bool finite = true;        ///< No NaN and no infinity on either side.

  [[nodiscard]] bool within(const Limits& limits) const noexcept {
    const bool near = max_abs <= limits.max_abs || max_relative <= limits.max_relative;
    return finite && near && min_cosine >= limits.min_cosine;
  }
};

struct Judgement {
  std::string kind;
  std::size_t samples = 0;
  std::vector<Difference> outputs;
  /// Of the source's first output for any two samples. Near 1: these samples hardly tell networks
  /// apart. 1 with a single sample.
  double self_cosine = 1;
};

/// The first layer, in the source's order, whose values differ.
struct Divergence {
  std::string op;         ///< As ONNX names it.
  Difference difference;  ///< Without figures if the shapes differ.
  graph::Shape source_shape;
  graph::Shape result_shape;
  std::size_t same = 0;  ///< So many layers that were compared before it are the same.
};

struct Comparison {
  /// What makes them different networks whatever they answer: as many inputs or outputs, or their
  /// shapes. Empty if there is nothing of the kind; else nothing was judged.
  std::string other_form;
  std::vector<Judgement> judgements;
  std::optional<Divergence> first;  ///< Absent if all is the same, or no layer has a counterpart.
  bool equivalent = false;
};

/// A network and who runs it; or a model in a form that only its engine knows, whose layers cannot
/// be compared.
struct Side {
  const graph::Graph* graph = nullptr;
  const runtime::Engine* engine = nullptr;
  runtime::Precision precision = runtime::Precision::kF32;
  std::shared_ptr<const runtime::Model> model{};  ///< Instead of all others.
};

/// Numbers drawn evenly from [-1, 1) by splitmix64 (S. Vigna, 2015), whose state begins at `seed`:
/// the upper 24 bits of each, times 2^-23, less 1.
/// @param free_size  What stands for a free dimension other than the first, for which 1 stands.
/// @return kUnsupported if an input is not of float32; kResourceExhausted for more than 2^27
/// numbers in all.
[[nodiscard]] Result<SampleSet> random_samples(const graph::Graph& graph, std::size_t count,
                                               std::uint64_t seed, std::int64_t free_size);

/// Asks both the same. Outputs are compared in their order, and their names may differ. Of layers,
/// those are compared that have the same name and the same place in both, and, where both have as
/// many, convolutions and matrix products in their order.
/// @return kInvalidArgument without samples; what an engine refuses.
[[nodiscard]] Result<Comparison> compare(const Side& source, const Side& result,
                                         std::span<const SampleSet> sets, const Limits& limits);

/// Of two values of the same size: 0 if one of them is zero and the other is not, 1 if both are.
[[nodiscard]] double cosine(std::span<const float> a, std::span<const float> b) noexcept;

/// @pre as many values as the shape says
[[nodiscard]] runtime::Tensor tensor_of(graph::Shape shape, std::span<const float> values);

/// The graph as it is handed to engines: constants folded, unless the engine refuses to compute
/// them, batch normalisation multiplied into convolutions, without what nothing depends on.
[[nodiscard]] graph::Graph simplify(graph::Graph graph, const runtime::Engine& engine);

}  // namespace visavis::modelkit
