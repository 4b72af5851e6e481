#include "visavis/graph/passes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "visavis/graph/graph.hpp"

namespace visavis::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

Node node(std::string op, std::vector<std::string> inputs, std::string output,
          std::vector<std::pair<std::string, Attribute>> attributes = {}) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {std::move(output)},
          .attributes = std::move(attributes)};
}

Tensor ints(std::string name, Ints values) {
  const auto count = static_cast<std::int64_t>(values.size());
  return {.name = std::move(name), .shape = {count}, .values = std::move(values)};
}

/// x [1,2,2] -> nodes -> y of rank 2.
Graph graph_of(std::vector<Node> nodes, std::vector<Tensor> constants = {}) {
  return {.name = {},
          .opset = 11,
          .inputs = {{.name = "x", .type = ElementType::kFloat32, .shape = {1, 2, 2}}},
          .outputs = {{.name = "y", .type = ElementType::kFloat32, .shape = {1, 4}}},
          .initializers = std::move(constants),
          .nodes = std::move(nodes)};
}

TEST(FreeBatch, FreesInputsOutputsAndConstantReshapes) {
  const auto freed = free_batch(
      graph_of({node("Relu", {"x"}, "r"), node("Reshape", {"r", "s"}, "y")}, {ints("s", {1, -1})}));
  ASSERT_TRUE(freed) << freed.error().message;
  EXPECT_THAT(freed->inputs[0].shape, ElementsAre(-1, 2, 2));
  EXPECT_THAT(freed->outputs[0].shape, ElementsAre(-1, 4));
  ASSERT_EQ(freed->initializers.size(), 1U);  // the old shape is gone
  EXPECT_EQ(freed->nodes[1].inputs[1], freed->initializers[0].name);
  EXPECT_THAT(std::get<Ints>(freed->initializers[0].values), ElementsAre(0, -1));
}

/// Takes the number at a place.
Result<std::vector<Tensor>> gathered(const Graph& graph, std::span<const Tensor>) {
  const Node& gather = graph.nodes.at(0);
  const auto& from = std::get<Ints>(graph.initializer(gather.inputs[0])->values);
  const auto at = std::get<Ints>(graph.initializer(gather.inputs[1])->values).front();
  return std::vector{ints(gather.outputs[0], {from.at(static_cast<std::size_t>(at))})};
}

/// The shape of x [-1, 2, -1] of which the numbers at 1 and at 2 are read.
Graph reading_shapes() {
  Graph graph = graph_of({node("Shape", {"x"}, "s"), node("Gather", {"s", "one"}, "c"),
                          node("Gather", {"s", "two"}, "w"), node("Reshape", {"x", "c"}, "y"),
                          node("Reshape", {"x", "w"}, "z")},
                         {ints("one", {1}), ints("two", {2})});
  graph.inputs[0].shape = {-1, 2, -1};
  graph.outputs[0].shape = {-1};
  graph.outputs.push_back({.name = "z", .type = ElementType::kFloat32, .shape = {-1}});
  return graph;
}

TEST(FoldShapes, MakesConstantWhatNoFreeDimensionHasAPartIn) {
  const std::vector<std::vector<Shape>> sizes = {{{1, 2, 1}}, {{1, 2, 1}}};
  EXPECT_EQ(fold_shapes(reading_shapes(), sizes, gathered).error().code,
            ErrorCode::kInvalidArgument)
      << "two numbers are no row of one";
  Graph graph = reading_shapes();
  for (Node& each : graph.nodes)
    if (each.op == "Reshape") each = node("Add", each.inputs, each.outputs[0]);
  const auto folded =
      fold_shapes(graph, std::vector<std::vector<Shape>>{{{1, 2, 5}}, {{1, 2, 7}}}, gathered);
  ASSERT_TRUE(folded) << folded.error().message;
  ASSERT_NE(folded->initializer("c"), nullptr);
  EXPECT_THAT(std::get<Ints>(folded->initializer("c")->values), ElementsAre(2));
  EXPECT_EQ(folded->initializer("w"), nullptr);
  EXPECT_EQ(folded->initializer("one"), nullptr) << "nothing reads it any more";
  ASSERT_EQ(folded->nodes.size(), 4U) << "Shape and one Gather are left";
  const auto all = fold_shapes(graph, std::vector<std::vector<Shape>>{{{1, 2, 5}}}, gathered);
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_EQ(all->nodes.size(), 2U);
  EXPECT_THAT(std::get<Ints>(all->initializer("w")->values), ElementsAre(5));
}

TEST(FreeBatch, LeavesAConstantThatOthersRead) {
  const auto freed = free_batch(graph_of(
      {node("Reshape", {"x", "s"}, "y"), node("Add", {"s", "s"}, "t")}, {ints("s", {1, -1})}));
  ASSERT_TRUE(freed) << freed.error().message;
  EXPECT_THAT(std::get<Ints>(freed->initializer("s")->values), ElementsAre(1, -1));
  EXPECT_EQ(freed->initializers.size(), 2U);
}

TEST(FreeBatch, FollowsTheBatchThroughAComputedShape) {
  const Tensor zero{.name = {}, .shape = {}, .values = Ints{0}};
  const auto freed = free_batch(
      graph_of({node("Shape", {"x"}, "shape"), node("Constant", {}, "zero", {{"value", zero}}),
                node("Gather", {"shape", "zero"}, "n", {{"axis", std::int64_t{0}}}),
                node("Unsqueeze", {"n"}, "n1", {{"axes", Ints{0}}}),
                node("Concat", {"n1", "rest"}, "target", {{"axis", std::int64_t{0}}}),
                node("Reshape", {"x", "target"}, "y")},
               {ints("rest", {-1})}));
  ASSERT_TRUE(freed) << freed.error().message;
  EXPECT_EQ(freed->nodes[5].inputs[1], "target");
  EXPECT_THAT(freed->outputs[0].shape, ElementsAre(-1, 4));
}

TEST(FreeBatch, RefusesWhatMixesSamples) {
  const auto refused = [](std::vector<Node> nodes, std::vector<Tensor> constants = {}) {
    const auto freed = free_batch(graph_of(std::move(nodes), std::move(constants)));
    return !freed && freed.error().code == ErrorCode::kUnsupported ? freed.error().message : "";
  };
  EXPECT_THAT(refused({node("Transpose", {"x"}, "y", {{"perm", Ints{1, 0, 2}}})}),
              HasSubstr("Transpose"));
  EXPECT_THAT(refused({node("Concat", {"x", "x"}, "y", {{"axis", std::int64_t{0}}})}),
              HasSubstr("Concat"));
  EXPECT_THAT(refused({node("Flatten", {"x"}, "y", {{"axis", std::int64_t{0}}})}),
              HasSubstr("Flatten"));
  EXPECT_THAT(refused({node("Softmax", {"x"}, "y", {{"axis", std::int64_t{0}}})}),
              HasSubstr("Softmax"));
  EXPECT_THAT(refused({node("ReduceMean", {"x"}, "y")}), HasSubstr("ReduceMean"));
  // Two rows of the second axis may not be taken for two samples.
  EXPECT_THAT(refused({node("Reshape", {"x", "s"}, "y")}, {ints("s", {2, -1})}),
              HasSubstr("Reshape"));
}

TEST(FreeBatch, RefusesAFixedBatchOfSeveral) {
  Graph graph = graph_of({node("Relu", {"x"}, "y")});
  graph.inputs[0].shape[0] = 4;
  EXPECT_EQ(free_batch(graph).error().code, ErrorCode::kUnsupported);
}

TEST(FlushSubnormals, ClearsTinyWeightsEverywhere) {
  const Tensor inner{.name = {}, .shape = {2}, .values = std::vector<float>{1e-40F, 2}};
  Graph graph = graph_of({node("Constant", {}, "k", {{"value", inner}}), node("Relu", {"x"}, "y")},
                         {{.name = "w",
                           .shape = {5},
                           .values = std::vector<float>{1e-21F, -1e-39F, 1e-19F, -3.0F, 0.0F}},
                          ints("s", {1})});
  graph = flush_subnormals(std::move(graph));
  EXPECT_THAT(std::get<std::vector<float>>(graph.initializers[0].values),
              ElementsAre(0.0F, 0.0F, 1e-19F, -3.0F, 0.0F));
  EXPECT_THAT(std::get<std::vector<float>>(graph.nodes[0].get_or<Tensor>("value", {}).values),
              ElementsAre(0.0F, 2.0F));
}

std::vector<std::string> operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& each : graph.nodes) names.push_back(each.op);
  return names;
}

/// What compose makes of nodes between x and y of these shapes.
std::vector<std::string> composed(std::vector<Node> nodes, const Shapes& shapes,
                                  const Shapes& others) {
  return operators(compose(graph_of(std::move(nodes)), shapes, others));
}

TEST(Compose, TakesNoFreeDimensionForACount) {
  const std::vector<Node> sum = {node("ReduceSum", {"x"}, "y", {{"axes", Ints{1}}})};
  const Shapes shapes = {{"x", {1, 8, 3}}, {"y", {1, 1, 3}}};
  EXPECT_THAT(composed(sum, shapes, shapes), ElementsAre("ReduceMean", "Mul"));
  const Shapes others = {{"x", {1, 16, 3}}, {"y", {1, 1, 3}}};
  EXPECT_THAT(composed(sum, shapes, others), ElementsAre("ReduceSum"));
}

TEST(Compose, CountsAnAxisOnce) {
  const Graph graph =
      compose(graph_of({node("ReduceSum", {"x"}, "y", {{"axes", Ints{2, -1, 2}}})}),
              {{"x", {1, 2, 3}}, {"y", {1, 2, 1}}}, {{"x", {1, 2, 3}}, {"y", {1, 2, 1}}});
  ASSERT_EQ(graph.initializers.size(), 1U);
  EXPECT_THAT(std::get<std::vector<float>>(graph.initializers[0].values), ElementsAre(3.F));
}

TEST(Compose, KeepsExpandsThatOnlyEachOtherStretch) {
  const Shapes shapes = {{"x", {1, 2, 2}}, {"s", {3}},       {"a", {1, 2, 2}},
                         {"b", {1, 2, 2}}, {"c", {1, 2, 2}}, {"y", {1, 2, 2}}};
  EXPECT_THAT(composed({node("Shape", {"x"}, "s"), node("Expand", {"x", "s"}, "a"),
                        node("Expand", {"x", "s"}, "b"), node("Add", {"a", "b"}, "y")},
                       shapes, shapes),
              ElementsAre("Shape", "Expand", "Expand", "Add"));
  EXPECT_THAT(composed({node("Shape", {"x"}, "s"), node("Expand", {"x", "s"}, "a"),
                        node("Relu", {"x"}, "c"), node("Add", {"a", "c"}, "y")},
                       shapes, shapes),
              ElementsAre("Relu", "Add"));
}

TEST(Compose, MakesNothingOfAConcatOfOne) {
  const Shapes shapes = {{"x", {1, 2, 2}}, {"y", {1, 2, 2}}};
  EXPECT_THAT(composed({node("Concat", {"x"}, "y", {{"axis", std::int64_t{1}}})}, shapes, shapes),
              ElementsAre("Identity"));
}

TEST(Compose, NamesTheSumsOfManyShortly) {
  Node sum = node("Sum", {}, "y");
  sum.inputs.assign(3000, "x");
  const Shapes shapes = {{"x", {1, 2, 2}}, {"y", {1, 2, 2}}};
  const Graph graph = compose(graph_of({sum}), shapes, shapes);
  EXPECT_EQ(graph.nodes.size(), 2999U);
  for (const Node& each : graph.nodes) EXPECT_LT(each.outputs[0].size(), 16U);
}

Tensor number(std::string name, Tensor::Values value) {
  return {.name = std::move(name), .shape = {}, .values = std::move(value)};
}

/// x -> steps of .5 around 100 -> y, and weights in steps.
Graph stepped(std::string back_scale) {
  Graph graph =
      graph_of({node("QuantizeLinear", {"x", "scale", "zero"}, "steps"),
                node("DequantizeLinear", {"steps", std::move(back_scale), "zero"}, "back"),
                node("DequantizeLinear", {"kept", "scale", "zero"}, "weights"),
                node("Mul", {"back", "weights"}, "y")},
               {number("scale", std::vector<float>{.5F}), number("other", std::vector<float>{.25F}),
                number("zero", std::vector<std::uint8_t>{100}),
                number("kept", std::vector<std::uint8_t>{102})});
  graph.opset = 13;
  return graph;
}

// 0 … 255 in steps of .5 around 100 reach from -50 to 77.5.
TEST(DropRoundings, LeavesTheRangeOfTheSteps) {
  const Graph dropped = drop_roundings(stepped("scale"));
  ASSERT_EQ(dropped.nodes.size(), 3U);
  EXPECT_EQ(dropped.nodes[0].op, "Clip");
  EXPECT_EQ(dropped.nodes[1].op, "DequantizeLinear") << "weights stay";
  const auto value = [&](std::size_t input) {
    return std::get<std::vector<float>>(
        dropped.initializer(dropped.nodes[0].inputs.at(input))->values);
  };
  EXPECT_THAT(value(1), ElementsAre(-50.F));
  EXPECT_THAT(value(2), ElementsAre(77.5F));
  EXPECT_TRUE(validate(dropped));
}

TEST(DropRoundings, KeepsWhatIsTakenBackOtherwise) {
  const Graph kept = drop_roundings(stepped("other"));
  EXPECT_EQ(kept.nodes[0].op, "QuantizeLinear");
  EXPECT_EQ(kept.nodes[1].op, "DequantizeLinear");
}

}  // namespace
}  // namespace visavis::graph
