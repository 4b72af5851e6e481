#include <gtest/gtest.h>

#include <cstdint>
#include <string>
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
using testing::network;
using testing::node;
using testing::reference;
using Ints = std::vector<std::int64_t>;
using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;

/// One operator, and what ONNX's definition of it says of the shape that it gives.
struct Case {
  std::string op;
  Ints input;
  std::vector<Ints> numbers;  ///< Further inputs, constant integers.
  std::vector<Ints> weights;  ///< Further inputs, constant floats of these shapes.
  Attributes attributes;
  Ints expected;
};

std::vector<Case> cases() {
  const std::int64_t one = 1;
  return {
      {"Relu", {1, 3, 5, 4}, {}, {}, {}, {1, 3, 5, 4}},
      {"Add", {2, 3, 1}, {}, {{3, 4}}, {}, {2, 3, 4}},
      // floor((7 + 2 - 3) / 2) + 1, floor((6 + 2 - 3) / 2) + 1
      {"Conv",
       {1, 2, 7, 6},
       {},
       {{4, 2, 3, 3}},
       {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 2}}},
       {1, 4, 4, 3}},
      // a kernel of 3 reaches over 5 when dilated by 2
      {"Conv", {1, 2, 7, 6}, {}, {{4, 2, 3, 3}}, {{"dilations", Ints{2, 2}}}, {1, 4, 3, 2}},
      {"Conv", {1, 4, 5, 5}, {}, {{6, 2, 1, 1}}, {{"group", std::int64_t{2}}}, {1, 6, 5, 5}},
      {"MaxPool",
       {1, 2, 6, 6},
       {},
       {},
       {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}},
       {1, 2, 2, 2}},
      {"MaxPool",
       {1, 2, 6, 6},
       {},
       {},
       {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", one}},
       {1, 2, 3, 3}},
      // 1 + 3 + 1: the window at 4 would begin in the padding behind the end
      {"MaxPool",
       {1, 1, 3, 3},
       {},
       {},
       {{"kernel_shape", Ints{2, 2}},
        {"strides", Ints{2, 2}},
        {"pads", Ints{1, 1, 1, 1}},
        {"ceil_mode", one}},
       {1, 1, 2, 2}},
      {"AveragePool",
       {1, 2, 6, 4},
       {},
       {},
       {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}},
       {1, 2, 3, 2}},
      {"GlobalAveragePool", {2, 3, 5, 4}, {}, {}, {}, {2, 3, 1, 1}},
      {"Gemm", {2, 3}, {}, {{4, 3}}, {{"transB", one}}, {2, 4}},
      {"MatMul", {5, 2, 3}, {}, {{3, 4}}, {}, {5, 2, 4}},
      {"Flatten", {2, 3, 4}, {}, {}, {}, {2, 12}},
      {"Reshape", {2, 3, 4}, {{0, -1}}, {}, {}, {2, 12}},
      {"Transpose", {2, 3, 4}, {}, {}, {{"perm", Ints{2, 0, 1}}}, {4, 2, 3}},
      {"Transpose", {2, 3, 4}, {}, {}, {}, {4, 3, 2}},
      {"Concat", {2, 3}, {}, {{2, 4}}, {{"axis", one}}, {2, 7}},
      {"Pad", {2, 3}, {{0, 1, 2, 3}}, {}, {}, {4, 7}},
      {"Slice", {5, 7}, {{1}, {-1}, {1}, {2}}, {}, {}, {5, 3}},    // 1, 3, 5 of 7
      {"Slice", {5, 7}, {{-1}, {-9}, {0}, {-2}}, {}, {}, {3, 7}},  // 4, 2, 0 of 5
      {"Gather", {5, 7}, {{0, 2, 4}}, {}, {{"axis", one}}, {5, 3}},
      {"ReduceMean",
       {2, 3, 4},
       {},
       {},
       {{"axes", Ints{-1}}, {"keepdims", std::int64_t{0}}},
       {2, 3}},
      {"ReduceMean", {2, 3, 4}, {}, {}, {{"axes", Ints{1, 2}}}, {2, 1, 1}},
      {"Squeeze", {2, 1, 4}, {{1}}, {}, {}, {2, 4}},
      {"Unsqueeze", {2, 4}, {{0, -1}}, {}, {}, {1, 2, 4, 1}},
      {"Softmax", {2, 4}, {}, {}, {}, {2, 4}},
  };
}

graph::Graph graph_of(const Case& one) {
  graph::Graph graph = network(one.input, one.expected);
  std::vector<std::string> inputs = {"x"};
  for (const Ints& numbers : one.numbers) {
    inputs.push_back("numbers" + std::to_string(inputs.size()));
    graph.initializers.push_back({.name = inputs.back(),
                                  .shape = {static_cast<std::int64_t>(numbers.size())},
                                  .values = numbers});
  }
  for (const Ints& shape : one.weights) {
    inputs.push_back("weights" + std::to_string(inputs.size()));
    constant(graph, inputs.back(), shape, std::vector<float>(*graph::element_count(shape), .5F));
  }
  node(graph, one.op, inputs, "y").attributes = one.attributes;
  return graph;
}

TEST(InferShapes, FollowsEveryOperator) {
  for (const Case& one : cases()) {
    const graph::Graph graph = graph_of(one);
    const auto shapes = graph::infer_shapes(graph, std::vector<Ints>{one.input},
                                            runtime::evaluate_with(reference()));
    ASSERT_TRUE(shapes) << one.op << ": " << shapes.error().message;
    EXPECT_EQ(shapes->at("y"), one.expected) << one.op;

    // And what comes out when it runs.
    const graph::Tensor x{.name = {},
                          .shape = one.input,
                          .values = std::vector<float>(*graph::element_count(one.input), 1)};
    const auto ran = runtime::evaluate_with(reference())(graph, std::vector{x});
    ASSERT_TRUE(ran) << one.op << ": " << ran.error().message;
    EXPECT_EQ(ran->front().shape, one.expected) << one.op;
  }
}

// Half of the first axis, computed from the input's shape.
TEST(InferShapes, ComputesWhatShapesAreMadeOf) {
  graph::Graph graph = network({-1, 6}, {-1, -1});
  const auto ints = [&](const char* name, Ints values) {
    graph.initializers.push_back({.name = name,
                                  .shape = {static_cast<std::int64_t>(values.size())},
                                  .values = std::move(values)});
  };
  ints("zero", {0});
  ints("two", {2});
  ints("rest", {-1});
  node(graph, "Shape", {"x"}, "shape");
  node(graph, "Gather", {"shape", "zero"}, "batch");
  node(graph, "Div", {"batch", "two"}, "half");
  node(graph, "Concat", {"half", "rest"}, "target").attributes = {{"axis", std::int64_t{0}}};
  node(graph, "Reshape", {"x", "target"}, "y");
  const auto shapes =
      graph::infer_shapes(graph, std::vector<Ints>{{4, 6}}, runtime::evaluate_with(reference()));
  ASSERT_TRUE(shapes) << shapes.error().message;
  EXPECT_EQ(shapes->at("y"), (Ints{2, 12}));
}

TEST(InferShapes, RefusesWhatDoesNotGoTogether) {
  const std::vector<Case> wrong = {
      {"Conv", {1, 3, 7, 6}, {}, {{4, 2, 3, 3}}, {}, {1}},  // other channels
      {"Conv", {1, 2, 2, 2}, {}, {{4, 2, 3, 3}}, {}, {1}},  // larger than the input
      {"Conv", {1, 2, 7, 6}, {}, {{4, 2, 3, 3}}, {{"strides", Ints{0, 1}}}, {1}},
      {"Conv", {1, 2, 7, 6}, {}, {{4, 2, 3, 3}}, {{"strides", Ints{1}}}, {1}},
      {"Conv", {1, 2, 7, 6}, {}, {{4, 2, 3, 3}}, {{"group", std::int64_t{0}}}, {1}},
      {"Conv", {1, 2, 7, 6}, {}, {{4, 2, 3, 3}}, {{"auto_pad", std::string("SAME_UPLER")}}, {1}},
      {"Conv", {1, 2, 7, 6}, {}, {{0, 2, 3, 3}}, {}, {1}},                            // no output
      {"Conv", {1, 2, 7, 6}, {}, {{4, 2, 3, 3}, {3}}, {}, {1}},                       // bias
      {"Conv", {1, 2, 7, 6}, {}, {{3, 1, 3, 3}}, {{"group", std::int64_t{2}}}, {1}},  // 3 / 2
      {"ConvTranspose", {1, 2, 7, 6}, {}, {{2, 4, 3, 3}, {3}}, {}, {1}},              // bias
      {"BatchNormalization", {1, 2, 7, 6}, {}, {{2}, {1}, {2}, {2}}, {}, {1}},
      {"BatchNormalization", {1, 2, 7, 6}, {}, {{3}, {3}, {3}, {3}}, {}, {1}},
      {"InstanceNormalization", {1, 2, 7, 6}, {}, {{2}, {7}}, {}, {1}},
      {"LayerNormalization", {1, 2, 7, 6}, {}, {{6}}, {{"axis", std::int64_t{4}}}, {1}},
      {"LayerNormalization", {1, 2, 7, 6}, {}, {{5}}, {}, {1}},
      {"Softmax", {1, 2, 7, 6}, {}, {}, {{"axis", std::int64_t{7}}}, {1}},
      {"Softmax", {1, 2, 7, 6}, {}, {}, {{"axis", std::int64_t{-5}}}, {1}},
      {"LpNormalization", {1, 2}, {}, {}, {{"axis", std::int64_t{2}}}, {1}},
      {"QuantizeLinear", {1, 2}, {}, {{2}}, {{"axis", std::int64_t{2}}}, {1}},
      {"QuantizeLinear", {1, 2}, {}, {{3}}, {}, {1}},
      {"DequantizeLinear", {1, 2}, {}, {{2}, {1}}, {}, {1}},
      {"Gemm", {2, 3}, {}, {{3, 4}, {3}}, {}, {1}},
      {"Add", {2, 3}, {}, {{4}}, {}, {1}},
      {"PRelu", {2, 1, 3, 3}, {}, {{4, 1, 1}}, {}, {1}},
      {"Gemm", {2, 3}, {}, {{4, 2}}, {{"transB", std::int64_t{1}}}, {1}},
      {"Reshape", {2, 3}, {{4, -1}}, {}, {}, {1}},
      {"Reshape", {2, 3}, {{1LL << 40, 1LL << 40}}, {}, {}, {1}},
      {"Transpose", {2, 3}, {}, {}, {{"perm", Ints{0, 5}}}, {1}},
      {"Transpose", {2, 3}, {}, {}, {{"perm", Ints{0, -1}}}, {1}},
      {"Transpose", {2, 3}, {}, {}, {{"perm", Ints{1, 1}}}, {1}},
      {"Pad", {2, 3}, {{1LL << 62, 0, 1LL << 62, 0}}, {}, {}, {1}},
      {"Pad", {2, 3}, {{-3, 0, 0, 0}}, {}, {}, {1}},
      {"Slice", {5, 7}, {{0}, {1}, {1}, {0}}, {}, {}, {1}},
      {"Squeeze", {2, 4}, {{0}}, {}, {}, {1}},
      {"NoSuchOperator", {2, 4}, {}, {}, {}, {1}},
  };
  for (const Case& one : wrong) {
    const auto shapes = graph::infer_shapes(graph_of(one), std::vector<Ints>{one.input},
                                            runtime::evaluate_with(reference()));
    ASSERT_FALSE(shapes) << one.op;
    EXPECT_TRUE(shapes.error().code == ErrorCode::kInvalidArgument ||
                shapes.error().code == ErrorCode::kUnsupported);
  }
  EXPECT_FALSE(graph::infer_shapes(graph_of(cases()[0]), {}, runtime::evaluate_with(reference())));
}

}  // namespace
}  // namespace visavis::modelkit
