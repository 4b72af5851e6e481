#include "visavis/graph/graph.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::graph {
namespace {

using testing::HasSubstr;

Graph small() {
  Graph graph;
  graph.inputs = {{.name = "x", .type = ElementType::kFloat32, .shape = {-1, 2}}};
  graph.initializers = {{.name = "b", .shape = {2}, .values = std::vector<float>{1, 2}}};
  graph.nodes = {
      {.op = "Add", .name = {}, .inputs = {"x", "b"}, .outputs = {"s"}, .attributes = {}},
      {.op = "Relu", .name = {}, .inputs = {"s"}, .outputs = {"y"}, .attributes = {}}};
  graph.outputs = {{.name = "y", .type = ElementType::kFloat32, .shape = {-1, 2}}};
  return graph;
}

void expect_invalid(const Graph& graph, std::string_view message) {
  const auto valid = validate(graph);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(valid.error().message, HasSubstr(message));
}

TEST(Graph, AcceptsNodesInRunnableOrder) { EXPECT_TRUE(validate(small())); }

TEST(Graph, RefusesNodesOutOfOrder) {
  Graph graph = small();
  std::swap(graph.nodes[0], graph.nodes[1]);
  expect_invalid(graph, "Relu reads \"s\"");
}

TEST(Graph, RefusesACycle) {
  Graph graph = small();
  graph.nodes[0].inputs[1] = "y";
  expect_invalid(graph, "Add reads \"y\"");
}

TEST(Graph, RefusesANameDefinedTwice) {
  Graph graph = small();
  graph.nodes[1].outputs[0] = "x";
  expect_invalid(graph, "\"x\" is defined twice");
}

TEST(Graph, RefusesAMissingOutput) {
  Graph graph = small();
  graph.outputs[0].name = "z";
  expect_invalid(graph, "nothing defines the output \"z\"");
  graph.outputs.clear();
  expect_invalid(graph, "no output");
}

TEST(Graph, RefusesATensorThatDoesNotFillItsShape) {
  Graph graph = small();
  graph.initializers[0].shape = {3};
  expect_invalid(graph, "holds 2 values and its shape says 3");
}

TEST(Graph, LeftOutOptionalInputsAreFine) {
  Graph graph = small();
  graph.nodes[1] = {
      .op = "Clip", .name = {}, .inputs = {"s", "", "b"}, .outputs = {"y"}, .attributes = {}};
  EXPECT_TRUE(validate(graph));
}

TEST(ElementCount, MultipliesDimensions) {
  EXPECT_EQ(element_count(Shape{}).value(), 1U);
  EXPECT_EQ(element_count(Shape{2, 3, 4}).value(), 24U);
  EXPECT_EQ(element_count(Shape{2, 0, 4}).value(), 0U);
}

TEST(ElementCount, RefusesWildShapes) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(element_count(Shape{-1}));
  EXPECT_FALSE(element_count(Shape{kHuge, kHuge}));
  EXPECT_FALSE(element_count(Shape{0, kHuge}));
  EXPECT_FALSE(element_count(Shape{1 << 15, 1 << 15}));
  EXPECT_FALSE(element_count(Shape(kMaxRank + 1, 1)));
}

TEST(Node, AttributesComeByNameAndType) {
  const Node node{.op = "Gemm",
                  .name = {},
                  .inputs = {},
                  .outputs = {},
                  .attributes = {{"transB", std::int64_t{1}}, {"alpha", 0.5F}}};
  EXPECT_EQ(node.get_or<std::int64_t>("transB", 0), 1);
  EXPECT_EQ(node.get_or<std::int64_t>("transA", 7), 7);
  EXPECT_EQ(node.get_or<float>("alpha", 1), 0.5F);
  EXPECT_EQ(node.find("beta"), nullptr);
}

}  // namespace
}  // namespace visavis::graph
