// The reference engine against ONNX Runtime's answers, one small graph per operator and edge case.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const Engine& reference() { return **find_engine("reference"); }

json golden(const std::string& name) {
  std::ifstream file(std::string(VISAVIS_SOURCE_DIR) + "/tests/golden/" + name);
  return json::parse(file);
}

json golden() { return golden("operators.json"); }

std::vector<std::byte> from_hex(std::string_view text) {
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return bytes;
}

template <class T>
void append(Tensor& tensor, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  tensor.bytes.assign(bytes.begin(), bytes.end());
}

Tensor tensor_of(const json& listed) {
  Tensor tensor;
  tensor.shape = listed["shape"].get<std::vector<std::int64_t>>();
  if (listed["type"] == "int64") {
    tensor.type = ElementType::kInt64;
    append(tensor, listed["values"].get<std::vector<std::int64_t>>());
  } else {
    append(tensor, listed["values"].get<std::vector<float>>());
  }
  return tensor;
}

TensorView view_of(const Tensor& tensor) {
  return {.type = tensor.type, .shape = tensor.shape, .bytes = tensor.bytes};
}

/// float32 sums in another order; no operator here adds more than a few hundred terms of size 1.
void expect_near(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.type, expected.type);
  ASSERT_EQ(actual.shape, expected.shape);
  if (expected.type == ElementType::kInt64) {
    EXPECT_EQ(actual.bytes, expected.bytes);
    return;
  }
  for (std::size_t i = 0; i < expected.floats().size(); ++i) {
    const float wanted = expected.floats()[i];
    EXPECT_NEAR(actual.floats()[i], wanted, 2e-6 + 2e-6 * std::abs(wanted)) << "element " << i;
  }
}

Result<std::vector<Tensor>> run(std::span<const std::byte> model, const std::vector<Tensor>& inputs,
                                const LoadOptions& options) {
  VISAVIS_TRY(loaded, reference().load(model, options));
  VISAVIS_TRY(session, loaded->session());
  std::vector<TensorView> views;
  for (const Tensor& input : inputs) views.push_back(view_of(input));
  return session->run(views);
}

class Operators : public testing::TestWithParam<std::string> {};

TEST_P(Operators, AnswerAsOnnxRuntime) {
  int seen = 0;
  json cases = golden()["cases"];
  for (const char* more : {"resize.json", "reductions.json"}) {
    const json others = golden(more);
    cases.insert(cases.end(), others["cases"].begin(), others["cases"].end());
  }
  for (const json& each : cases) {
    const auto name = each["name"].get<std::string>();
    if (name != GetParam() && !name.starts_with(GetParam() + " ")) continue;
    SCOPED_TRACE(name);
    ++seen;
    std::vector<Tensor> inputs;
    for (const json& input : each["inputs"]) inputs.push_back(tensor_of(input));
    const auto outputs = run(from_hex(each["model"].get<std::string>()), inputs, {});
    ASSERT_TRUE(outputs) << outputs.error().message;
    ASSERT_EQ(outputs->size(), each["outputs"].size());
    for (std::size_t i = 0; i < outputs->size(); ++i)
      expect_near((*outputs)[i], tensor_of(each["outputs"][i]));
  }
  EXPECT_GT(seen, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Reference, Operators,
    testing::Values("Abs", "Add", "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat",
                    "Conv", "Div", "Elu", "Erf", "Exp", "Expand", "Flatten", "Gather", "Gemm",
                    "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity",
                    "InstanceNormalization", "LayerNormalization", "LeakyRelu", "Log",
                    "LpNormalization", "MatMul", "MaxPool", "Min", "Mul", "Neg", "PRelu", "Pad",
                    "Pow", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Relu",
                    "Reshape", "Resize", "Shape", "Sigmoid", "Slice", "Softmax", "Split", "Sqrt",
                    "Squeeze", "Sub", "Sum", "Tanh", "Transpose", "Unsqueeze", "Upsample"),
    [](const auto& tested) { return tested.param; });

/// x of the given shape, through the nodes, to "y" of the same rank.
graph::Graph graph_of(std::vector<graph::Node> nodes, std::vector<graph::Tensor> constants = {}) {
  return {.name = {},
          .opset = 13,
          .inputs = {{.name = "x", .type = graph::ElementType::kFloat32, .shape = {-1, 4}}},
          .outputs = {{.name = "y", .type = graph::ElementType::kFloat32, .shape = {-1, -1}}},
          .initializers = std::move(constants),
          .nodes = std::move(nodes)};
}

graph::Node node(std::string op, std::vector<std::string> inputs, std::string output) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {std::move(output)},
          .attributes = {}};
}

Tensor row(std::int64_t rows = 1) {
  Tensor x;
  x.shape = {rows, 4};
  append(x, std::vector<float>(static_cast<std::size_t>(rows) * 4, 1));
  return x;
}

Result<std::vector<Tensor>> run(const graph::Graph& graph, const std::vector<Tensor>& inputs,
                                const LoadOptions& options = {}) {
  VISAVIS_TRY(model, graph::write_onnx(graph));
  return run(model, inputs, options);
}

TEST(Reference, NamesTheOperatorItLacks) {
  const auto refused = run(graph_of({node("Einsum", {"x"}, "y")}), {row()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("Einsum"));
}

TEST(Reference, RefusesOtherPrecisionsAndOptions) {
  const graph::Graph graph = graph_of({node("Relu", {"x"}, "y")});
  for (const Precision precision : {Precision::kBf16, Precision::kF16, Precision::kInt8}) {
    const auto refused =
        run(graph, {row()}, {.precision = precision, .cache_dir = {}, .extra = {}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  }
  EXPECT_EQ(run(graph, {row()}, {.cache_dir = {}, .extra = {{"speed", "9"}}}).error().code,
            ErrorCode::kUnsupported);
  EXPECT_EQ(run(graph, {row()}, {.cache_dir = {}, .extra = {{"max_elements", "1x"}}}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(Reference, BoundsTheMemoryOfARun) {
  const LoadOptions small{.cache_dir = {}, .extra = {{"max_elements", "100"}}};
  const graph::Tensor column{.name = "c", .shape = {4, 1, 1}, .values = std::vector<float>(4, 1)};
  graph::Graph graph = graph_of({node("Add", {"x", "c"}, "y")}, {column});
  graph.outputs[0].shape = {-1, -1, -1};
  EXPECT_TRUE(run(graph, {row(4)}, small));  // 4 * 4 * 4 in the output, 16 in the input
  const auto one = run(graph, {row(7)}, small);
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().code, ErrorCode::kResourceExhausted);
  graph.nodes.insert(graph.nodes.begin(), node("Neg", {"x"}, "z"));
  graph.outputs.push_back({.name = "z", .type = graph::ElementType::kFloat32, .shape = {-1, 4}});
  EXPECT_TRUE(run(graph, {row(4)}, small));           // 64 + 16 + 16
  const auto together = run(graph, {row(5)}, small);  // 80 + 20 + 20
  ASSERT_FALSE(together);
  EXPECT_EQ(together.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(together.error().message, HasSubstr("Add: the output is too large, 80 numbers"))
      << "before it is made";
}

TEST(Reference, RefusesWhatDoesNotFitWhileItRuns) {
  const graph::Tensor weights{.name = "w", .shape = {3, 2}, .values = std::vector<float>(6)};
  const auto refused = run(graph_of({node("MatMul", {"x", "w"}, "y")}, {weights}), {row()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("MatMul"));
}

// The specification broadcasts slopes to the input, not the other way round.
TEST(Reference, RefusesMoreSlopesThanNumbers) {
  const auto prelu = [](std::vector<std::int64_t> shape) {
    const graph::Tensor slopes{
        .name = "s", .shape = std::move(shape), .values = std::vector<float>(12, .5F)};
    return run(graph_of({node("PRelu", {"x", "s"}, "y")}, {slopes}), {row(3)});
  };
  EXPECT_TRUE(prelu({3, 4}));
  for (const auto& shape : {std::vector<std::int64_t>{3, 1, 4}, {1, 3, 4}}) {
    const auto refused = prelu(shape);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Reference, RefusesAnIntegerDividedByZero) {
  graph::Graph graph =
      graph_of({node("Shape", {"x"}, "s"), node("Div", {"s", "zero"}, "y")},
               {{.name = "zero", .shape = {}, .values = std::vector<std::int64_t>{0}}});
  graph.outputs[0] = {.name = "y", .type = graph::ElementType::kInt64, .shape = {2}};
  const auto refused = run(graph, {row()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

graph::Tensor numbers(std::string name, std::vector<float> values) {
  return {.name = std::move(name),
          .shape = {static_cast<std::int64_t>(values.size())},
          .values = std::move(values)};
}

/// A zero point.
template <class T>
graph::Tensor steps(std::vector<T> values) {
  return {.name = "z",
          .shape = {static_cast<std::int64_t>(values.size())},
          .values = std::move(values)};
}

/// What QuantizeLinear makes of x, read as it is.
Result<std::vector<Tensor>> quantized(const Tensor& x, std::vector<float> scales,
                                      graph::Tensor zeros) {
  graph::Tensor none = zeros;
  none.name = "none";
  std::visit(
      [](auto& held) {
        std::ranges::fill(held, typename std::decay_t<decltype(held)>::value_type{});
      },
      none.values);
  const graph::Tensor ones = numbers("ones", std::vector<float>(scales.size(), 1));
  graph::Graph graph = graph_of({node("QuantizeLinear", {"x", "s", "z"}, "q"),
                                 node("DequantizeLinear", {"q", "ones", "none"}, "y")},
                                {numbers("s", std::move(scales)), std::move(zeros), ones, none});
  graph.inputs[0].shape = x.shape;
  graph.outputs[0].shape = x.shape;
  return run(graph, {x});
}

Tensor tensor(std::vector<std::int64_t> shape, const std::vector<float>& values) {
  Tensor made;
  made.shape = std::move(shape);
  append(made, values);
  return made;
}

// The examples of the ONNX operator specification, QuantizeLinear and DequantizeLinear, opset 13.
TEST(Reference, QuantizesAsTheSpecificationShows) {
  const auto one =
      quantized(tensor({6}, {0, 2, 3, 1000, -254, -1000}), {2}, steps<std::uint8_t>({128}));
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_THAT((*one)[0].floats(), testing::ElementsAre(128, 129, 130, 255, 1, 0));
  const Tensor channels = tensor({1, 3, 3, 2}, {-162, 10, -100, 232, -20, -50, -76, 0, 252, 32, -44,
                                                245, -485, -960, -270, -375, -470, 0});
  const auto each = quantized(channels, {2, 4, 5}, steps<std::uint8_t>({84, 24, 196}));
  ASSERT_TRUE(each) << each.error().message;
  EXPECT_THAT((*each)[0].floats(), testing::ElementsAre(3, 89, 34, 200, 74, 59, 5, 24, 87, 32, 13,
                                                        85, 99, 4, 142, 121, 102, 196));
}

TEST(Reference, DequantizesAsTheSpecificationShows) {
  const graph::Tensor held{
      .name = "q", .shape = {4}, .values = std::vector<std::uint8_t>{0, 3, 128, 255}};
  graph::Graph graph = graph_of({node("DequantizeLinear", {"q", "s", "z"}, "y")},
                                {held, numbers("s", {2}), steps<std::uint8_t>({128})});
  graph.outputs[0].shape = {4};
  const auto outputs = run(graph, {row()});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT((*outputs)[0].floats(), testing::ElementsAre(-256, -250, 0, 254));
}

TEST(Reference, RoundsHalvesToEvenAndSaturates) {
  const auto outputs = quantized(tensor({8}, {.5F, 1.5F, 2.5F, -.5F, -1.5F, 200, -200, 127.5F}),
                                 {1}, steps<std::int8_t>({0}));
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_THAT((*outputs)[0].floats(), testing::ElementsAre(0, 2, 2, 0, -2, 127, -128, 127));
}

TEST(Reference, KeepsTheDifferenceOfWideIntegers) {
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  const graph::Tensor held{.name = "q", .shape = {1}, .values = std::vector<std::int32_t>{kMost}};
  graph::Graph graph = graph_of({node("DequantizeLinear", {"q", "s", "z"}, "y")},
                                {held, numbers("s", {1}), steps<std::int32_t>({-kMost})});
  graph.outputs[0].shape = {1};
  const auto outputs = run(graph, {row()});
  ASSERT_TRUE(outputs) << outputs.error().message;
  EXPECT_EQ((*outputs)[0].floats()[0], 4294967294.F);
}

TEST(Reference, RefusesScalesAndZeroPointsThatDoNotFit) {
  const Tensor x = tensor({1, 4}, {1, 2, 3, 4});
  const std::vector<std::pair<std::vector<float>, graph::Tensor>> wrong{
      {{1, 2}, steps<std::uint8_t>({0, 0})},               // the axis has four indices
      {{1}, steps<std::uint8_t>({0, 0})},                  // one scale, two zero points
      {{1, 1, 1, 1}, steps<std::int32_t>({0, 0, 0, 0})}};  // no type to quantise to
  for (const auto& [scales, zeros] : wrong) {
    const auto refused = quantized(x, scales, zeros);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Reference, RefusesSmallIntegersAsOutputs) {
  const graph::Tensor held{.name = "q", .shape = {1}, .values = std::vector<std::int8_t>{1}};
  graph::Graph graph = graph_of({node("Identity", {"q"}, "y")}, {held});
  graph.outputs[0].shape = {1};
  const auto refused = run(graph, {row()});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
}

TEST(Reference, RefusesArithmeticOnSmallIntegers) {
  const graph::Tensor held{.name = "q", .shape = {1}, .values = std::vector<std::int8_t>{1}};
  for (const char* op : {"Add", "Concat", "Relu"}) {
    graph::Graph graph = graph_of({node(op, {"q"}, "y")}, {held});
    if (std::string_view(op) != "Relu") graph.nodes[0].inputs.emplace_back("x");
    EXPECT_FALSE(run(graph, {row()})) << op;
  }
}

TEST(Reference, ReturnsConstantsInputsAndRepeatedOutputs) {
  graph::Graph graph = graph_of({node("Relu", {"x"}, "y")},
                                {{.name = "c", .shape = {1}, .values = std::vector<float>{3}}});
  graph.outputs.push_back(graph.outputs[0]);
  graph.outputs.push_back({.name = "x", .type = graph::ElementType::kFloat32, .shape = {-1, 4}});
  graph.outputs.push_back({.name = "c", .type = graph::ElementType::kFloat32, .shape = {1}});
  const auto outputs = run(graph, {row()});
  ASSERT_TRUE(outputs) << outputs.error().message;
  ASSERT_EQ(outputs->size(), 4U);
  EXPECT_EQ((*outputs)[1].bytes, (*outputs)[0].bytes);
  EXPECT_EQ((*outputs)[2].floats().size(), 4U);
  EXPECT_EQ((*outputs)[3].floats()[0], 3.F);
}

}  // namespace
}  // namespace visavis::runtime
