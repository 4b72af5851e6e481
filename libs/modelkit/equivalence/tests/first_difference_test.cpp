// Which layer is said to differ first, in networks whose names say little or lie.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <visavis/graph/graph.hpp>

#include "networks.hpp"
#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {
namespace {

using testing::constant;
using testing::Floats;
using testing::network;
using testing::node;
using testing::reference;

/// A convolution of one pixel on two channels, by the matrix {{a, 1}, {1, a}}.
void convolution(graph::Graph& graph, const std::string& input, const std::string& output,
                 float a) {
  constant(graph, output + "_weights", {2, 2, 1, 1}, {a, 1, 1, a});
  node(graph, "Conv", {input, output + "_weights"}, output);
}

struct Named {
  std::string name;
  float a;
};

/// Convolutions one behind the other; the last makes y.
graph::Graph chain(const std::vector<Named>& layers) {
  graph::Graph graph = network({1, 2, 4, 4}, {1, 2, 4, 4});
  std::string value = "x";
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const std::string output = i + 1 == layers.size() ? "y" : layers[i].name;
    convolution(graph, value, output, layers[i].a);
    value = output;
  }
  return graph;
}

/// @pre they differ
std::optional<Divergence> first(const graph::Graph& source, const graph::Graph& result) {
  const auto samples = random_samples(source, 1, 7, 0);
  EXPECT_TRUE(samples);
  const auto found = compare({.graph = &source, .engine = &reference()},
                             {.graph = &result, .engine = &reference()}, {{*samples}}, {});
  EXPECT_TRUE(found) << found.error().message;
  if (!found) return std::nullopt;
  EXPECT_FALSE(found->equivalent);
  return found->first;
}

void expect(const std::optional<Divergence>& found, const std::string& source,
            const std::string& result, std::size_t same) {
  ASSERT_TRUE(found);
  EXPECT_EQ(found->difference.source, source);
  EXPECT_EQ(found->difference.result, result);
  EXPECT_EQ(found->same, same);
  EXPECT_GT(found->difference.max_abs, 0);
}

// Two importers count: what one calls conv3 is the second layer here and the first there.
TEST(FirstDifference, IsNotMisledByNumbersOfOtherImporters) {
  const graph::Graph source =
      chain({{"conv1", .5F}, {"conv3", .25F}, {"conv5", .125F}, {"", .75F}});
  const graph::Graph result = chain({{"conv3", .5F}, {"conv5", .25F}, {"conv7", .1F}, {"", .75F}});
  expect(first(source, result), "conv5", "conv7", 2);
}

// With a layer more on one side nothing tells which is which.
TEST(FirstDifference, IsNotNamedByNumbersAloneIfOneFormHasMoreLayers) {
  graph::Graph source = chain({{"conv1", .5F}, {"conv2", .25F}, {"", .125F}});
  graph::Graph result = chain({{"conv1", 0.F}, {"conv2", .5F}, {"conv3", .25F}, {"", .1F}});
  // The first one of the result only exchanges the channels, and its second one has them
  // exchanged again.
  source.outputs[0].name = "out";
  source.nodes.back().outputs = {"out"};
  EXPECT_FALSE(first(source, result));
}

// Layers of the same names in another order: names that lie are not believed.
TEST(FirstDifference, DoesNotBelieveNamesInAnotherPlace) {
  const graph::Graph source = chain({{"stem", .5F}, {"body", .25F}, {"neck", .125F}, {"", .75F}});
  const graph::Graph result = chain({{"body", .5F}, {"neck", .25F}, {"stem", .1F}, {"", .75F}});
  expect(first(source, result), "neck", "stem", 2);
}

// Where only the last name is the same, the layers before it are compared, too.
TEST(FirstDifference, IsLookedForBeforeTheOnlyNameInCommon) {
  const graph::Graph source = chain({{"a", .5F}, {"b", .25F}, {"", .125F}});
  const graph::Graph result = chain({{"p", .5F}, {"q", .2F}, {"", .125F}});
  expect(first(source, result), "b", "q", 1);
}

/// Two convolutions of x, of which y is the sum, in either order.
graph::Graph branches(float left, float right, bool left_first) {
  graph::Graph graph = network({1, 2, 4, 4}, {1, 2, 4, 4});
  if (left_first) convolution(graph, "x", "left", left);
  convolution(graph, "x", "right", right);
  if (!left_first) convolution(graph, "x", "left", left);
  node(graph, "Add", {"left", "right"}, "y");
  return graph;
}

TEST(FirstDifference, BelievesNamesOfBranchesInAnotherOrder) {
  expect(first(branches(.5F, .25F, true), branches(.5F, .2F, false)), "right", "right", 1);
}

/// A convolution times 2 plus 1, by an operator of its own or in its weights, then another one.
graph::Graph normalised(bool folded, float a) {
  graph::Graph graph = network({1, 2, 4, 4}, {1, 2, 4, 4});
  if (folded) {
    constant(graph, "w", {2, 2, 1, 1}, {1, 2, 2, 1});
    constant(graph, "b", {2}, {1, 1});
    node(graph, "Conv", {"x", "w", "b"}, "first");
  } else {
    constant(graph, "w", {2, 2, 1, 1}, {.5F, 1, 1, .5F});
    constant(graph, "two", {1, 2, 1, 1}, {2, 2});
    constant(graph, "one", {1, 2, 1, 1}, {1, 1});
    node(graph, "Conv", {"x", "w"}, "raw");
    node(graph, "Mul", {"raw", "two"}, "scaled");
    node(graph, "Add", {"scaled", "one"}, "shifted");
  }
  convolution(graph, folded ? "first" : "shifted", folded ? "last" : "y", a);
  if (folded) graph.outputs[0].name = "last";
  return graph;
}

// What is multiplied into a convolution on one side only is no difference.
TEST(FirstDifference, ComparesConvolutionsWithTheirFactors) {
  expect(first(normalised(false, .5F), normalised(true, .25F)), "y", "last", 1);
}

/// The mean of what a window of 2 x 2 picks every 2 pixels of 5 x 5: 2 x 2 or, rounded up, 3 x 3.
graph::Graph pooled(std::int64_t rounded_up) {
  graph::Graph graph = network({1, 2, 5, 5}, {1, 2, 1, 1});
  convolution(graph, "x", "stem", .5F);
  node(graph, "MaxPool", {"stem"}, "pool").attributes = {
      {"kernel_shape", std::vector<std::int64_t>{2, 2}},
      {"strides", std::vector<std::int64_t>{2, 2}},
      {"ceil_mode", rounded_up}};
  node(graph, "GlobalAveragePool", {"pool"}, "y");
  return graph;
}

TEST(FirstDifference, TellsShapesThatDiffer) {
  const auto found = first(pooled(0), pooled(1));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->op, "MaxPool");
  EXPECT_EQ(found->same, 1);
  EXPECT_EQ(found->source_shape, (graph::Shape{1, 2, 2, 2}));
  EXPECT_EQ(found->result_shape, (graph::Shape{1, 2, 3, 3}));
}

}  // namespace
}  // namespace visavis::modelkit
