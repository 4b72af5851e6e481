// Small networks against calculation by hand, and against themselves in float on every engine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/quantize/equalize.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/quantize.hpp>
#include <visavis/quantize/search.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/openvino_ir.hpp>

namespace visavis::modelkit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;
using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;
using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;

const runtime::Engine& reference() { return **runtime::find_engine("reference"); }

graph::Tensor constant(std::string name, graph::Shape shape, Floats values) {
  return {.name = std::move(name), .shape = std::move(shape), .values = std::move(values)};
}

graph::Node node(std::string op, std::vector<std::string> inputs, std::string output,
                 Attributes attributes = {}) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {std::move(output)},
          .attributes = std::move(attributes)};
}

/// From "x" to "y".
graph::Graph network(const Ints& input, std::size_t output_rank, std::vector<graph::Node> nodes,
                     std::vector<graph::Tensor> constants) {
  return {.name = "g",
          .opset = 13,
          .inputs = {{.name = "x", .type = graph::ElementType::kFloat32, .shape = input}},
          .outputs = {{.name = "y",
                       .type = graph::ElementType::kFloat32,
                       .shape = Ints(output_rank, -1)}},
          .initializers = std::move(constants),
          .nodes = std::move(nodes)};
}

/// 1x1 convolution of two channels to one.
graph::Graph one_layer(const Floats& weights, Floats bias) {
  return network({-1, 2, 1, 1}, 4, {node("Conv", {"x", "w", "b"}, "y")},
                 {constant("w", {1, 2, 1, 1}, weights), constant("b", {1}, std::move(bias))});
}

Result<Observations> seen(const graph::Graph& graph, const std::vector<Example>& samples) {
  const std::vector<Layer> layers = layers_of(graph);
  std::vector<std::string> values = inputs_of(layers);
  for (const std::string& summand : summands_of(graph, layers)) values.push_back(summand);
  return observe(graph, values, samples, reference());
}

Floats noise(std::size_t count, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> law;
  Floats values(count);
  for (float& value : values) value = law(engine);
  return values;
}

/// Two blocks as in MobileFaceNet: 1x1, depthwise, 1x1, a sum.
graph::Graph small_network() {
  const Ints pads{1, 1, 1, 1};
  return network(
      {-1, 3, 8, 8}, 2,
      {node("Conv", {"x", "w0", "b0"}, "c0", {{"pads", pads}}), node("PRelu", {"c0", "s"}, "p0"),
       node("Conv", {"p0", "w1", "b1"}, "c1", {{"pads", pads}, {"group", std::int64_t{8}}}),
       node("PRelu", {"c1", "s"}, "p1"), node("Conv", {"p1", "w2", "b1"}, "c2"),
       node("Add", {"p0", "c2"}, "a"), node("Flatten", {"a"}, "f"),
       node("Gemm", {"f", "w3", "b3"}, "y", {{"transB", std::int64_t{1}}})},
      {constant("w0", {8, 3, 3, 3}, noise(216, 1)), constant("b0", {8}, noise(8, 2)),
       constant("w1", {8, 1, 3, 3}, noise(72, 3)), constant("b1", {8}, noise(8, 4)),
       constant("w2", {8, 8, 1, 1}, noise(64, 5)), constant("s", {8, 1, 1}, Floats(8, .25F)),
       constant("w3", {16, 512}, noise(8192, 6)), constant("b3", {16}, noise(16, 7))});
}

std::vector<Example> noises(std::size_t count, std::size_t size) {
  std::vector<Example> samples;
  for (unsigned i = 0; i < count; ++i) samples.push_back(noise(size, 100 + i));
  return samples;
}

TEST(QuantizeWeights, ByOutputChannel) {
  const Floats weights{127, -63.5F, .5F, 0, 0, 0, -254, 2, 3};
  const ChannelSteps rounded = quantize_weights(weights, {3, 3}, 0);
  EXPECT_THAT(rounded.scales, ElementsAre(1, 1, 2));
  // 63.5 and .5 go to the even neighbour, 1.5 too.
  EXPECT_THAT(rounded.steps, ElementsAre(127, -64, 0, 0, 0, 0, -127, 1, 2));
}

TEST(QuantizeWeights, ByColumn) {
  const ChannelSteps rounded = quantize_weights(Floats{127, 1, 2, -12.7F}, {2, 2}, 1);
  EXPECT_FLOAT_EQ(rounded.scales[0], 1);
  EXPECT_FLOAT_EQ(rounded.scales[1], .1F);
  EXPECT_THAT(rounded.steps, ElementsAre(127, 10, 2, -127));
}

// A step is 1; 32.5 goes to the even neighbour.
TEST(QuantizeWeights, OfFewerSteps) {
  const ChannelSteps rounded = quantize_weights(Floats{64, 32.5F, -64}, {1, 3}, 0, 64);
  EXPECT_THAT(rounded.scales, ElementsAre(1));
  EXPECT_THAT(rounded.steps, ElementsAre(64, 32, -64));
}

TEST(QuantizeWeights, SubnormalChannelsAreZero) {
  const ChannelSteps rounded = quantize_weights(Floats{1e-40F, -1e-41F}, {1, 2}, 0);
  EXPECT_THAT(rounded.steps, ElementsAre(0, 0));
}

// x in 0…2.55: a step of .01. 1.234 → 1.23, .456 → .46; weights 127 and −63.5 → −64, scale 1;
// 127 · 1.23 − 64 · .46 + 3 = 129.77
TEST(Quantize, OneLayerByHand) {
  const graph::Graph graph = one_layer({127, -63.5F}, {3});
  const auto observed = seen(graph, {{0, 2.55F}});
  ASSERT_TRUE(observed) << observed.error().message;
  const auto made = quantize(graph, *observed, {.bias_correction = false, .weight_steps = 127});
  ASSERT_TRUE(made) << made.error().message;
  const auto given = answers(*made, std::vector<Example>{{1.234F, .456F}}, reference());
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_NEAR((*given)[0][0], 129.77, 1e-4);
}

// Beyond the range: 2.55 stays 2.55, −1 becomes 0.
TEST(Quantize, ClipsWhatWasNotSeen) {
  const graph::Graph graph = one_layer({127, 127}, {0});
  const auto observed = seen(graph, {{0, 2.55F}});
  const auto made = quantize(graph, *observed, {.bias_correction = false, .weight_steps = 127});
  ASSERT_TRUE(made) << made.error().message;
  const auto given = answers(*made, std::vector<Example>{{9, -1}}, reference());
  EXPECT_NEAR((*given)[0][0], 127 * 2.55, 1e-3);
}

// The second weight, .4, is rounded to 0; its input is 2 on average: the bias grows by .8.
TEST(Quantize, CorrectsTheBiasByTheMeanError) {
  const graph::Graph graph = one_layer({127, .4F}, {3});
  const auto observed = seen(graph, {{0, 1}, {4, 3}});
  ASSERT_TRUE(observed);
  EXPECT_THAT(observed->at("x").channel_means, ElementsAre(2, 2));
  const auto made = quantize(graph, *observed, {});
  ASSERT_TRUE(made) << made.error().message;
  const graph::Tensor* bias = made->initializer("y_b");
  ASSERT_NE(bias, nullptr);
  EXPECT_NEAR(std::get<Floats>(bias->values)[0], 3.8, 1e-4);  // shifts have five digits
}

// Two groups of two outputs, a kernel of two: outputs 0 and 1 read channel 0 (mean 1), outputs 2
// and 3 channel 1 (mean 10).
TEST(Quantize, CorrectsTheBiasOfGroups) {
  const graph::Graph graph =
      network({-1, 2, 1, 2}, 4, {node("Conv", {"x", "w"}, "y", {{"group", std::int64_t{2}}})},
              {constant("w", {4, 1, 1, 2}, {127, .4F, 127, .25F, -.4F, 127, 0, 0})});
  const auto observed = seen(graph, {{1, 1, 10, 10}});
  const auto made = quantize(graph, *observed, {});
  ASSERT_TRUE(made) << made.error().message;
  const auto& bias = std::get<Floats>(made->initializer("y_b")->values);
  // In steps of a 127th of the largest, 4.
  EXPECT_THAT(bias, Pointwise(testing::FloatNear(.016F), Floats{.4F, .25F, -4, 0}));
}

TEST(Quantize, CorrectsTheBiasOfGemmEitherWayRound) {
  for (const std::int64_t turned : {0, 1}) {
    const graph::Shape shape = turned != 0 ? graph::Shape{1, 2} : graph::Shape{2, 1};
    const graph::Graph graph =
        network({-1, 2}, 2, {node("Gemm", {"x", "w"}, "y", {{"transB", turned}})},
                {constant("w", shape, {127, .4F})});
    const auto observed = seen(graph, {{5, 2}});
    const auto made = quantize(graph, *observed, {});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_NEAR(std::get<Floats>(made->initializer("y_b")->values)[0], .8, 1e-4);
  }
}

TEST(Quantize, ASumReadsTheQuantisedForm) {
  const graph::Graph graph = small_network();
  const auto observed = seen(graph, noises(2, 192));
  ASSERT_TRUE(observed) << observed.error().message;
  const auto made = quantize(graph, *observed, {});
  ASSERT_TRUE(made) << made.error().message;
  const auto sum = std::ranges::find(made->nodes, std::string("Add"), &graph::Node::op);
  EXPECT_THAT(sum->inputs, ElementsAre("p0_dq", "c2_dq"));
  EXPECT_EQ(made->initializer("w0"), nullptr);  // the float weights are gone
}

TEST(Quantize, ASumReadsAFloatWhereTheRecipeHasNoRangeOfIt) {
  const graph::Graph graph = small_network();
  const auto observed = seen(graph, noises(2, 192));
  ASSERT_TRUE(observed) << observed.error().message;
  auto recipe = recipe_of(graph, *observed, {});
  ASSERT_TRUE(recipe) << recipe.error().message;
  ASSERT_EQ(recipe->activations.erase("c2"), 1U);
  const auto made = quantize(graph, *recipe);
  ASSERT_TRUE(made) << made.error().message;
  const auto sum = std::ranges::find(made->nodes, std::string("Add"), &graph::Node::op);
  EXPECT_THAT(sum->inputs, ElementsAre("p0_dq", "c2"));
}

TEST(Quantize, SummandsComeFromLayersAndMeetWhatIsQuantised) {
  const graph::Graph graph = network(
      {-1, 2, 4, 4}, 4,
      {node("Conv", {"x", "w"}, "a"), node("Conv", {"x", "w"}, "b"), node("Add", {"a", "b"}, "ab"),
       node("Relu", {"ab"}, "r"), node("Conv", {"r", "w"}, "c"), node("Add", {"c", "ab"}, "d"),
       node("Add", {"d", "c"}, "e"), node("Add", {"c", "r"}, "y")},
      {constant("w", {2, 2, 1, 1}, {1, 2, 3, 4})});
  const std::vector<Layer> layers = layers_of(graph);
  // "ab" and "d" stay floats, so what is added to them does; "r" is read by a layer.
  EXPECT_THAT(summands_of(graph, layers), ElementsAre("a", "b", "c"));
  EXPECT_THAT(summands_of(graph, std::span(layers).first(1)), testing::IsEmpty());
}

TEST(Quantize, LeavesLayersFloat) {
  const graph::Graph graph = small_network();
  const auto observed = seen(graph, noises(2, 192));
  const auto made = quantize(graph, *observed, {.keep_float = {"c0", "y"}});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_NE(made->initializer("w0"), nullptr);
  EXPECT_EQ(made->initializer("w1"), nullptr);
  EXPECT_EQ(quantize(graph, *observed, {.keep_float = {"c9"}}).error().code, ErrorCode::kNotFound);
  const auto none = quantize(graph, *observed, {.keep_float = {"c0", "c1", "c2", "y"}});
  EXPECT_EQ(none.error().code, ErrorCode::kInvalidArgument);
}

TEST(Recipe, HoldsWhatWasChosen) {
  const graph::Graph graph = one_layer({127, .4F}, {3});
  const auto observed = seen(graph, {{0, 1.2345678F}, {4, 3}});
  const auto recipe = recipe_of(graph, *observed, {.weight_steps = 64});
  ASSERT_TRUE(recipe) << recipe.error().message;
  ASSERT_EQ(recipe->activations.size(), 1U);
  EXPECT_EQ(recipe->activations.at("x").low, 0);
  EXPECT_EQ(recipe->activations.at("x").high, 4);
  EXPECT_EQ(recipe->weight_steps, 64);
  // A step is 127/64: .4 becomes 0. The inputs' means are 2 and 2.1172839.
  ASSERT_EQ(recipe->bias_shifts.size(), 1U);
  // .4 · 2.1172839 / 127, in five digits
  EXPECT_FLOAT_EQ(recipe->bias_shifts.at("y").unit, .0066686F);
  EXPECT_THAT(recipe->bias_shifts.at("y").counts, ElementsAre(127));
}

// The way that a pack takes: bytes and a recipe, which was observed on the equalised network.
TEST(Recipe, MakesTheSameNetworkFromTheFile) {
  const graph::Graph graph = small_network();
  const std::vector<Example> samples = noises(4, 192);
  const auto first = seen(graph, samples);
  ASSERT_TRUE(first) << first.error().message;
  const Equalising equalising = equalising_of(graph, *first);
  EXPECT_TRUE(equalising.empty());  // p0 is read by a sum, too
  const auto recipe = recipe_of(graph, *first, {.keep_float = {"c0"}});
  ASSERT_TRUE(recipe) << recipe.error().message;
  const auto bytes = make_int8(graph::write_onnx(graph).value(), *recipe);
  ASSERT_TRUE(bytes) << bytes.error().message;
  const auto expected = quantize(graph, *first, {.keep_float = {"c0"}});
  EXPECT_EQ(*bytes, graph::write_onnx(*expected).value());
}

TEST(MakeF16, StoresWhatIsLargeEnoughInHalfTheBytes) {
  const auto onnx = graph::write_onnx(small_network()).value();
  const auto once = make_f16(onnx);
  ASSERT_TRUE(once) << once.error().message;
  EXPECT_EQ(*once, make_f16(onnx).value());
  const auto made = graph::read_onnx(*once);
  ASSERT_TRUE(made);
  std::uint64_t halves = 0;
  for (const graph::Tensor& tensor : made->initializers)
    if (tensor.type() == graph::ElementType::kFloat16) halves += tensor.size();
  EXPECT_GE(halves, 8192U);  // those of its last layer
  EXPECT_LT(once->size(), onnx.size() - 2 * halves + 200 * made->initializers.size());
  EXPECT_FALSE(make_f16({}));
}

TEST(MakeF16, RefusesANetworkWithoutSuchWeights) {
  const auto none = make_f16(graph::write_onnx(one_layer({1, 2}, {0})).value());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kUnsupported);
}

TEST(Recipe, OfAnotherNetworkIsRefused) {
  const graph::Graph graph = small_network();
  const auto observed = seen(graph, noises(2, 192));
  const models::Int8Recipe right = recipe_of(graph, *observed, {}).value();
  EXPECT_TRUE(quantize(graph, right));
  models::Int8Recipe wrong = right;
  wrong.activations.erase("p0");
  EXPECT_EQ(quantize(graph, wrong).error().code, ErrorCode::kNotFound);
  wrong = right;
  wrong.activations["p9"] = {.low = 0, .high = 1};
  EXPECT_EQ(quantize(graph, wrong).error().code, ErrorCode::kModelMismatch);
  wrong = right;
  wrong.bias_shifts["c9"] = {.unit = 1, .counts = {1}};
  EXPECT_EQ(quantize(graph, wrong).error().code, ErrorCode::kModelMismatch);
  wrong = right;
  wrong.bias_shifts["c0"] = {.unit = 1, .counts = {1}};
  EXPECT_EQ(quantize(graph, wrong).error().code, ErrorCode::kModelMismatch);
  wrong = right;
  wrong.equalised["c1"] = {1};
  EXPECT_EQ(quantize(graph, wrong).error().code, ErrorCode::kModelMismatch);
  EXPECT_FALSE(make_int8({}, right));
}

TEST(Quantize, LayersAreThoseWithConstantWeights) {
  const std::vector<Layer> layers = layers_of(small_network());
  ASSERT_EQ(layers.size(), 4U);
  EXPECT_EQ(layers[1].name, "c1");
  EXPECT_EQ(layers[1].input, "p0");
  EXPECT_EQ(layers[3].weights, 8192U);
  const graph::Graph computed =
      network({-1, 2}, 2, {node("Transpose", {"x"}, "t"), node("MatMul", {"x", "t"}, "y")}, {});
  EXPECT_TRUE(layers_of(computed).empty());
  EXPECT_EQ(quantize(computed, {}, {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(Quantize, RefusesWhatItCannotMeasure) {
  graph::Graph graph = one_layer({1, 2}, {0});
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<Example>& samples : {std::vector<Example>{},
                                              {{1, kNan}},
                                              {{1, std::numeric_limits<float>::infinity()}},
                                              {{1}}}) {
    const auto refused = seen(graph, samples);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(observe(graph, std::vector<std::string>{"z"}, std::vector<Example>{{1, 2}}, reference())
                .error()
                .code,
            ErrorCode::kNotFound);
  const auto unseen = quantize(graph, {}, {});
  ASSERT_FALSE(unseen);
  EXPECT_EQ(unseen.error().code, ErrorCode::kNotFound);
  const auto observed = seen(graph, {{1, 2}});
  std::get<Floats>(graph.initializers[0].values)[1] = kNan;
  const auto refused = quantize(graph, *observed, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("no finite number"));
}

TEST(Quantize, RefusesANetworkThatOverflows) {
  const float most = std::numeric_limits<float>::max();
  const graph::Graph graph =
      network({-1, 2, 1, 1}, 4, {node("Conv", {"x", "w"}, "c"), node("Conv", {"c", "w"}, "y")},
              {constant("w", {2, 2, 1, 1}, {most, most, most, most})});
  const auto refused = seen(graph, {{2, 2}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

TEST(Quantize, RaisesOldOperatorSetsWhereThatIsSafe) {
  graph::Graph graph = one_layer({1, 2}, {0});
  graph.opset = 9;
  const auto observed = seen(graph, {{1, 2}});
  const auto made = quantize(graph, *observed, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->opset, 13);
  graph.nodes[0].outputs[0] = "c";
  graph.nodes.push_back(node("Softmax", {"c"}, "y"));  // until 12 it flattens first
  const auto refused = quantize(graph, *observed, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("Softmax"));
}

// As single-shot detectors have it: what set 9 says in attributes, and Softmax over the last axis.
TEST(Quantize, SaysWhatOldSetsSayInTheNewWay) {
  graph::Graph graph = network(
      {1, 2, 2, 2}, 3,
      {node("Conv", {"x", "w"}, "c"),
       node("Slice", {"c"}, "s", {{"starts", Ints{0}}, {"ends", Ints{1}}, {"axes", Ints{2}}}),
       node("Reshape", {"s", "shape"}, "r"), node("Unsqueeze", {"r"}, "u", {{"axes", Ints{0}}}),
       node("Softmax", {"u"}, "y", {{"axis", std::int64_t{2}}})},
      {constant("w", {2, 2, 1, 1}, {1, 0, 0, 1})});
  graph.opset = 9;
  graph.initializers.push_back({.name = "shape", .shape = {2}, .values = Ints{2, 2}});
  const std::vector<Example> samples{{0, 1, 9, 9, 0, 3, 9, 9}};
  const auto observed = seen(graph, samples);
  ASSERT_TRUE(observed) << observed.error().message;
  const auto made = quantize(graph, *observed, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->opset, 13);
  // exp(1) / (exp(0) + exp(1)) and exp(3) / (exp(0) + exp(3)), in steps of 9/255
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
    const auto given = answers(*made, samples, *entry.engine);
    ASSERT_TRUE(given) << entry.name << ": " << given.error().message;
    EXPECT_THAT((*given)[0],
                Pointwise(testing::FloatNear(.01F), Floats{.2689F, .7311F, .0474F, .9526F}))
        << entry.name;
  }
  graph.nodes[4].attributes = {{"axis", std::int64_t{1}}};  // over both axes at once
  EXPECT_EQ(quantize(graph, *observed, {}).error().code, ErrorCode::kUnsupported);
}

// The steps of 8 bits are 1/255 of the range: a relative error of a few thousandths a layer.
TEST(Quantize, EveryEngineRunsWhatComesOut) {
  const graph::Graph graph = small_network();
  const std::vector<Example> samples = noises(16, 192);
  const auto observed = seen(graph, samples);
  const auto made = quantize(graph, *observed, {});
  ASSERT_TRUE(made) << made.error().message;
  const auto truth = answers(graph, samples, reference());
  const auto expected = answers(*made, samples, reference());
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_GT(mean_cosine(*truth, *expected), .999);
  EXPECT_LT(mean_cosine(*truth, *expected), 1 - 1e-7);  // it is another network
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
    const auto given = answers(*made, samples, *entry.engine);
    ASSERT_TRUE(given) << entry.name << ": " << given.error().message;
    // With weights of 127 steps sums saturate in OpenVINO on CPUs without VNNI: .9954 there.
    EXPECT_GT(mean_cosine(*expected, *given), .9999) << entry.name;
  }
}

/// OpenVINO writes steps as FakeQuantize, and weights in 8 bits with their factors.
TEST(Quantize, OpenVinosFormOfItIsTheSameNetwork) {
  const graph::Graph graph = small_network();
  const std::vector<Example> samples = noises(16, 192);
  const auto observed = seen(graph, samples);
  const auto made = quantize(graph, *observed, {});
  ASSERT_TRUE(made) << made.error().message;
  const auto ir = runtime::to_openvino_ir(*graph::write_onnx(*made));
  if (!ir && ir.error().code == ErrorCode::kUnsupported) GTEST_SKIP() << ir.error().message;
  ASSERT_TRUE(ir) << ir.error().message;
  const auto xml = std::as_bytes(std::span(ir->xml));
  const std::vector<Part> parts = {{.name = "net.xml", .bytes = {xml.begin(), xml.end()}},
                                   {.name = "net.bin", .bytes = ir->weights}};
  const auto onnx = import_parts("openvino", parts);
  ASSERT_TRUE(onnx) << onnx.error().message;
  const auto back = graph::read_onnx(*onnx);
  ASSERT_TRUE(back) << back.error().message;
  const auto expected = answers(*made, samples, reference());
  const auto given = answers(*back, samples, reference());
  ASSERT_TRUE(given) << given.error().message;
  EXPECT_GT(mean_cosine(*expected, *given), .9999);
}

TEST(Search, LeavesTheCostliestLayersFloat) {
  graph::Graph graph = small_network();
  // One channel a thousand times as large as the others: one scale for all ruins them.
  auto& bias = std::get<Floats>(graph.initializers[3].values);
  bias[0] = 3000;
  const std::vector<Example> samples = noises(8, 192);
  const auto observed = seen(graph, samples);
  ASSERT_TRUE(observed) << observed.error().message;
  const std::vector<Example> held_out = noises(4, 192);
  SearchOptions options{.methods = {RangeMethod::kMinMax, RangeMethod::kPercentile}};
  options.choose_float = false;
  const auto all = search(graph, *observed, held_out, reference(), options);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->layers.size(), 4U);
  EXPECT_EQ(all->tried.size(), 2U);
  const auto worst = std::ranges::max_element(all->layers, {}, &LayerCost::loss);
  EXPECT_FALSE(worst->kept_float);
  options.choose_float = true;
  options.min_cosine = all->cosine + .5 * worst->loss;
  const auto some = search(graph, *observed, held_out, reference(), options);
  ASSERT_TRUE(some) << some.error().message;
  EXPECT_GE(some->cosine, options.min_cosine);
  EXPECT_TRUE(some->layers[static_cast<std::size_t>(worst - all->layers.begin())].kept_float);
}

TEST(Search, NeedsAMethod) {
  const graph::Graph graph = one_layer({1, 2}, {0});
  const auto observed = seen(graph, {{1, 2}});
  EXPECT_EQ(search(graph, *observed, std::vector<Example>{{1, 2}}, reference(), {}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(MeanCosine, OfKnownVectors) {
  using Answers = std::vector<Floats>;
  EXPECT_DOUBLE_EQ(mean_cosine(Answers{{1, 0}, {1, 0}}, Answers{{2, 0}, {0, 3}}), .5);
  EXPECT_DOUBLE_EQ(mean_cosine(Answers{{0, 0}}, Answers{{0, 0}}), 1);
  EXPECT_DOUBLE_EQ(mean_cosine(Answers{{0, 0}}, Answers{{0, 1}}), 0);
}

}  // namespace
}  // namespace visavis::modelkit
