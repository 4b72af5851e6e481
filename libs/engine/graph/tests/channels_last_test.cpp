// What layers become when channels come last: which padding, which order of weights, how many
// transposes. That the answers stay is the conformance suite's: the engine tflite runs this form.

#include "visavis/graph/channels_last.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ints = std::vector<std::int64_t>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

Result<std::vector<Tensor>> compute_nothing(const Graph&, std::span<const Tensor>) {
  return fail(ErrorCode::kUnsupported, "there is nothing to compute");
}

/// From "x" to "y".
Graph network(Ints input, std::size_t rank, std::vector<Node> nodes,
              std::vector<Tensor> constants = {}) {
  return {.name = "g",
          .opset = 13,
          .inputs = {{.name = "x", .type = ElementType::kFloat32, .shape = std::move(input)}},
          .outputs = {{.name = "y", .type = ElementType::kFloat32, .shape = Ints(rank, -1)}},
          .initializers = std::move(constants),
          .nodes = std::move(nodes)};
}

Node node(std::string op, std::vector<std::string> inputs, std::string output,
          Attributes attributes = {}) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {std::move(output)},
          .attributes = std::move(attributes)};
}

/// 0, 1, 2, …
Tensor counted(std::string name, Shape shape) {
  std::vector<float> values(*element_count(shape));
  std::iota(values.begin(), values.end(), 0.F);
  return {.name = std::move(name), .shape = std::move(shape), .values = std::move(values)};
}

ChannelsLast lowered(const Graph& graph, const Shape& x,
                     PictureOrder order = PictureOrder::kChannelsLast) {
  auto made = to_channels_last(graph, std::vector<Shape>{x}, order, compute_nothing);
  EXPECT_TRUE(made) << made.error().message;
  return made ? *std::move(made) : ChannelsLast{};
}

std::vector<std::string> operators(const ChannelsLast& network) {
  std::vector<std::string> out;
  for (const Node& each : network.graph.nodes) out.push_back(each.op);
  return out;
}

std::string padding(const ChannelsLast& network) {
  for (const Node& each : network.graph.nodes)
    if (each.find("padding") != nullptr) return each.get_or<std::string>("padding", "");
  return "none";
}

std::vector<float> floats(const ChannelsLast& network, const std::string& name) {
  const Tensor* tensor = network.graph.initializer(name);
  return tensor == nullptr ? std::vector<float>() : std::get<std::vector<float>>(tensor->values);
}

Graph convolution(const Shape& kernel, Attributes attributes) {
  return network({-1, kernel[1], -1, -1}, 4, {node("Conv", {"x", "w"}, "y", std::move(attributes))},
                 {counted("w", kernel)});
}

// A kernel of [out, in, h, w] = [1, 2, 1, 2] holds 0 1 for the first channel and 2 3 for the
// second.
TEST(ChannelsLast, PutsAKernelsChannelsLast) {
  const ChannelsLast made = lowered(convolution({1, 2, 1, 2}, {}), {1, 2, 4, 4});
  ASSERT_THAT(operators(made), ElementsAre("Conv"));
  const Node& conv = made.graph.nodes[0];
  EXPECT_THAT(floats(made, conv.inputs[1]), ElementsAre(0, 2, 1, 3));
  EXPECT_THAT(floats(made, conv.inputs[2]), ElementsAre(0)) << "a bias is always there";
  EXPECT_EQ(made.shapes.at("x"), (Shape{1, 4, 4, 2}));
  EXPECT_EQ(made.shapes.at("y"), (Shape{1, 4, 3, 1}));
  EXPECT_EQ(made.graph.inputs[0].shape, (Ints{-1, -1, -1, 2})) << "what was free is declared so";
}

// 8 columns, window 3, stride 2: SAME makes 4 and pads (4 − 1)·2 + 3 − 8 = 1, at the end.
TEST(ChannelsLast, TellsSamePaddingFromOther) {
  const Attributes two = {{"strides", Ints{2, 2}}};
  const auto with = [&](Ints pads) {
    Attributes all = two;
    all.emplace_back("pads", std::move(pads));
    Graph graph = convolution({1, 1, 3, 3}, all);
    graph.inputs[0].shape = {-1, 1, 8, 8};
    return lowered(graph, {1, 1, 8, 8});
  };
  EXPECT_EQ(padding(with({0, 0, 1, 1})), "SAME");
  EXPECT_THAT(operators(with({0, 0, 1, 1})), ElementsAre("Conv"));
  EXPECT_EQ(padding(with({0, 0, 0, 0})), "VALID");
  // PyTorch's one pixel all around makes 4 as well, of other pixels.
  EXPECT_EQ(padding(with({1, 1, 1, 1})), "VALID");
  EXPECT_THAT(operators(with({1, 1, 1, 1})), ElementsAre("Pad", "Conv"));
}

// The window at the end of 7 columns hangs over: 2x2 with stride 2 makes 4 there, and 4 of 8.
TEST(ChannelsLast, PoolsOfCeilAreTheSameForAllSizes) {
  const Graph graph = network({-1, 1, -1, -1}, 4,
                              {node("MaxPool", {"x"}, "y",
                                    {{"kernel_shape", Ints{2, 2}},
                                     {"strides", Ints{2, 2}},
                                     {"ceil_mode", std::int64_t{1}}})});
  const ChannelsLast odd = lowered(graph, {1, 1, 7, 7});
  const ChannelsLast even = lowered(graph, {1, 1, 8, 8});
  EXPECT_EQ(padding(odd), "SAME");
  EXPECT_EQ(padding(even), "SAME");
  EXPECT_EQ(*hash_of_layers(odd), *hash_of_layers(even));
  EXPECT_NE(*hash_of_layers(odd),
            *hash_of_layers(lowered(convolution({1, 1, 3, 3}, {}), {1, 1, 7, 7})));
}

// One pixel around in steps of 2 is SAME for 7 rows and not for 8, where the last is not reached.
TEST(ChannelsLast, PadsTheSameForAllSizesThatAreFree) {
  const Graph graph =
      convolution({1, 1, 3, 3}, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
  const ChannelsLast odd = lowered(graph, {1, 1, 7, 7});
  const ChannelsLast even = lowered(graph, {1, 1, 8, 8});
  EXPECT_THAT(operators(even), ElementsAre("Pad", "Conv"));
  EXPECT_EQ(*hash_of_layers(odd), *hash_of_layers(even));
  EXPECT_EQ(padding(lowered(convolution({1, 1, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}}), {1, 1, 8, 8})),
            "SAME")
      << "in steps of 1, for every size";
}

TEST(ChannelsLast, TransposesOnlyWhereItMust) {
  const Graph graph = network({-1, 2, 4, 4}, 2,
                              {node("Conv", {"x", "w"}, "c"), node("Relu", {"c"}, "r"),
                               node("Add", {"r", "b"}, "s"), node("Flatten", {"s"}, "y")},
                              {counted("w", {2, 2, 1, 1}), counted("b", {2, 1, 1})});
  const ChannelsLast made = lowered(graph, {1, 2, 4, 4});
  // The row wants channel, height, width.
  EXPECT_THAT(operators(made), ElementsAre("Conv", "Relu", "Add", "Transpose", "Reshape"));
  const Node& sum = made.graph.nodes[2];
  EXPECT_EQ(made.graph.initializer(sum.inputs[1])->shape, (Shape{1, 1, 1, 2}));
  EXPECT_THAT(operators(lowered(graph, {1, 2, 4, 4}, PictureOrder::kChannelsFirst)),
              ElementsAre("Transpose", "Conv", "Relu", "Add", "Transpose", "Reshape"));
}

TEST(ChannelsLast, HandsAnInputOnForAnyNumberOfSamples) {
  const Graph graph = network({1, 2, 4, 3}, 4, {node("Identity", {"x"}, "y")});
  const ChannelsLast made = lowered(graph, {1, 2, 4, 3});
  EXPECT_THAT(operators(made), ElementsAre("Reshape"));
  const Tensor* shape = made.graph.initializer(made.graph.nodes[0].inputs[1]);
  EXPECT_THAT(std::get<std::vector<std::int32_t>>(shape->values), ElementsAre(-1, 4, 3, 2));
}

// (2·2) / 1, 2 and 4 numbers under the window: what is too small is multiplied.
TEST(ChannelsLast, AveragesWhatLiesOnThePicture) {
  const Graph graph = network({-1, 1, 2, 2}, 4,
                              {node("AveragePool", {"x"}, "y",
                                    {{"kernel_shape", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}})});
  const ChannelsLast made = lowered(graph, {1, 1, 2, 2});
  ASSERT_THAT(operators(made), ElementsAre("Pad", "AveragePool", "Mul"));
  EXPECT_THAT(floats(made, made.graph.nodes[2].inputs[1]), ElementsAre(4, 2, 4, 2, 1, 2, 4, 2, 4));
}

TEST(ChannelsLast, NamesAllThatHasNoSuchForm) {
  const Graph graph =
      network({1, 1, 2, 2}, 4, {node("Max", {"x", "x", "x"}, "e"), node("Relu", {"e"}, "y")});
  const auto refused = to_channels_last(graph, std::vector<Shape>{{1, 1, 2, 2}},
                                        PictureOrder::kChannelsLast, compute_nothing);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("Max"));
}

/// relu(x) + alpha elu(min(x, 0)), where alpha is not 1.
TEST(ChannelsLast, MultipliesTheNegativeSideOfElu) {
  const ChannelsLast made =
      lowered(network({1, 1, 2, 2}, 4, {node("Elu", {"x"}, "y", {{"alpha", .5F}})}), {1, 1, 2, 2});
  EXPECT_THAT(operators(made), ElementsAre("Relu", "Minimum", "Elu", "Mul", "Add"));
  EXPECT_THAT(floats(made, made.graph.nodes[3].inputs[1]), ElementsAre(.5F));
}

}  // namespace
}  // namespace visavis::graph
