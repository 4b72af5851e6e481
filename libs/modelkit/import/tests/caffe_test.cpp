/// Caffe's files, written by tests/data/make_caffe_samples.py, against the answers of OpenCV's dnn.

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>

#include "../src/caffe_text.hpp"
#include "answers.hpp"

namespace visavis::modelkit {
namespace {

using namespace testing;

constexpr const char* kFormat = "caffe";  ///< Also the importer.
constexpr double kTolerance = 2e-6;

std::vector<Part> net(const std::string& name) { return parts_of(kFormat, name + ".prototxt"); }

Part text_part(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {.name = "net.prototxt", .bytes = {bytes.begin(), bytes.end()}};
}

/// A network of one input [1, 2, 4, 4] and this text, without weights.
Result<std::vector<std::byte>> import_text(const std::string& text) {
  const std::vector<Part> parts = {
      text_part("input: 'data' input_shape { dim: [1, 2, 4, 4] }\n" + text),
      {.name = "net.caffemodel", .bytes = {}}};
  return import_parts(kFormat, parts);
}

TEST(Caffe, AnswersAsOpenCvDoesOnEveryEngine) {
  const nlohmann::json all = answers(kFormat);
  ASSERT_EQ(all["cases"].size(), 7U);
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    const auto engine = runtime::find_engine(entry.name);
    if (!engine) continue;
    for (const auto& each : all["cases"]) {
      const auto onnx = import_parts(kFormat, net(each["net"]));
      ASSERT_TRUE(onnx) << onnx.error().message;
      if (lacks_an_operator(**engine, *onnx, each)) continue;
      EXPECT_LE(distance(**engine, *onnx, each), kTolerance) << each["net"] << entry.name;
    }
  }
}

TEST(Caffe, AnyMistakeWouldShow) {
  struct Mistake {
    const char* net;
    const char* from;
    const char* to;
  };
  constexpr auto kMistakes = std::to_array<Mistake>({
      {"normalisations", "eps: 0.01", "eps: 0.011"},
      {"normalisations", "negative_slope: 0.125", "negative_slope: 0.12"},
      {"normalisations", "bias_term: true }\n}\nlayer {\n  name: \"prelu\"",
       "bias_term: true axis: 1 }\n}\nlayer {\n  type: \"ReLU\" name: \"x\" bottom: \"conv\" top: "
       "\"conv\" }\nlayer {\n  name: \"prelu\""},
      {"poolings", "kernel_size: 3 stride: 2 }", "kernel_size: 3 stride: 2 round_mode: FLOOR }"},
      {"poolings", "kernel_size: 2 stride: 2 pad: 1", "kernel_size: 2 stride: 2 pad: 0"},
      {"poolings", "pool: AVE kernel_size: 3 stride: 2 pad: 1",
       "pool: MAX kernel_size: 3 stride: 2 pad: 1"},
      {"convolutions", "kernel_h: 3 kernel_w: 2 pad_h: 1 pad_w: 0",
       "kernel_h: 2 kernel_w: 3 pad_h: 0 pad_w: 1"},
      {"convolutions", "dilation: 2", "dilation: 1"},
      {"merges", "coeff: -0.5", "coeff: 0.5"},
      {"merges", "operation: MAX", "operation: SUM"},
      {"merges", "bottom: \"sigmoid\"\n  bottom: \"tanh\"",
       "bottom: \"tanh\"\n  bottom: \"sigmoid\""},
      {"merges", "base: 2 ", ""},
      {"heads", "offset: 1 offset: 2", "offset: 2 offset: 1"},
      {"heads", "order: 0 order: 2 order: 3 order: 1", "order: 0 order: 3 order: 2 order: 1"},
      {"heads", "axis: 2 }\n}\nlayer {\n  name: \"unit\"",
       "axis: 1 }\n}\nlayer {\n  name: \"unit\""},
      {"heads", "across_spatial: false", "across_spatial: true"},
  });
  const runtime::Engine& engine = **runtime::find_engine("reference");
  for (const Mistake& mistake : kMistakes) {
    const auto onnx = import_parts(kFormat, changed(net(mistake.net), 0, mistake.from, mistake.to));
    if (!onnx) continue;  // it shows already
    EXPECT_GT(distance(engine, *onnx, asked(kFormat, mistake.net)), 10 * kTolerance) << mistake.to;
  }
}

/// A kernel of [6, 4, 3, 3] with rows for columns, and with two of its input channels swapped.
TEST(Caffe, AnotherOrderOfWeightsWouldShow) {
  const std::vector<Part> parts = net("convolutions");
  const std::string_view all(reinterpret_cast<const char*>(parts[1].bytes.data()),
                             parts[1].bytes.size());
  // Behind the name, the shape [6, 4, 3, 3] and the head of 864 bytes of floats.
  const std::size_t start = all.find(std::string_view("\x06\x04\x03\x03\x2a\xe0\x06", 7)) + 7;
  std::vector<float> kernel(216);
  std::memcpy(kernel.data(), all.data() + start, 864);
  std::vector<float> turned(kernel);
  std::vector<float> swapped(kernel);
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    turned[i / 9 * 9 + i % 3 * 3 + i % 9 / 3] = kernel[i];
    const std::size_t channel = i / 9 % 4;
    if (channel < 2) swapped[i + (channel == 0 ? 9 : 0) - (channel == 1 ? 9 : 0)] = kernel[i];
  }
  const runtime::Engine& engine = **runtime::find_engine("reference");
  for (const std::vector<float>& wrong : {turned, swapped}) {
    std::vector<Part> other = parts;
    std::memcpy(other[1].bytes.data() + start, wrong.data(), 864);
    const auto onnx = import_parts(kFormat, other);
    ASSERT_TRUE(onnx);
    EXPECT_GT(distance(engine, *onnx, asked(kFormat, "convolutions")), 10 * kTolerance);
  }
}

/// BVLC's name for what OpenCV calls ceil_mode: false.
TEST(Caffe, RoundModeIsUnderstood) {
  const auto onnx =
      import_parts(kFormat, changed(net("poolings"), 0, "ceil_mode: false", "round_mode: FLOOR"));
  ASSERT_TRUE(onnx) << onnx.error().message;
  const runtime::Engine& engine = **runtime::find_engine("reference");
  EXPECT_LE(distance(engine, *onnx, asked(kFormat, "poolings")), kTolerance);
}

TEST(Caffe, TakesAnyBatchAndWhereNothingFixesThemAnySizes) {
  const auto shape_of = [](const char* name) {
    const auto onnx = import_parts(kFormat, net(name));
    const auto graph = graph::read_onnx(*onnx);
    return graph->inputs.front().shape;
  };
  EXPECT_EQ(shape_of("sizes"), (std::vector<std::int64_t>{-1, 3, -1, -1}));
  EXPECT_EQ(shape_of("old"), (std::vector<std::int64_t>{-1, 1, 6, 6}));
  EXPECT_EQ(shape_of("merges"), (std::vector<std::int64_t>{-1, 6, 3, 3}));
}

/// Depthwise convolutions have types of their own in some branches; OpenCV knows neither.
TEST(Caffe, DepthwiseConvolutionsAreConvolutionsInGroups) {
  const runtime::Engine& engine = **runtime::find_engine("reference");
  for (const char* type : {"ConvolutionDepthwise", "DepthwiseConvolution"}) {
    // The last of the four: num_output 4, group 4.
    auto parts = changed(net("convolutions"), 0, "\"two\"\n  type: \"Convolution\"",
                         "\"two\"\n  type: \"" + std::string(type) + "\"");
    parts = changed(std::move(parts), 0, "pad: 1 pad: 0 group: 4", "pad: 1 pad: 0");
    const auto onnx = import_parts(kFormat, parts);
    ASSERT_TRUE(onnx) << onnx.error().message;
    EXPECT_LE(distance(engine, *onnx, asked(kFormat, "convolutions")), kTolerance) << type;
  }
}

TEST(Caffe, NamesEveryLayerThatItDoesNotKnow) {
  const auto onnx = import_text(
      "layer { name: 'a' type: 'LRN' bottom: 'data' top: 'a' }"
      "layer { name: 'b' type: 'MVN' bottom: 'a' top: 'b' }");
  ASSERT_FALSE(onnx);
  EXPECT_EQ(onnx.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(onnx.error().message.find("LRN, MVN"), std::string::npos) << onnx.error().message;
}

TEST(Caffe, NamesEveryFieldThatItDoesNotKnow) {
  const auto onnx = import_text(
      "layer { name: 'a' type: 'ReLU' bottom: 'data' top: 'a' relu_param { twist: 1 } }\n"
      "layer { name: 'b' type: 'Sigmoid' bottom: 'a' top: 'b' turns: 3 }");
  ASSERT_FALSE(onnx);
  EXPECT_EQ(onnx.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(onnx.error().message.find("ReLU's relu_param.twist (line 2), Sigmoid's turns (line 3)"),
            std::string::npos)
      << onnx.error().message;
}

TEST(Caffe, TrainingFieldsChangeNothing) {
  const auto onnx = import_text(
      "layer { name: 'x' type: 'Accuracy' include { phase: TRAIN } other { field: 3 } }\n"
      "layer { name: 'a' type: 'ReLU' bottom: 'data' top: 'a' param { lr_mult: 0 } loss_weight: 1\n"
      "        propagate_down: false exclude { phase: TRAIN } }");
  EXPECT_TRUE(onnx) << onnx.error().message;
}

TEST(Caffe, RefusesWhatMakesNoSense) {
  const auto pool = [](const std::string& what) {
    return "layer { name: 'p' type: 'Pooling' bottom: 'data' top: 'p' pooling_param { " + what +
           " } }";
  };
  const std::vector<std::pair<std::string, ErrorCode>> refusals = {
      {"layer { name: 'a' type: 'ReLU' bottom: 'nothing' top: 'a' }", ErrorCode::kDecodeFailed},
      {"layer { name: 'a' type: 'ReLU' bottom: 'data' top: 'a' ", ErrorCode::kDecodeFailed},
      {"layer { name: 'a' name: 'b' type: 'ReLU' }", ErrorCode::kDecodeFailed},
      {"layer { name: 'a' type: 'Silence' bottom: 'data' }", ErrorCode::kUnsupported},
      {"layers { layer { name: 'a' type: 'relu' } }", ErrorCode::kUnsupported},
      {pool("kernel_size: 0"), ErrorCode::kDecodeFailed},
      {pool("kernel_size: 99999999999"), ErrorCode::kDecodeFailed},
      {pool("kernel_size: 2 pad: 2"), ErrorCode::kDecodeFailed},
      {pool("kernel_size: 2 kernel_h: 2"), ErrorCode::kDecodeFailed},
      {pool("kernel_size: 1 stride: 7 "), ErrorCode::kUnsupported},  // the second begins outside
      {pool("pool: STOCHASTIC kernel_size: 2"), ErrorCode::kUnsupported},
      {"layer { name: 'c' type: 'Convolution' bottom: 'data' top: 'c' convolution_param { "
       "num_output: 4 kernel_size: 3 } }",
       ErrorCode::kModelMismatch},
      {"layer { name: 'r' type: 'Reshape' bottom: 'data' top: 'r' reshape_param { shape { dim: -1 "
       "dim: 7 } } }",
       ErrorCode::kDecodeFailed},
      {"layer { name: 's' type: 'Slice' bottom: 'data' top: 'a' top: 'b' slice_param { "
       "slice_point: 2 } }",
       ErrorCode::kDecodeFailed},
  };
  for (const auto& [text, code] : refusals) {
    const auto onnx = import_text(text);
    ASSERT_FALSE(onnx) << text;
    EXPECT_EQ(onnx.error().code, code) << text << ": " << onnx.error().message;
  }
}

TEST(Caffe, RefusesDamagedWeightsAndThoseOfAnotherNetwork) {
  std::vector<Part> parts = net("convolutions");
  const std::vector<std::byte> whole = parts[1].bytes;
  for (std::size_t length = 1; length < whole.size(); length += 37) {
    parts[1].bytes.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_FALSE(import_parts(kFormat, parts)) << length;
  }
  parts[1] = net("heads")[1];
  const auto onnx = import_parts(kFormat, parts);
  ASSERT_FALSE(onnx);
  EXPECT_EQ(onnx.error().code, ErrorCode::kModelMismatch) << onnx.error().message;
  parts.pop_back();
  EXPECT_EQ(import_parts(kFormat, parts).error().code, ErrorCode::kInvalidArgument);
}

TEST(Caffe, InspectionTellsLayersAndWeights) {
  const auto both = inspect(net("heads"));
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ(both->format, "Caffe");
  EXPECT_EQ(both->importer, "caffe");
  EXPECT_EQ(both->operators.at("InnerProduct"), 2U);
  EXPECT_EQ(both->parameters, 8U * 36 + 8 + 4 + 3 * 8);
  ASSERT_EQ(both->outputs.size(), 3U);
  EXPECT_EQ(both->outputs[0].name, "softmax");
  EXPECT_EQ(both->outputs[0].shape.front(), both->inputs[0].shape.front());
  const auto weights = inspect(net("heads")[1].bytes);
  ASSERT_TRUE(weights) << weights.error().message;
  ASSERT_EQ(weights->weights.size(), 4U);
  EXPECT_EQ(weights->weights[0].name, "fc.0");
  EXPECT_EQ(weights->weights[0].shape, (std::vector<std::int64_t>{8, 36}));
}

// Text Format Language Specification, protobuf.dev.
TEST(CaffeText, ReadsTheWholeOfTheForm) {
  auto text = CaffeText::read(
      "# a comment\n"
      "a: 0x10, b: 010; c: -7 d: 1.5e-3f e: 'it\\'s' \"\\x41\\102\" # strings together\n"
      "f < g: true > h { g: WORD } i: [1, 2] i: 3 j: [] k: { }");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->integer("a", 0), 16);
  EXPECT_EQ(text->integer("b", 0), 8);
  EXPECT_EQ(text->integer("c", 0), -7);
  EXPECT_DOUBLE_EQ(*text->number("d", 0), 1.5e-3);
  EXPECT_EQ(*text->word("e", ""), "it'sAB");
  EXPECT_TRUE(*(*text->message("f"))->boolean("g", false));
  EXPECT_EQ(*text->integers("i"), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(text->not_understood(), (std::vector<std::string>{"h (line 3)", "k (line 3)"}));
}

TEST(CaffeText, RefusesWithTheLine) {
  for (const char* wrong :
       {"a: 1\nb 2", "\n{", "\na: 'open", "\na: 'x\n'", "\na: '\\q'", "\na: ", "\na: [1",
        "\na: [1 2]", "\na { b: 1", "\n}", "\na: '\\xFFF", "\n[a.b]: 1"}) {
    const auto text = CaffeText::read(wrong);
    ASSERT_FALSE(text) << wrong;
    EXPECT_EQ(text.error().code, ErrorCode::kDecodeFailed);
    EXPECT_NE(text.error().message.find("line 2"), std::string::npos) << text.error().message;
  }
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "a{";
  EXPECT_FALSE(CaffeText::read(deep));
  EXPECT_FALSE((*CaffeText::read("a: 1.5")).integer("a", 0));
  EXPECT_FALSE((*CaffeText::read("a: 1 a: 2")).integer("a", 0));
  EXPECT_FALSE((*CaffeText::read("a: 1e999")).number("a", 0));
}

}  // namespace
}  // namespace visavis::modelkit
