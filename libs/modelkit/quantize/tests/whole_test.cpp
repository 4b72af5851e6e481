// Integers from end to end, held against the same network in float and against TensorFlow Lite,
// whose int8 kernels are not ours.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/import/import.hpp>
#include <visavis/quantize/observe.hpp>
#include <visavis/quantize/quantize.hpp>
#include <visavis/quantize/whole.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit {
namespace {

using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;

const runtime::Engine& reference() { return **runtime::find_engine("reference"); }

Floats noise(std::size_t count, unsigned seed, float scale) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> law(0, scale);
  Floats values(count);
  for (float& value : values) value = law(engine);
  return values;
}

/// Convolution, PReLU, depthwise convolution, a sum, a pool, an embedding of 16 numbers.
graph::Graph network() {
  graph::Graph graph{
      .name = "small",
      .opset = 13,
      .inputs = {{.name = "x", .type = graph::ElementType::kFloat32, .shape = {-1, 3, 8, 8}}},
      .outputs = {{.name = "y", .type = graph::ElementType::kFloat32, .shape = {-1, 16}}},
      .initializers = {},
      .nodes = {}};
  const auto weight = [&](const std::string& name, const graph::Shape& shape, float scale) {
    std::size_t count = 1;
    for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
    const auto seed = static_cast<unsigned>(graph.initializers.size() + 1);
    graph.initializers.push_back(
        {.name = name, .shape = shape, .values = noise(count, seed, scale)});
    return name;
  };
  const auto add = [&](const std::string& op, std::vector<std::string> inputs,
                       const std::string& output,
                       std::vector<std::pair<std::string, graph::Attribute>> attributes = {}) {
    graph.nodes.push_back({.op = op,
                           .name = {},
                           .inputs = std::move(inputs),
                           .outputs = {output},
                           .attributes = std::move(attributes)});
  };
  add("Conv", {"x", weight("w1", {8, 3, 3, 3}, .3F), weight("b1", {8}, .1F)}, "c1",
      {{"pads", Ints{1, 1, 1, 1}}});
  add("PRelu", {"c1", weight("a1", {8, 1, 1}, .2F)}, "p1");
  add("Conv", {"p1", weight("w2", {8, 1, 3, 3}, .4F), weight("b2", {8}, .1F)}, "c2",
      {{"pads", Ints{1, 1, 1, 1}}, {"group", std::int64_t{8}}});
  add("Add", {"c2", "p1"}, "s");
  add("MaxPool", {"s"}, "m", {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  add("Flatten", {"m"}, "f", {{"axis", std::int64_t{1}}});
  add("Gemm", {"f", weight("w3", {16, 128}, .1F), weight("b3", {16}, .1F)}, "y",
      {{"transB", std::int64_t{1}}});
  return graph;
}

std::vector<Example> examples(std::size_t count, unsigned seed) {
  std::vector<Example> out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(noise(std::size_t{3} * 8 * 8, seed + static_cast<unsigned>(i), 1));
  return out;
}

Result<graph::Graph> whole(const graph::Graph& graph) {
  std::vector<std::string> values = inputs_of(layers_of(graph));
  for (const std::string& result : results_of(graph))
    if (std::ranges::find(values, result) == values.end()) values.push_back(result);
  VISAVIS_TRY(seen, observe(graph, values, examples(32, 100), reference()));
  return quantize(graph, seen, {.weight_steps = 127, .whole = true});
}

TEST(Whole, EveryOperatorReadsAndMakesSteps) {
  const auto made = whole(network());
  ASSERT_TRUE(made) << made.error().message;
  std::map<std::string, std::string> maker;
  std::map<std::string, std::vector<std::string>> readers;
  for (const graph::Node& node : made->nodes) {
    maker[node.outputs[0]] = node.op;
    for (const std::string& input : node.inputs) readers[input].push_back(node.op);
  }
  int operators = 0;
  for (const graph::Node& node : made->nodes) {
    if (node.op == "QuantizeLinear" || node.op == "DequantizeLinear") continue;
    ++operators;
    EXPECT_EQ(maker[node.inputs[0]], "DequantizeLinear") << node.op;
    EXPECT_EQ(readers[node.outputs[0]], std::vector<std::string>{"QuantizeLinear"}) << node.op;
  }
  EXPECT_EQ(operators, 7);
  EXPECT_EQ(maker["y"], "DequantizeLinear") << "the output keeps its name";
}

TEST(Whole, AnswersAsTheFloatNetworkDoes) {
  const auto made = whole(network());
  ASSERT_TRUE(made) << made.error().message;
  const auto shown = examples(8, 500);
  const auto expected = answers(network(), shown, reference());
  const auto actual = answers(*made, shown, reference());
  ASSERT_TRUE(expected && actual);
  EXPECT_GT(mean_cosine(*expected, *actual), .995);
}

// One QUANTIZE at the beginning and one DEQUANTIZE at the end: nothing in between is float.
TEST(Whole, TensorFlowLiteComputesInInt8Throughout) {
  const auto made = whole(network());
  ASSERT_TRUE(made) << made.error().message;
  const auto parts = exporter_for("x.tflite")->run(*made, "x");
  ASSERT_TRUE(parts) << parts.error().message;
  const auto inside = inspect(*parts);
  ASSERT_TRUE(inside) << inside.error().message;
  EXPECT_EQ(inside->operators, (std::map<std::string, std::size_t>{{"ADD", 1},
                                                                   {"CONV_2D", 1},
                                                                   {"DEPTHWISE_CONV_2D", 1},
                                                                   {"DEQUANTIZE", 1},
                                                                   {"FULLY_CONNECTED", 1},
                                                                   {"MAX_POOL_2D", 1},
                                                                   {"PRELU", 1},
                                                                   {"QUANTIZE", 1},
                                                                   {"RESHAPE", 1},
                                                                   {"TRANSPOSE", 1}}));
  const auto tflite = runtime::find_engine("tflite");
  if (!tflite) GTEST_SKIP() << tflite.error().message;
  const auto shown = examples(8, 500);
  const auto expected = answers(*made, shown, reference());
  const auto actual = answers(*made, shown, **tflite);
  ASSERT_TRUE(expected && actual);
  EXPECT_GT(mean_cosine(*expected, *actual), .999);
  double most = 0;
  double largest = 0;
  for (std::size_t i = 0; i < expected->size(); ++i)
    for (std::size_t k = 0; k < (*expected)[i].size(); ++k) {
      most = std::max<double>(most, std::abs((*expected)[i][k] - (*actual)[i][k]));
      largest = std::max<double>(largest, std::abs((*expected)[i][k]));
    }
  // A step of the output is some 2 · largest / 255; roundings on the way may add up to three.
  EXPECT_LE(most, 3 * 2 * largest / 255);
}

}  // namespace
}  // namespace visavis::modelkit
