#include "tflite.hpp"

#include <flatbuffers/flatbuffers.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/tests/farther.hpp>

#include "tflite_generated.h"

namespace visavis::modelkit {
namespace {

namespace tflite = ::visavis::tflite::schema;

using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using Op = tflite::BuiltinOperator;

/// Writes small TensorFlow Lite files.
class Writer {
 public:
  int tensor(std::vector<int> shape, const std::vector<float>& values = {}) {
    std::vector<std::uint8_t> bytes(values.size() * sizeof(float));
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    builder_.ForceVectorAlignment(bytes.size(), 1, 16);
    buffers_.push_back(tflite::CreateBuffer(builder_, builder_.CreateVector(bytes)));
    tensors_.push_back(tflite::CreateTensorDirect(builder_, &shape, tflite::TensorType::FLOAT32,
                                                  static_cast<std::uint32_t>(buffers_.size() - 1),
                                                  "t"));
    return static_cast<int>(tensors_.size()) - 1;
  }
  /// Computed steps: real = scale · (step − zero).
  int steps(std::vector<int> shape, tflite::TensorType type, float scale, std::int64_t zero) {
    const std::vector<float> scales = {scale};
    const std::vector<std::int64_t> zeros = {zero};
    const auto quantization =
        tflite::CreateQuantizationParametersDirect(builder_, nullptr, nullptr, &scales, &zeros);
    buffers_.push_back(tflite::CreateBuffer(builder_));
    tensors_.push_back(tflite::CreateTensorDirect(builder_, &shape, type,
                                                  static_cast<std::uint32_t>(buffers_.size() - 1),
                                                  "t", quantization));
    return static_cast<int>(tensors_.size()) - 1;
  }
  /// So many tensors of steps that share a list of scales, along the second axis; the first one.
  int scaled(int tensors, std::vector<int> shape, std::size_t count) {
    const std::vector<float> scales(count, .5F);
    const auto quantization = tflite::CreateQuantizationParametersDirect(
        builder_, nullptr, nullptr, &scales, nullptr, tflite::QuantizationDetails::NONE, 0, 1);
    buffers_.push_back(tflite::CreateBuffer(builder_));
    const auto first = static_cast<int>(tensors_.size());
    for (int i = 0; i < tensors; ++i)
      tensors_.push_back(tflite::CreateTensorDirect(builder_, &shape, tflite::TensorType::INT8,
                                                    static_cast<std::uint32_t>(buffers_.size() - 1),
                                                    "t", quantization));
    return first;
  }
  /// Constant axes.
  int axes(const std::vector<std::int32_t>& values) {
    std::vector<std::uint8_t> bytes(values.size() * sizeof(std::int32_t));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    builder_.ForceVectorAlignment(bytes.size(), 1, 16);
    buffers_.push_back(tflite::CreateBuffer(builder_, builder_.CreateVector(bytes)));
    const std::vector<int> shape = {static_cast<int>(values.size())};
    tensors_.push_back(tflite::CreateTensorDirect(builder_, &shape, tflite::TensorType::INT32,
                                                  static_cast<std::uint32_t>(buffers_.size() - 1),
                                                  "t"));
    return static_cast<int>(tensors_.size()) - 1;
  }
  void reduce(Op code, int x, int axes, int output) {
    op(code, {x, axes}, output, tflite::BuiltinOptions::ReducerOptions,
       tflite::CreateReducerOptions(builder_, true).Union());
  }
  void op(Op code, std::vector<int> inputs, int output,
          tflite::BuiltinOptions type = tflite::BuiltinOptions::NONE,
          flatbuffers::Offset<void> options = 0) {
    codes_.push_back(tflite::CreateOperatorCodeDirect(builder_, static_cast<std::int8_t>(code),
                                                      nullptr, 1, code));
    const std::vector<int> outputs = {output};
    operators_.push_back(tflite::CreateOperatorDirect(
        builder_, static_cast<std::uint32_t>(codes_.size() - 1), &inputs, &outputs, type, options));
  }
  void convolution(std::vector<int> inputs, int output, tflite::Padding padding, int stride) {
    op(Op::CONV_2D, std::move(inputs), output, tflite::BuiltinOptions::Conv2DOptions,
       tflite::CreateConv2DOptions(builder_, padding, stride, stride).Union());
  }
  void depthwise(std::vector<int> inputs, int output) {
    op(Op::DEPTHWISE_CONV_2D, std::move(inputs), output,
       tflite::BuiltinOptions::DepthwiseConv2DOptions,
       tflite::CreateDepthwiseConv2DOptions(builder_, tflite::Padding::VALID, 1, 1, 1).Union());
  }
  std::vector<std::byte> finish(std::vector<int> inputs, std::vector<int> outputs) {
    const std::vector graphs = {
        tflite::CreateSubGraphDirect(builder_, &tensors_, &inputs, &outputs, &operators_)};
    tflite::FinishModelBuffer(
        builder_, tflite::CreateModelDirect(builder_, 3, &codes_, &graphs, "by hand", &buffers_));
    const auto view = std::as_bytes(std::span(builder_.GetBufferPointer(), builder_.GetSize()));
    return {view.begin(), view.end()};
  }

 private:
  flatbuffers::FlatBufferBuilder builder_;
  std::vector<flatbuffers::Offset<tflite::Buffer>> buffers_;
  std::vector<flatbuffers::Offset<tflite::Tensor>> tensors_;
  std::vector<flatbuffers::Offset<tflite::OperatorCode>> codes_;
  std::vector<flatbuffers::Offset<tflite::Operator>> operators_;
};

const models::ModelFile kTflite{
    .name = "network", .sha256 = {}, .source = {}, .importer = "tflite", .onnx_sha256 = {}};

Result<graph::Graph> imported(const std::vector<std::byte>& bytes) {
  VISAVIS_TRY(onnx, import_model(kTflite, bytes));
  return graph::read_onnx(onnx);
}

std::vector<float> floats(const graph::Graph& graph, const std::string& name) {
  const graph::Tensor* tensor = graph.initializer(name);
  return tensor == nullptr ? std::vector<float>() : std::get<std::vector<float>>(tensor->values);
}

/// A 2×2 convolution of 2 channels to 1 with stride 2 on 5×4, SAME: 3×2 outputs, so
/// (3 − 1)·2 + 2 − 5 = 1 row of padding, behind, and (2 − 1)·2 + 2 − 4 = 0 columns.
TEST(Tflite, ConvertsAConvolution) {
  Writer writer;
  const int x = writer.tensor({2, 5, 4, 2});
  const int kernel = writer.tensor({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const int bias = writer.tensor({1}, {9});
  const int y = writer.tensor({2, 3, 2, 1});
  writer.convolution({x, kernel, bias}, y, tflite::Padding::SAME, 2);
  const auto graph = imported(writer.finish({x}, {y}));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->inputs[0].shape, (graph::Shape{-1, 2, 5, 4}));
  EXPECT_EQ(graph->outputs[0].shape, (graph::Shape{-1, 1, 3, 2}));
  const graph::Node& conv = graph->nodes[0];
  EXPECT_THAT(conv.get_or<std::vector<std::int64_t>>("pads", {}), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(conv.get_or<std::vector<std::int64_t>>("strides", {}), ElementsAre(2, 2));
  // Height, width, channel becomes channel, height, width.
  EXPECT_THAT(floats(*graph, conv.inputs[1]), ElementsAre(1, 3, 5, 7, 2, 4, 6, 8));
  EXPECT_THAT(floats(*graph, conv.inputs[2]), ElementsAre(9));
}

TEST(Tflite, ConvertsADepthwiseConvolution) {
  Writer writer;
  const int x = writer.tensor({1, 2, 2, 2});
  const int kernel = writer.tensor({1, 1, 2, 2}, {1, 2, 3, 4});
  const int bias = writer.tensor({2}, {0, 0});
  const int y = writer.tensor({1, 2, 1, 2});
  writer.depthwise({x, kernel, bias}, y);
  const auto graph = imported(writer.finish({x}, {y}));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->nodes[0].get_or<std::int64_t>("group", 1), 2);
  // [1, 1, 2, 2] by row, column, channel becomes channel, row, column.
  EXPECT_THAT(floats(*graph, graph->nodes[0].inputs[1]), ElementsAre(1, 3, 2, 4));
}

// Without its options nobody knows how it pads.
TEST(Tflite, RefusesAConvolutionWithoutOptions) {
  Writer writer;
  const int x = writer.tensor({1, 2, 2, 2});
  const int kernel = writer.tensor({1, 1, 2, 2}, {1, 2, 3, 4});
  const int bias = writer.tensor({2}, {0, 0});
  const int y = writer.tensor({1, 2, 1, 2});
  writer.op(Op::DEPTHWISE_CONV_2D, {x, kernel, bias}, y);
  EXPECT_THAT(imported(writer.finish({x}, {y})).error().message, HasSubstr("without options"));
}

/// relu(x) + a·(x − |x|), the sum in either order; a is half the slope.
TEST(Tflite, RecognisesPrelu) {
  for (const bool swapped : {false, true}) {
    Writer writer;
    const int x = writer.tensor({2, 1, 1, 2});
    const int positive = writer.tensor({2, 1, 1, 2});
    const int magnitude = writer.tensor({2, 1, 1, 2});
    const int difference = writer.tensor({2, 1, 1, 2});
    const int half = writer.tensor({2}, {.125F, -.25F});
    const int negative = writer.tensor({2, 1, 1, 2});
    const int y = writer.tensor({2, 1, 1, 2});
    writer.op(Op::RELU, {x}, positive);
    writer.op(Op::ABS, {x}, magnitude);
    writer.op(Op::SUB, {x, magnitude}, difference);
    writer.op(Op::MUL, {half, difference}, negative);
    writer.op(Op::ADD, swapped ? std::vector{negative, positive} : std::vector{positive, negative},
              y);
    const auto graph = imported(writer.finish({x}, {y}));
    ASSERT_TRUE(graph) << graph.error().message;
    ASSERT_EQ(graph->nodes.size(), 1U);
    EXPECT_EQ(graph->nodes[0].op, "PRelu");
    EXPECT_THAT(floats(*graph, graph->nodes[0].inputs[1]), ElementsAre(.25F, -.5F));
  }
}

/// What the network answers to one input.
std::vector<float> answer(const graph::Graph& graph, const std::vector<float>& x,
                          const std::vector<std::int64_t>& shape) {
  const auto engine = runtime::find_engine("reference");
  const auto onnx = graph::write_onnx(graph);
  const auto model = (*engine)->load(*onnx, {});
  EXPECT_TRUE(model) << model.error().message;
  const auto session = (*model)->session();
  const runtime::TensorView view = runtime::view_of(x, shape);
  const auto outputs = (*session)->run({&view, 1});
  EXPECT_TRUE(outputs) << outputs.error().message;
  const auto values = (*outputs)[0].floats();
  return {values.begin(), values.end()};
}

// |x| − x is not x − |x|: relu(x) + a·(|x| − x) is x for x > 0, else −2a·x.
TEST(Tflite, TellsWhatOnlyLooksLikePrelu) {
  Writer writer;
  const int x = writer.tensor({2, 1, 1, 2});
  const int positive = writer.tensor({2, 1, 1, 2});
  const int magnitude = writer.tensor({2, 1, 1, 2});
  const int difference = writer.tensor({2, 1, 1, 2});
  const int half = writer.tensor({2}, {.125F, -.25F});
  const int negative = writer.tensor({2, 1, 1, 2});
  const int y = writer.tensor({2, 1, 1, 2});
  writer.op(Op::RELU, {x}, positive);
  writer.op(Op::ABS, {x}, magnitude);
  writer.op(Op::SUB, {magnitude, x}, difference);
  writer.op(Op::MUL, {half, difference}, negative);
  writer.op(Op::ADD, {positive, negative}, y);
  const auto graph = imported(writer.finish({x}, {y}));
  ASSERT_TRUE(graph) << graph.error().message;
  // In the order sample, channel: 2 stays, −4 with a = −.25 becomes −2, −8 with .125 becomes 2.
  EXPECT_THAT(answer(*graph, {2, -4, -8, 3}, {2, 2, 1, 1}), ElementsAre(2, -2, 2, 3));
}

/// exp(x − max(x)) / Σ exp(x − max(x)) of 2×2 pixels, each along axes of its own.
std::vector<std::byte> distribution(const std::vector<int>& maximum,
                                    const std::vector<int>& total) {
  Writer writer;
  const std::vector<int> shape = {1, 2, 2, 1};
  const auto kept = [&](const std::vector<int>& axes) {
    std::vector<int> out = shape;
    for (const int axis : axes) out[static_cast<std::size_t>(axis < 0 ? axis + 4 : axis)] = 1;
    return out;
  };
  const int x = writer.tensor(shape);
  const int most = writer.tensor(kept(maximum));
  const int difference = writer.tensor(shape);
  const int power = writer.tensor(shape);
  const int sum = writer.tensor(kept(total));
  const int y = writer.tensor(shape);
  writer.reduce(Op::REDUCE_MAX, x, writer.axes(maximum), most);
  writer.op(Op::SUB, {x, most}, difference);
  writer.op(Op::EXP, {difference}, power);
  writer.reduce(Op::SUM, power, writer.axes(total), sum);
  writer.op(Op::DIV, {power, sum}, y);
  return writer.finish({x}, {y});
}

TEST(Tflite, RecognisesADistribution) {
  using Axes = std::vector<int>;
  for (const auto& [maximum, total] : {std::pair(Axes{1}, Axes{1}), {{-3}, {1}}, {{1}, {-3}}}) {
    const auto graph = imported(distribution(maximum, total));
    ASSERT_TRUE(graph) << graph.error().message;
    ASSERT_EQ(graph->nodes.size(), 1U);
    EXPECT_EQ(graph->nodes[0].op, "Softmax");
  }
}

// The largest of each row, the sum of each column: that is no softmax, and what is left of it has
// a largest number that is not known.
TEST(Tflite, TellsWhatOnlyLooksLikeADistribution) {
  const auto graph = imported(distribution({2}, {1}));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(graph.error().message, HasSubstr("REDUCE_MAX needs height and width"));
}

// With a = ln 2, the powers of 0, a, 2a and 0 below the largest are ¼, ½, 1 and ¼: together 2.
TEST(Tflite, ComputesADistributionOverHeightAndWidth) {
  const auto graph = imported(distribution({1, 2}, {1, 2}));
  ASSERT_TRUE(graph) << graph.error().message;
  const float a = std::log(2.F);
  EXPECT_THAT(answer(*graph, {0, a, 2 * a, 0}, {1, 1, 2, 2}),
              ElementsAre(FloatNear(.125F, 1e-6F), FloatNear(.25F, 1e-6F), FloatNear(.5F, 1e-6F),
                          FloatNear(.125F, 1e-6F)));
}

/// What make_tflite_samples.py draws.
std::vector<float> drawn(std::size_t count, std::uint64_t state) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    state += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    z ^= z >> 31U;
    values.push_back(static_cast<float>(z >> 40U) * 0x1p-23F - 1.F);
  }
  return values;
}

/// The largest difference from what TensorFlow Lite says of a file of its converter's.
double difference_from_tensorflow(const std::string& name) {
  const std::string folder = std::string(VISAVIS_SOURCE_DIR) + "/libs/modelkit/import/tests/data/";
  std::ifstream text(folder + "tflite-samples.json");
  const auto samples = nlohmann::json::parse(text);
  const auto file = read_file(folder + name, 1U << 20U);
  EXPECT_TRUE(file);
  const auto graph = imported(*file);
  EXPECT_TRUE(graph) << graph.error().message;
  const std::vector<float> nhwc = drawn(std::size_t{13} * 13 * 3, samples["seed"]);
  std::vector<float> x(nhwc.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i % 3 * 169 + i / 3] = nhwc[i];
  const auto engine = runtime::find_engine("reference");
  const auto onnx = graph::write_onnx(*graph);
  const auto model = (*engine)->load(*onnx, {});
  EXPECT_TRUE(model) << model.error().message;
  const auto session = (*model)->session();
  const std::vector<std::int64_t> shape = {1, 3, 13, 13};
  const runtime::TensorView view = runtime::view_of(x, shape);
  const auto outputs = (*session)->run({&view, 1});
  EXPECT_TRUE(outputs) << outputs.error().message;
  const auto& expected = samples[name];
  EXPECT_EQ(outputs->size(), expected.size());
  double most = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto values = (*outputs)[i].floats();
    EXPECT_EQ(values.size(), expected[i].size());
    for (std::size_t k = 0; k < values.size(); ++k)
      most = tests::farther(most, std::abs(values[k] - expected[i][k].get<double>()));
  }
  return most;
}

TEST(Tflite, AnswersAsTensorFlowLiteDoes) {
  EXPECT_LE(difference_from_tensorflow("layers.tflite"), 1e-6);
}

// Weights that its converter stored in 16 bits.
TEST(Tflite, AnswersAsTensorFlowLiteDoesWithHalves) {
  EXPECT_LE(difference_from_tensorflow("layers-f16.tflite"), 1e-6);
}

// What is half-way between two steps may go either way; a step of the output is .01935.
TEST(Tflite, AnswersAsTensorFlowLiteDoesInInt8) {
  EXPECT_LE(difference_from_tensorflow("layers-int8.tflite"), .0194);
}

/// relu(x), where x and the answer are steps of that type: what reals become.
std::vector<float> stepped(tflite::TensorType type, float scale, std::int64_t zero,
                           const std::vector<float>& x) {
  Writer writer;
  const int size = static_cast<int>(x.size());
  const int from = writer.steps({1, size}, type, scale, zero);
  const int to = writer.steps({1, size}, type, scale, zero);
  writer.op(Op::RELU, {from}, to);
  const auto graph = imported(writer.finish({from}, {to}));
  EXPECT_TRUE(graph) << graph.error().message;
  return graph ? answer(*graph, x, {1, size}) : std::vector<float>();
}

// int8, .5 · (step + 1): .3 is nearest to step 0, 100 is beyond step 127. uint8, .5 · (step − 3):
// 200 is beyond step 255.
TEST(Tflite, RoundsInputsThatAreSteps) {
  EXPECT_THAT(stepped(tflite::TensorType::INT8, .5F, -1, {.3F, 100, -7}), ElementsAre(.5F, 64, 0));
  EXPECT_THAT(stepped(tflite::TensorType::UINT8, .5F, 3, {.3F, 200, -7}), ElementsAre(.5F, 126, 0));
}

TEST(Tflite, RefusesInputsThatAreStepsOfNothing) {
  Writer writer;
  const int from = writer.steps({1, 2}, tflite::TensorType::INT8, 0, 0);
  const int to = writer.tensor({1, 2});
  writer.op(Op::DEQUANTIZE, {from}, to);
  const auto graph = imported(writer.finish({from}, {to}));
  EXPECT_EQ(graph.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(graph.error().message, HasSubstr("without one scale"));
}

// Three scales for two channels; as many as there are, however often they are shared.
TEST(Tflite, BoundsScales) {
  const auto read = [](int tensors, std::size_t scales, int channels) {
    Writer writer;
    const int first = writer.scaled(tensors, {1, channels}, scales);
    return read_tflite(writer.finish({first}, {first}));
  };
  EXPECT_TRUE(read(1, 1, 2)) << read(1, 1, 2).error().message;
  const auto each = read(1, 2, 2);
  ASSERT_TRUE(each) << each.error().message;
  EXPECT_THAT(each->tensors[0].steps.scales, ElementsAre(.5F, .5F));
  EXPECT_THAT(each->tensors[0].steps.zeros, ElementsAre(0, 0));
  EXPECT_EQ(read(1, 3, 2).error().code, ErrorCode::kDecodeFailed);
  EXPECT_THAT(read(1, 3, 2).error().message, HasSubstr("another number of scales"));
  EXPECT_THAT(read(1000, 10000, 10000).error().message, HasSubstr("fewer scales than it says"));
}

TEST(Tflite, NamesTheOperatorItLacks) {
  Writer writer;
  const int x = writer.tensor({1, 1, 1, 1});
  const int y = writer.tensor({1, 1, 1, 1});
  writer.op(Op::COS, {x}, y);
  const std::vector<std::byte> bytes = writer.finish({x}, {y});
  EXPECT_THAT(imported(bytes).error().message, HasSubstr("the operator COS"));
  const auto facts = inspect(bytes);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->format, "TensorFlow Lite");
  EXPECT_EQ(facts->operators.at("COS"), 1U);
  EXPECT_EQ(facts->inputs[0].shape, (std::vector<std::int64_t>{1, 1, 1, 1}));
}

TEST(Tflite, SurvivesEveryCut) {
  Writer writer;
  const int x = writer.tensor({2, 5, 4, 2});
  const int kernel = writer.tensor({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const int bias = writer.tensor({1}, {9});
  const int y = writer.tensor({2, 3, 2, 1});
  writer.convolution({x, kernel, bias}, y, tflite::Padding::SAME, 2);
  const std::vector<std::byte> bytes = writer.finish({x}, {y});
  for (std::size_t size = 0; size < bytes.size(); size += 4)
    EXPECT_FALSE(imported({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}));
  // An index beyond the tensors.
  EXPECT_EQ(imported(Writer().finish({3}, {3})).error().code, ErrorCode::kDecodeFailed);
}

// One wrong byte anywhere: refused or read, but never beyond the file (the sanitizers watch).
TEST(Tflite, SurvivesEveryWrongByte) {
  const auto sample = read_file(
      std::string(VISAVIS_SOURCE_DIR) + "/libs/modelkit/import/fuzz/tflite_corpus/prelu.tflite",
      1U << 20U);
  ASSERT_TRUE(sample);
  ASSERT_TRUE(imported(*sample)) << imported(*sample).error().message;
  int refused = 0;
  for (std::size_t i = 0; i < sample->size(); ++i) {
    for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
      std::vector<std::byte> wrong = *sample;
      wrong[i] ^= static_cast<std::byte>(mask);
      refused += imported(wrong) ? 0 : 1;
      (void)inspect(wrong);
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Inspect, KnowsNothingOfOtherFiles) {
  for (const std::string text : {"", "hello, this is text", "\x89PNG\r\n\x1a\n"})
    EXPECT_EQ(inspect(std::as_bytes(std::span(text))).error().code, ErrorCode::kDecodeFailed);
}

TEST(ImportModel, NamesTheImportersItHas) {
  models::ModelFile file = kTflite;
  file.importer = "darknet";
  EXPECT_EQ(import_model(file, std::span<const std::byte>()).error().code, ErrorCode::kNotFound);
  EXPECT_THAT(import_model(file, std::span<const std::byte>()).error().message,
              HasSubstr("onnx:free-batch"));
}

}  // namespace
}  // namespace visavis::modelkit
