#include "visavis/import/costs.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

namespace visavis::modelkit {
namespace {

using Ints = std::vector<std::int64_t>;

graph::Evaluate evaluate() { return runtime::evaluate_with(**runtime::find_engine("reference")); }

/// 2 x 8 x 8 -> Conv 3 x 3, 4 channels -> Relu, and around both a Conv 1 x 1 -> Add -> Flatten ->
/// Gemm to 10.
graph::Graph network() {
  graph::Graph graph;
  graph.name = "small";
  graph.inputs = {{.name = "x", .shape = {-1, 2, -1, 8}}};
  graph.outputs = {{.name = "y", .shape = {-1, 10}}};
  const auto constant = [&](const char* name, Ints shape) {
    const auto size = *graph::element_count(shape);
    graph.initializers.push_back(
        {.name = name, .shape = std::move(shape), .values = std::vector<float>(size, .5F)});
  };
  constant("w3", {4, 2, 3, 3});
  constant("b3", {4});
  constant("w1", {4, 2, 1, 1});
  constant("wg", {10, 256});
  const auto node = [&](const char* op, std::vector<std::string> inputs, const char* output) {
    graph.nodes.push_back(
        {.op = op, .name = {}, .inputs = std::move(inputs), .outputs = {output}, .attributes = {}});
    return &graph.nodes.back();
  };
  node("Conv", {"x", "w3", "b3"}, "conv")->attributes = {{"pads", Ints{1, 1, 1, 1}}};
  node("Relu", {"conv"}, "relu");
  node("Conv", {"x", "w1"}, "short<cut>");
  node("Add", {"relu", "short<cut>"}, "sum");
  node("Flatten", {"sum"}, "flat");
  node("Gemm", {"flat", "wg"}, "y")->attributes = {{"transB", std::int64_t{1}}};
  return graph;
}

TEST(Costs, CountMultiplicationsAndParameters) {
  const auto costs = costs_of(network(), 8, evaluate());
  ASSERT_TRUE(costs) << costs.error().message;
  ASSERT_EQ(costs->layers.size(), 6);
  EXPECT_EQ(costs->layers[0].multiply_adds, 4 * 8 * 8 * 2 * 3 * 3);
  EXPECT_EQ(costs->layers[0].parameters, 4 * 2 * 3 * 3 + 4);
  EXPECT_EQ(costs->layers[0].shape, (Ints{1, 4, 8, 8}));
  EXPECT_EQ(costs->layers[2].multiply_adds, 4 * 8 * 8 * 2);
  EXPECT_EQ(costs->layers[5].multiply_adds, 10 * 256);
  EXPECT_EQ(costs->multiply_adds, 4608 + 512 + 2560);
  EXPECT_EQ(costs->layers[3].sources, (std::vector<std::size_t>{1, 2}));
}

// While the short cut is computed there are x (128 numbers), the relu (256) and it (256); while the
// sum is, three of 256.
TEST(Costs, TellThePeakOfMemory) {
  EXPECT_EQ(costs_of(network(), 8, evaluate())->peak_bytes, 3 * 256 * 4);
}

TEST(Costs, AreThoseOfTheSizeAskedFor) {
  graph::Graph graph = network();
  graph.nodes.resize(4);
  graph.outputs = {{.name = "sum", .shape = {-1, 4, -1, 8}}};
  EXPECT_EQ(costs_of(graph, 16, evaluate())->multiply_adds, 2 * (4608 + 512));
}

TEST(Costs, KnowNodesWithoutInputs) {
  graph::Graph graph = network();
  graph.nodes.insert(
      graph.nodes.begin(),
      {.op = "Constant",
       .name = {},
       .inputs = {},
       .outputs = {"one"},
       .attributes = {
           {"value", graph::Tensor{.name = {}, .shape = {}, .values = std::vector<float>{1}}}}});
  const auto costs = costs_of(graph, 8, evaluate());
  ASSERT_TRUE(costs) << costs.error().message;
  EXPECT_EQ(costs->layers[0].multiply_adds, 0);
}

TEST(Costs, AreDrawn) {
  const std::string svg = draw(*costs_of(network(), 8, evaluate()), "small & simple");
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_NE(svg.find("small &amp; simple: 6 layers"), std::string::npos);
  EXPECT_NE(svg.find("short&lt;cut&gt;"), std::string::npos);
  EXPECT_NE(svg.find(" C "), std::string::npos);  // what passes by a layer
}

}  // namespace
}  // namespace visavis::modelkit
