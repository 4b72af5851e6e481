#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/evaluate.hpp>

#include "networks.hpp"
#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {
namespace {

using testing::constant;
using testing::Floats;
using testing::network;
using testing::node;
using testing::reference;

void add_norm(graph::Graph& graph, const std::string& name, const std::string& input,
              const std::string& output, std::int64_t channels) {
  const auto count = static_cast<std::size_t>(channels);
  Floats gamma(count);
  Floats beta(count);
  Floats mean(count);
  Floats variance(count);
  for (std::size_t c = 0; c < count; ++c) {
    const auto n = static_cast<float>(c);
    gamma[c] = 3 - n;
    beta[c] = n - 1;
    mean[c] = 2 - 3 * n;
    variance[c] = 3 + 5 * n;
  }
  constant(graph, name + "_gamma", {channels}, gamma);
  constant(graph, name + "_beta", {channels}, beta);
  constant(graph, name + "_mean", {channels}, mean);
  constant(graph, name + "_variance", {channels}, variance);
  node(graph, "BatchNormalization",
       {input, name + "_gamma", name + "_beta", name + "_mean", name + "_variance"}, output)
      .attributes = {{"epsilon", 1.F}};
}

/// A convolution of one channel to two with weights 2 and 3 and biases 1 and 0, normalised.
graph::Graph normalised() {
  graph::Graph graph = network({1, 1, 2, 2}, {1, 2, 2, 2});
  constant(graph, "weights", {2, 1, 1, 1}, {2, 3});
  constant(graph, "bias", {2}, {1, 0});
  node(graph, "Conv", {"x", "weights", "bias"}, "conv");
  add_norm(graph, "norm", "conv", "y", 2);
  return graph;
}

std::vector<std::string> ops_of(const graph::Graph& graph) {
  std::vector<std::string> ops;
  std::ranges::transform(graph.nodes, std::back_inserter(ops), &graph::Node::op);
  return ops;
}

void expect_same(const graph::Graph& before, const graph::Graph& after) {
  EXPECT_TRUE(graph::validate(after));
  const auto found =
      compare({.graph = &before, .engine = &reference()}, {.graph = &after, .engine = &reference()},
              std::vector{*random_samples(before, 4, 3, 8)}, {.max_abs = 1e-6});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->equivalent);
}

Floats floats(const graph::Graph& graph, std::size_t of_node, std::size_t input) {
  return std::get<Floats>(graph.initializer(graph.nodes[of_node].inputs[input])->values);
}

// Scales 3 / sqrt(3 + 1) and 2 / sqrt(8 + 1); (1 - 2) * 3/2 - 1 and (0 + 1) * 2/3 + 0.
TEST(FoldBatchNorm, MultipliesIntoTheConvolution) {
  const graph::Graph before = normalised();
  const graph::Graph after = graph::fold_batch_norm(before);
  EXPECT_EQ(ops_of(after), std::vector<std::string>{"Conv"});
  const Floats weights = floats(after, 0, 1);
  EXPECT_FLOAT_EQ(weights[0], 3);
  EXPECT_FLOAT_EQ(weights[1], 2);
  const Floats bias = floats(after, 0, 2);
  EXPECT_FLOAT_EQ(bias[0], -2.5);
  EXPECT_FLOAT_EQ(bias[1], 2.F / 3);
  EXPECT_EQ(after.initializers.size(), 2);
  expect_same(before, after);
}

TEST(FoldBatchNorm, MultipliesIntoAGemm) {
  graph::Graph before = network({2, 3}, {2, 2});
  constant(before, "weights", {2, 3}, {1, 2, 3, 4, 5, 6});
  node(before, "Gemm", {"x", "weights"}, "gemm").attributes = {{"transB", std::int64_t{1}}};
  add_norm(before, "norm", "gemm", "y", 2);
  const graph::Graph after = graph::fold_batch_norm(before);
  EXPECT_EQ(ops_of(after), std::vector<std::string>{"Gemm"});
  expect_same(before, after);
}

TEST(FoldBatchNorm, FoldsOneBehindTheOther) {
  graph::Graph before = normalised();
  before.nodes.back().outputs = {"once"};
  add_norm(before, "again", "once", "y", 2);
  const graph::Graph after = graph::fold_batch_norm(before);
  EXPECT_EQ(ops_of(after), std::vector<std::string>{"Conv"});
  expect_same(before, after);
}

// The padding's zeros come after the normalisation.
TEST(FoldBatchNorm, LeavesOneBeforeAConvolution) {
  graph::Graph before = network({1, 2, 3, 3}, {1, 1, 3, 3});
  add_norm(before, "norm", "x", "normal", 2);
  constant(before, "weights", {1, 2, 3, 3}, Floats(18, .5F));
  node(before, "Conv", {"normal", "weights"}, "y").attributes = {
      {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}};
  const graph::Graph after = graph::fold_batch_norm(before);
  EXPECT_EQ(ops_of(after), (std::vector<std::string>{"BatchNormalization", "Conv"}));
  expect_same(before, after);
}

TEST(FoldBatchNorm, LeavesAConvolutionThatOthersRead) {
  graph::Graph before = normalised();
  before.outputs.push_back({.name = "conv", .shape = {1, 2, 2, 2}});
  EXPECT_EQ(ops_of(graph::fold_batch_norm(before)),
            (std::vector<std::string>{"Conv", "BatchNormalization"}));
}

// Weights that two convolutions share are not changed for the one that is not normalised.
TEST(FoldBatchNorm, LeavesSharedWeights) {
  graph::Graph before = normalised();
  node(before, "Conv", {"x", "weights", "bias"}, "plain");
  before.outputs.push_back({.name = "plain", .shape = {1, 2, 2, 2}});
  expect_same(before, graph::fold_batch_norm(before));
}

TEST(RemoveUnused, DropsWhatNoOutputReads) {
  graph::Graph before = normalised();
  constant(before, "lonely", {1}, {1});
  node(before, "Relu", {"conv"}, "nobody");
  node(before, "Sigmoid", {"nobody"}, "nobody_either");
  const graph::Graph after = graph::remove_unused(before);
  EXPECT_EQ(ops_of(after), (std::vector<std::string>{"Conv", "BatchNormalization"}));
  EXPECT_EQ(after.initializer("lonely"), nullptr);
  expect_same(before, after);
}

TEST(RemoveUnused, PassesByWhatHandsOn) {
  graph::Graph before = network({1, 4}, {1, 4});
  node(before, "Identity", {"x"}, "same");
  node(before, "Dropout", {"same"}, "still");
  node(before, "Relu", {"still"}, "y");
  const graph::Graph after = graph::remove_unused(before);
  EXPECT_EQ(ops_of(after), std::vector<std::string>{"Relu"});
  EXPECT_EQ(after.nodes[0].inputs, std::vector<std::string>{"x"});
  expect_same(before, after);
}

TEST(RemoveUnused, KeepsTheNamesOfOutputs) {
  graph::Graph before = network({1, 4}, {1, 4});
  node(before, "Relu", {"x"}, "inner");
  node(before, "Identity", {"inner"}, "y");
  const graph::Graph after = graph::remove_unused(before);
  EXPECT_EQ(after.outputs[0].name, "y");
  expect_same(before, after);
}

TEST(FoldConstants, ComputesBeforehand) {
  graph::Graph before = network({1, 2}, {1, 2});
  constant(before, "two", {1, 2}, {2, 2});
  constant(before, "three", {1, 2}, {3, 3});
  node(before, "Mul", {"two", "three"}, "six");
  node(before, "Sqrt", {"six"}, "root");
  node(before, "Add", {"x", "root"}, "y");
  const auto after = graph::fold_constants(before, runtime::evaluate_with(reference()));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(ops_of(*after), std::vector<std::string>{"Add"});
  EXPECT_FLOAT_EQ(floats(*after, 0, 1)[0], 2.4494897F);
  EXPECT_EQ(after->initializers.size(), 1);
  expect_same(before, *after);
}

TEST(FoldConstants, FoldsShapes) {
  graph::Graph before = network({1, 2, 2}, {1, 4});
  before.initializers.push_back(
      {.name = "one", .shape = {1}, .values = std::vector<std::int64_t>{1}});
  before.initializers.push_back(
      {.name = "four", .shape = {1}, .values = std::vector<std::int64_t>{4}});
  node(before, "Concat", {"one", "four"}, "shape").attributes = {{"axis", std::int64_t{0}}};
  node(before, "Reshape", {"x", "shape"}, "y");
  const auto after = graph::fold_constants(before, runtime::evaluate_with(reference()));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(ops_of(*after), std::vector<std::string>{"Reshape"});
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(after->initializer("shape")->values),
            (std::vector<std::int64_t>{1, 4}));
  expect_same(before, *after);
}

TEST(FoldConstants, LeavesWeightsThatAreIntegers) {
  graph::Graph before = network({1, 2}, {1, 2});
  before.initializers.push_back(
      {.name = "weights", .shape = {1, 2}, .values = std::vector<std::int8_t>{2, 3}});
  constant(before, "scale", {}, {.5F});
  node(before, "DequantizeLinear", {"weights", "scale"}, "floats");
  node(before, "Add", {"x", "floats"}, "y");
  const auto after = graph::fold_constants(before, runtime::evaluate_with(reference()));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(ops_of(*after), (std::vector<std::string>{"DequantizeLinear", "Add"}));
}

/// 2^26 zeros are added to what is given.
graph::Graph huge() {
  graph::Graph graph = network({1}, {(1 << 26) + 1});
  constant(graph, "seed", {1}, {1});
  graph.initializers.push_back(
      {.name = "pads", .shape = {2}, .values = std::vector<std::int64_t>{0, 1 << 26}});
  node(graph, "Pad", {"seed", "pads"}, "huge");
  node(graph, "Add", {"x", "huge"}, "y");
  return graph;
}

TEST(FoldConstants, RefusesToMakeGigabytes) {
  EXPECT_FALSE(graph::fold_constants(huge(), runtime::evaluate_with(reference())));
}

TEST(Simplify, LeavesConstantsThatCannotBeComputed) {
  EXPECT_EQ(ops_of(simplify(huge(), reference())), (std::vector<std::string>{"Pad", "Add"}));
}

TEST(Simplify, DoesAllOfIt) {
  const graph::Graph before = normalised();
  const graph::Graph after = simplify(before, reference());
  EXPECT_EQ(ops_of(after), std::vector<std::string>{"Conv"});
  expect_same(before, after);
}

}  // namespace
}  // namespace visavis::modelkit
