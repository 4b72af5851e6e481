#include "channels_first.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <variant>
#include <vector>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

namespace visavis::modelkit {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;
using Id = ChannelsFirst::Id;
using Window = ChannelsFirst::Window;

/// What the reference engine makes of one input, which is given in the ONNX graph's order.
std::vector<float> answer(const graph::Graph& graph, graph::Shape shape,
                          const std::vector<float>& input, graph::Shape* out_shape = nullptr) {
  const auto engine = runtime::find_engine("reference");
  if (!engine) return {};
  const auto evaluate = runtime::evaluate_with(**engine);
  const auto outputs = evaluate(
      graph, std::vector{graph::Tensor{.name = "x", .shape = std::move(shape), .values = input}});
  EXPECT_TRUE(outputs) << outputs.error().message;
  if (!outputs) return {};
  if (out_shape != nullptr) *out_shape = outputs->front().shape;
  return std::get<std::vector<float>>(outputs->front().values);
}

std::vector<float> counting(std::size_t count) {
  std::vector<float> out(count);
  std::iota(out.begin(), out.end(), 1.F);
  return out;
}

std::vector<std::string> operators(const graph::Graph& graph) {
  std::vector<std::string> out;
  for (const graph::Node& node : graph.nodes) out.push_back(node.op);
  return out;
}

std::vector<float> floats(const graph::Graph& graph, const std::string& name) {
  const graph::Tensor* tensor = graph.initializer(name);
  return tensor == nullptr ? std::vector<float>() : std::get<std::vector<float>>(tensor->values);
}

TEST(Permuted, MovesAxes) {
  // [height 1, width 2, in 2, out 1], whose numbers say w and i, as [out, in, height, width].
  const auto moved =
      permuted({.name = "k", .shape = {1, 2, 2, 1}, .values = {00, 01, 10, 11}}, {3, 2, 0, 1});
  ASSERT_TRUE(moved);
  EXPECT_THAT(moved->shape, ElementsAre(1, 2, 1, 2));
  EXPECT_THAT(moved->values, ElementsAre(00, 10, 01, 11));
  EXPECT_FALSE(permuted({.name = "k", .shape = {1, 2}, .values = {1, 2}}, {0, 0}));
}

/// 5×4 picture, kernel 2×3, stride 2: SAME gives 3×2. Rows: (3 − 1)·2 + 2 − 5 = 1 of padding, all
/// behind. Columns: (2 − 1)·2 + 3 − 4 = 1, behind too.
TEST(ChannelsFirst, PadsBehindFirst) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {1, 5, 4, 1});
  const auto y = network.convolution(
      "c", x, {.name = "k", .shape = {1, 1, 2, 3}, .values = counting(6)}, {}, 1,
      {.padding = ChannelsFirst::Padding::kSame, .stride_h = 2, .stride_w = 2});
  ASSERT_TRUE(y) << y.error().message;
  EXPECT_THAT(network.shape(*y), ElementsAre(-1, 3, 2, 1));
  ASSERT_TRUE(network.output("y", *y));
  const auto graph = std::move(network).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(graph->nodes[0].get_or<Shape>("pads", {}), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(graph->inputs[0].shape, ElementsAre(-1, 1, 5, 4));
  EXPECT_THAT(graph->outputs[0].shape, ElementsAre(-1, 1, 3, 2));
  EXPECT_EQ(graph->outputs[0].name, "y");
}

TEST(ChannelsFirst, LeavesSameToTheEngineWhereSizesAreFree) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {-1, -1, -1, -1});
  const auto y =
      network.convolution("y", x, {.name = "k", .shape = {1, 2, 3, 3}, .values = counting(18)}, {},
                          1, {.padding = ChannelsFirst::Padding::kSame});
  ASSERT_TRUE(y) << y.error().message;
  ASSERT_TRUE(network.output("y", *y));
  const auto graph = std::move(network).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->nodes[0].get_or<std::string>("auto_pad", ""), "SAME_UPPER");
  // The kernel tells how many channels there are.
  EXPECT_THAT(graph->inputs[0].shape, ElementsAre(-1, 2, -1, -1));
}

/// Rows of a picture are read height, width, channel: [1, 2, 2, 2] with numbers 1…8 in the
/// original's order is [[1 3 5 7] [2 4 6 8]] by channel.
TEST(ChannelsFirst, FlattensInTheOriginalsOrder) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {1, 2, 2, 2});
  const auto y = network.reshape("y", x, {ChannelsFirst::kBatch, 8});
  ASSERT_TRUE(y) << y.error().message;
  ASSERT_TRUE(network.output("y", *y));
  const auto graph = std::move(network).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(operators(*graph), ElementsAre("Transpose", "Flatten"));
  EXPECT_THAT(answer(*graph, {1, 2, 2, 2}, {1, 3, 5, 7, 2, 4, 6, 8}),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

TEST(ChannelsFirst, MovesNothingWhereAPointIsFlattened) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {1, 3, 3, 2});
  const auto middle = network.mean("m", x, {1, 2}, true);
  ASSERT_TRUE(middle) << middle.error().message;
  const auto row = network.reshape("r", *middle, {1, 2});  // the batch as it was declared
  ASSERT_TRUE(row) << row.error().message;
  const auto point = network.reshape("p", *row, {-1, 1, 1, 2});
  ASSERT_TRUE(point) << point.error().message;
  const auto y = network.convolution(
      "y", *point, {.name = "k", .shape = {1, 2, 1, 1}, .values = {1, 10}}, {5}, 1, {});
  ASSERT_TRUE(y) << y.error().message;
  ASSERT_TRUE(network.output("y", *y));
  const auto graph = std::move(network).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(operators(*graph), ElementsAre("GlobalAveragePool", "Flatten", "Reshape", "Conv"));
  // Means of 1…9 and 10…18 are 5 and 14.
  EXPECT_THAT(answer(*graph, {1, 2, 3, 3}, counting(18)), ElementsAre(5 + 140 + 5));
  EXPECT_EQ(answer(*graph, {2, 2, 3, 3}, counting(36)).size(), 2U);
}

TEST(ChannelsFirst, MapsAxes) {
  // Numbers 1…8 in the original's order, [1, 2, 2, 2]: channel c of row h, column w is
  // 4h + 2w + c + 1.
  const std::vector<float> physical = {1, 3, 5, 7, 2, 4, 6, 8};
  struct Case {
    const char* what;
    std::vector<float> expected;  ///< In the original's order, or by channel if a picture.
    Result<Id> (*make)(ChannelsFirst&, Id);
  };
  const std::vector<Case> cases = {
      {"mean of the columns, axis dropped",  // (1 + 3) / 2 …, by [h, c]
       {2, 3, 6, 7},
       [](ChannelsFirst& n, Id x) { return n.mean("y", x, {2}, false); }},
      {"mean of the channels, kept",  // by [h, w, 1]
       {1.5, 3.5, 5.5, 7.5},
       [](ChannelsFirst& n, Id x) { return n.mean("y", x, {-1}, true); }},
      {"sum of rows and columns",  // 1 + 3 + 5 + 7, 2 + 4 + 6 + 8
       {16, 20},
       [](ChannelsFirst& n, Id x) { return n.sum("y", x, {1, 2}, false); }},
      {"a constant per channel",
       {1, 3, 5, 7, 102, 104, 106, 108},
       [](ChannelsFirst& n, Id x) {
         return n.binary("Add", "y", x,
                         *n.constant({.name = "c", .shape = {2}, .values = {0, 100}}));
       }},
      {"a constant per column, from the left",
       {0, 97, -4, 93, -1, 96, -5, 92},
       [](ChannelsFirst& n, Id x) {
         return n.binary("Sub", "y",
                         *n.constant({.name = "c", .shape = {2, 1}, .values = {1, 100}}), x);
       }},
      {"padding of columns",
       {1, 3, 0, 5, 7, 0, 2, 4, 0, 6, 8, 0},
       [](ChannelsFirst& n, Id x) { return n.pad("y", x, {0, 0, 0, 0}, {0, 0, 1, 0}, 0); }},
      {"concat of channels with what was turned twice",
       {1, 3, 5, 7, 2, 4, 6, 8, 1, 3, 5, 7, 2, 4, 6, 8},
       [](ChannelsFirst& n, Id x) {
         const Id turned = *n.transpose(*n.transpose(x, {0, 2, 1, 3}), {0, 2, 1, 3});
         return n.concat("y", {x, turned}, 3);
       }},
      {"height and width exchanged",  // by [c, w, h]
       {1, 5, 3, 7, 2, 6, 4, 8},
       [](ChannelsFirst& n, Id x) { return n.transpose(x, {0, 2, 1, 3}); }},
      {"the larger of x and 9 − x",
       {8, 6, 5, 7, 7, 5, 6, 8},
       [](ChannelsFirst& n, Id x) {
         const Id nine = *n.constant({.name = "c", .shape = {}, .values = {9}});
         return n.binary("Max", "y", x, *n.binary("Sub", "d", nine, x));
       }},
      {"the smaller of x and 9 − x",
       {1, 3, 4, 2, 2, 4, 3, 1},
       [](ChannelsFirst& n, Id x) {
         const Id nine = *n.constant({.name = "c", .shape = {}, .values = {9}});
         return n.binary("Min", "y", x, *n.binary("Sub", "d", nine, x));
       }},
      {"at most 4", {1, 3, 4, 4, 2, 4, 4, 4}, [](ChannelsFirst& n, Id x) {
         return n.binary("Min", "y", *n.constant({.name = "c", .shape = {}, .values = {4}}), x);
       }}};
  for (const Case& each : cases) {
    ChannelsFirst network("n");
    const Id x = *network.input("x", {1, 2, 2, 2});
    const auto y = each.make(network, x);
    ASSERT_TRUE(y) << each.what << ": " << y.error().message;
    ASSERT_TRUE(network.output("y", *y)) << each.what;
    const auto graph = std::move(network).finish();
    ASSERT_TRUE(graph) << each.what << ": " << graph.error().message;
    EXPECT_THAT(answer(*graph, {1, 2, 2, 2}, physical), Pointwise(FloatNear(1e-5F), each.expected))
        << each.what;
  }
}

/// exp(1) / (exp(1) + exp(2)) = .26894 for channels that differ by 1.
TEST(ChannelsFirst, TakesTheSoftmaxOfTheChannels) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {1, 2, 2, 2});
  ASSERT_TRUE(network.output("y", *network.softmax("y", x, -1)));
  const auto graph = std::move(network).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  const float low = 1 / (1 + std::exp(1.F));
  EXPECT_THAT(answer(*graph, {1, 2, 2, 2}, {1, 3, 5, 7, 2, 4, 6, 8}),
              Pointwise(FloatNear(1e-6F),
                        std::vector{low, low, low, low, 1 - low, 1 - low, 1 - low, 1 - low}));
}

/// (x − mean) / √(variance + ε) · scale + shift behind a convolution: weight and bias take it on.
TEST(ChannelsFirst, MultipliesBatchNormalisationIntoTheConvolution) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {1, 1, 1, 1});
  const Id conv = *network.convolution(
      "c", x, {.name = "k", .shape = {2, 1, 1, 1}, .values = {2, 3}}, {}, 1, {});
  const auto y =
      network.batch_normalization("y", conv,
                                  {.scale = {.name = "", .shape = {2}, .values = {1, 2}},
                                   .shift = {.name = "", .shape = {2}, .values = {.5, -1}},
                                   .mean = {.name = "", .shape = {2}, .values = {4, 8}},
                                   .variance = {.name = "", .shape = {2}, .values = {3.75, 15.75}}},
                                  .25, 3);
  ASSERT_TRUE(y) << y.error().message;
  ASSERT_TRUE(network.output("y", *y));
  const auto graph = std::move(network).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_THAT(operators(*graph), ElementsAre("Conv"));
  // Factors 1/2 and 2/4; shifts .5 − 4/2 and −1 − 8·2/4.
  EXPECT_THAT(floats(*graph, graph->nodes[0].inputs[1]), ElementsAre(1, 1.5));
  EXPECT_THAT(floats(*graph, graph->nodes[0].inputs[2]), ElementsAre(-1.5, -5));
}

/// A layer whose output somebody else reads stays as it is.
TEST(ChannelsFirst, KeepsALayerThatIsReadTwice) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {1, 1, 1, 1});
  const Id conv =
      *network.convolution("c", x, {.name = "k", .shape = {1, 1, 1, 1}, .values = {2}}, {}, 1, {});
  const Id more = *network.binary("Add", "m", conv,
                                  *network.constant({.name = "b", .shape = {1}, .values = {5}}));
  ASSERT_TRUE(network.output("y", *network.binary("Mul", "y", conv, more)));
  const auto graph = std::move(network).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(operators(*graph), ElementsAre("Conv", "Add", "Mul"));
  EXPECT_THAT(answer(*graph, {1, 1, 1, 1}, {3}), ElementsAre(6 * 11));
}

/// Of a PReLU with slopes .5 and −2: of −4 it makes −2 and 8.
TEST(ChannelsFirst, RecognisesEveryFormOfPrelu) {
  struct Case {
    const char* what;
    Result<Id> (*negative)(ChannelsFirst&, Id);
    const char* op;
  };
  const auto slopes = [](ChannelsFirst& n, float by) {
    return *n.constant({.name = "a", .shape = {2}, .values = {.5F * by, -2 * by}});
  };
  static const auto kSlopes = slopes;
  const std::vector<Case> cases = {
      {"a (x - |x|) / 2",
       [](ChannelsFirst& n, Id x) -> Result<Id> {
         const Id d = *n.binary("Sub", "d", x, *n.unary("Abs", "b", x));
         const Id half = *n.constant({.name = "h", .shape = {}, .values = {.5}});
         return n.binary("Mul", "s", *n.binary("Mul", "t", kSlopes(n, 1), d), half);
       },
       "Add"},
      {"a relu(-x), taken away",
       [](ChannelsFirst& n, Id x) -> Result<Id> {
         const Id relu = *n.unary("Relu", "r", *n.unary("Neg", "m", x));
         return n.binary("Mul", "s", relu, kSlopes(n, 1));
       },
       "Sub"},
      {"-a relu(-x)",
       [](ChannelsFirst& n, Id x) -> Result<Id> {
         const Id relu = *n.unary("Relu", "r", *n.unary("Neg", "m", x));
         return n.binary("Mul", "s", *n.unary("Neg", "o", relu), kSlopes(n, 1));
       },
       "Add"},
      {"a min(x, 0)",
       [](ChannelsFirst& n, Id x) -> Result<Id> {
         return n.binary("Mul", "s", *n.clip("r", x, {}, 0.F), kSlopes(n, 1));
       },
       "Add"}};
  for (const Case& each : cases) {
    ChannelsFirst network("n");
    const Id x = *network.input("x", {1, 1, 2, 2});
    const Id positive = *network.unary("Relu", "p", x);
    const auto negative = each.negative(network, x);
    ASSERT_TRUE(negative) << each.what;
    ASSERT_TRUE(network.output("y", *network.binary(each.op, "y", positive, *negative)));
    const auto graph = std::move(network).finish();
    ASSERT_TRUE(graph) << graph.error().message;
    ASSERT_THAT(operators(*graph), ElementsAre("PRelu")) << each.what;
    EXPECT_THAT(answer(*graph, {1, 2, 1, 2}, {-4, 3, -4, 3}), ElementsAre(-2, 3, 8, 3))
        << each.what;
  }
}

/// |x| − x is not x − |x|, and relu(y) of another y is no part of it.
TEST(ChannelsFirst, TakesNothingElseForPrelu) {
  for (const bool other : {false, true}) {
    ChannelsFirst network("n");
    const Id x = *network.input("x", {1, 1, 1, 1});
    const Id size = *network.unary("Abs", "b", x);
    const Id positive = *network.unary("Relu", "p", other ? size : x);
    const Id difference =
        other ? *network.binary("Sub", "d", x, size) : *network.binary("Sub", "d", size, x);
    const Id half = *network.constant({.name = "h", .shape = {}, .values = {.5}});
    const Id negative = *network.binary("Mul", "m", difference, half);
    ASSERT_TRUE(network.output("y", *network.binary("Add", "y", positive, negative)));
    const auto graph = std::move(network).finish();
    ASSERT_TRUE(graph);
    EXPECT_THAT(operators(*graph), testing::Not(testing::Contains("PRelu")));
    // relu(−4) + (|−4| + 4) / 2; relu(|−4|) + (−4 − 4) / 2
    EXPECT_THAT(answer(*graph, {1, 1, 1, 1}, {-4}), ElementsAre(other ? 0 : 4));
  }
}

TEST(ChannelsFirst, RefusesWhatMixesSamples) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {1, 2, 2, 2});
  EXPECT_FALSE(network.mean("m", x, {0, 1}, true));
  EXPECT_FALSE(network.reshape("r", x, {-1, 4}));
  EXPECT_FALSE(network.reshape("r", x, {8}));
  EXPECT_FALSE(network.concat("c", {x, x}, 0));
  EXPECT_FALSE(network.transpose(x, {1, 0, 2, 3}));
  EXPECT_FALSE(network.pad("p", x, {1, 0, 0, 0}, {0, 0, 0, 0}, 0));
  const Id two = *network.constant({.name = "c", .shape = {2, 1, 1, 1}, .values = {1, 2}});
  EXPECT_FALSE(network.binary("Add", "a", x, two));
  EXPECT_EQ(network.softmax("s", x, 4).error().code, ErrorCode::kUnsupported);
}

// What the file leaves free may be moved, and rows may be other than samples: 2 samples of 2 rows.
TEST(ChannelsFirst, MixesSamplesWhereTheFileDoes) {
  ChannelsFirst network("n");
  const Id x = *network.input("x", {-1, 2, 3});
  const Id rows = *network.reshape("r", x, {-1, 3});
  EXPECT_EQ(network.shape(rows), (Shape{-1, 3}));
  const Id pairs = *network.reshape("p", rows, {-1, 2, 3});
  EXPECT_FALSE(network.reshape("o", pairs, {ChannelsFirst::kBatch, -1}))
      << "which batch is meant is not known any more";
  EXPECT_FALSE(network.reshape("o", pairs, {-1, 4}));
  const Id turned = *network.transpose(rows, {1, 0});
  EXPECT_EQ(network.shape(turned), (Shape{3, -1}));
  const Id parts = *network.softmax("s", turned, -1);  // over the rows
  ASSERT_TRUE(network.output("y", *network.transpose(parts, {1, 0})));
  ASSERT_TRUE(network.output("z", pairs));
  const auto graph = std::move(network).finish();
  ASSERT_TRUE(graph) << graph.error().message;
  const std::vector<float> found = answer(*graph, {2, 2, 3}, std::vector<float>(12, 5));
  EXPECT_THAT(found, testing::Each(.25F)) << "four rows alike";
}

TEST(ChannelsFirst, RefusesSizesBeyondBounds) {
  ChannelsFirst network("n");
  EXPECT_FALSE(network.input("x", {1, 1 << 20, 1 << 20, 3}));
  const Id x = *network.input("x", {1, 4, 4, 1});
  EXPECT_FALSE(network.max_pool("m", x, {.kernel_h = 5}));
  EXPECT_FALSE(network.max_pool("m", x, {.stride_h = 0}));
  EXPECT_FALSE(network.pad("p", x, {0, 0, 0, 0}, {0, 1 << 30, 0, 0}, 0));
  EXPECT_FALSE(network.constant({.name = "c", .shape = {3}, .values = {1, 2}}));
  const Id column =
      *network.constant({.name = "c", .shape = {8192, 1}, .values = std::vector<float>(8192)});
  const Id row =
      *network.constant({.name = "c", .shape = {1, 8192}, .values = std::vector<float>(8192)});
  EXPECT_FALSE(network.binary("Add", "a", column, row));  // 2^26 numbers
}

}  // namespace
}  // namespace visavis::modelkit
