#pragma once

/// What a network costs, layer by layer, and how it is put together.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>

namespace visavis::modelkit {

struct LayerCost {
  std::string name;  ///< Of the value that it gives.
  std::string op;
  graph::Shape shape;                ///< Of that value.
  std::uint64_t multiply_adds = 0;   ///< Of Conv, Gemm and MatMul; 0 for the rest.
  std::uint64_t parameters = 0;      ///< Numbers in the constants that it reads.
  std::vector<std::size_t> sources;  ///< The layers whose values it reads, by their place.
};

struct Costs {
  std::vector<LayerCost> layers;  ///< In the order in which they run.
  std::uint64_t multiply_adds = 0;
  /// The most that inputs and values hold at once, as float32, if each is dropped after its last
  /// use.
  std::uint64_t peak_bytes = 0;
};

/// For one sample.
/// @param free_size  Stands for a free dimension other than the first, for which 1 stands.
/// @return as graph::infer_shapes.
[[nodiscard]] Result<Costs> costs_of(const graph::Graph& graph, std::int64_t free_size,
                                     const graph::Evaluate& evaluate);

/// The layers from top to bottom, with an arc for whatever passes by the next layer. SVG 1.1.
[[nodiscard]] std::string draw(const Costs& costs, const std::string& title);

}  // namespace visavis::modelkit
