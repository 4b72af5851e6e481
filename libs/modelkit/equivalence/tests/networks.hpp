#pragma once

/// Small networks, written down.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit::testing {

using Shape = std::vector<std::int64_t>;
using Floats = std::vector<float>;

inline const runtime::Engine& reference() { return **runtime::find_engine("reference"); }

inline graph::Graph network(Shape input, Shape output) {
  graph::Graph graph;
  graph.name = "test";
  graph.inputs = {{.name = "x", .shape = std::move(input)}};
  graph.outputs = {{.name = "y", .shape = std::move(output)}};
  return graph;
}

inline void constant(graph::Graph& graph, std::string name, Shape shape, Floats values) {
  graph.initializers.push_back(
      {.name = std::move(name), .shape = std::move(shape), .values = std::move(values)});
}

inline graph::Node& node(graph::Graph& graph, std::string op, std::vector<std::string> inputs,
                         std::string output) {
  graph.nodes.push_back({.op = std::move(op),
                         .name = {},
                         .inputs = std::move(inputs),
                         .outputs = {std::move(output)},
                         .attributes = {}});
  return graph.nodes.back();
}

inline runtime::Tensor tensor(Shape shape, const Floats& values) {
  return tensor_of(std::move(shape), values);
}

}  // namespace visavis::modelkit::testing
