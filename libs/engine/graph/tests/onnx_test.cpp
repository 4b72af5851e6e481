#include "visavis/graph/onnx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>

#include "visavis/graph/graph.hpp"

namespace visavis::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Written by the onnx package; see make_onnx_data.py.
std::vector<std::byte> data(std::string_view name) {
  const std::filesystem::path path = std::filesystem::path(VISAVIS_SOURCE_DIR) /
                                     "libs/engine/graph/tests/data" / (std::string(name) + ".onnx");
  auto bytes = read_file(path, 1 << 20);
  EXPECT_TRUE(bytes) << path;
  return bytes ? *bytes : std::vector<std::byte>{};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

void expect_decode_failed(std::span<const std::byte> file, std::string_view message) {
  const auto graph = read_onnx(file);
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, ErrorCode::kDecodeFailed) << graph.error().message;
  EXPECT_THAT(graph.error().message, HasSubstr(message));
}

class EachForm : public testing::TestWithParam<std::string_view> {};

TEST_P(EachForm, HoldsTheSameGraph) {
  const auto graph = read_onnx(data(GetParam()));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->opset, 13);
  ASSERT_EQ(graph->inputs.size(), 1U);
  EXPECT_EQ(graph->inputs[0].name, "x");
  EXPECT_THAT(graph->inputs[0].shape, ElementsAre(-1, 3));
  ASSERT_EQ(graph->nodes.size(), 1U);
  EXPECT_EQ(graph->nodes[0].op, "Gemm");
  EXPECT_EQ(graph->nodes[0].name, "fc");
  EXPECT_EQ(graph->nodes[0].get_or<std::int64_t>("transB", 0), 1);
  EXPECT_EQ(graph->nodes[0].get_or<float>("alpha", 1), 0.5F);
  const Tensor* w = graph->initializer("w");
  ASSERT_NE(w, nullptr);
  EXPECT_THAT(w->shape, ElementsAre(2, 3));
  EXPECT_THAT(std::get<std::vector<float>>(w->values),
              ElementsAre(1.5F, -2.0F, 0.25F, 3.0F, 1e-30F, -0.0F));
}

INSTANTIATE_TEST_SUITE_P(Onnx, EachForm,
                         testing::Values("raw_data", "float_data", "weights_as_inputs"));

TEST(ReadOnnx, ReadsConstantsAndLists) {
  const auto graph = read_onnx(data("attributes"));
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->nodes.size(), 4U);
  const auto constant = graph->nodes[0].get_or<Tensor>("value", {});
  EXPECT_THAT(std::get<std::vector<std::int64_t>>(constant.values), ElementsAre(0, -1));
  EXPECT_EQ(graph->nodes[3].get_or<std::string>("auto_pad", ""), "NOTSET");
  EXPECT_THAT(graph->nodes[3].get_or<std::vector<std::int64_t>>("kernel_shape", {}),
              ElementsAre(1, 1));
}

TEST(ReadOnnx, ReadsSmallIntegersAndScalars) {
  const auto graph = read_onnx(data("small_integers"));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(std::get<std::vector<std::int8_t>>(graph->initializer("q")->values),
              ElementsAre(-128, 0, 127));
  EXPECT_TRUE(graph->initializer("s")->shape.empty());
}

TEST(ReadOnnx, RefusesOtherBytes) {
  expect_decode_failed({}, "no graph");
  expect_decode_failed(bytes_of("\x89PNG\r\n\x1a\n"), "damaged");
}

TEST(ReadOnnx, RefusesEveryTruncation) {
  const auto whole = data("raw_data");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto graph = read_onnx(std::span(whole).first(n));
    // The operator set stands last; without its number the rest is complete.
    ASSERT_FALSE(graph) << n << " of " << whole.size();
    EXPECT_EQ(graph.error().code, ErrorCode::kDecodeFailed) << n;
  }
}

// ONNX message tags by hand: graph = field 7, initializer = field 5, and so on.
std::string field(int number, std::string_view content) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} +
         std::string(content);
}

std::string with_tensor(std::string_view tensor) {
  return field(7, field(5, tensor)) + field(8, std::string("\x10\x0d", 2));
}

TEST(ReadOnnx, RefusesTensorsThatDoNotHoldWhatTheyClaim) {
  const std::string floats("\x10\x01", 2);  // data_type = FLOAT
  const std::string dim2("\x08\x02", 2);
  expect_decode_failed(bytes_of(with_tensor(dim2 + floats + field(9, "abcd"))), "wrong size");
  expect_decode_failed(bytes_of(with_tensor(dim2 + floats)), "wrong size");
  const std::string huge("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
  expect_decode_failed(bytes_of(with_tensor(huge + huge + floats)), "elements");
  const std::string negative("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
  expect_decode_failed(bytes_of(with_tensor(negative + floats)), "negative");
  // One value of 300 in int32_data of a uint8 tensor.
  expect_decode_failed(
      bytes_of(with_tensor(std::string("\x08\x01\x10\x02", 4) + field(5, "\xac\x02"))), "range");
}

TEST(ReadOnnx, RefusesWeightsOutsideTheFile) {
  const std::string floats("\x08\x01\x10\x01", 4);
  const std::string external("\x70\x01", 2);  // data_location = EXTERNAL
  expect_decode_failed(bytes_of(with_tensor(floats + external)), "another file");
}

TEST(ReadOnnx, NamesWhatItDoesNotSupport) {
  const std::string node = field(2, "y") + field(4, "FusedConv") + field(7, "com.microsoft");
  const auto graph =
      read_onnx(bytes_of(field(7, field(1, node)) + field(8, std::string("\x10\x0d", 2))));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(graph.error().message, HasSubstr("FusedConv"));
}

TEST(WriteOnnx, GivesBackWhatWasRead) {
  for (const std::string_view name : {"raw_data", "attributes", "small_integers"}) {
    const auto graph = read_onnx(data(name));
    ASSERT_TRUE(graph);
    const auto written = write_onnx(*graph);
    ASSERT_TRUE(written);
    const auto again = read_onnx(*written);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->nodes.size(), graph->nodes.size());
    for (std::size_t i = 0; i < graph->nodes.size(); ++i) {
      EXPECT_EQ(again->nodes[i].op, graph->nodes[i].op);
      EXPECT_EQ(again->nodes[i].inputs, graph->nodes[i].inputs);
      EXPECT_EQ(again->nodes[i].attributes.size(), graph->nodes[i].attributes.size());
    }
    for (std::size_t i = 0; i < graph->initializers.size(); ++i) {
      EXPECT_EQ(again->initializers[i].shape, graph->initializers[i].shape);
      EXPECT_EQ(again->initializers[i].values, graph->initializers[i].values);
    }
    EXPECT_EQ(again->inputs.size(), graph->inputs.size());
    EXPECT_EQ(again->outputs[0].shape, graph->outputs[0].shape);
    EXPECT_EQ(write_onnx(*again).value(), *written);
  }
}

TEST(WriteOnnx, RefusesAnInvalidGraph) {
  auto graph = read_onnx(data("raw_data"));
  ASSERT_TRUE(graph);
  graph->nodes[0].inputs[0] = "nowhere";
  const auto written = write_onnx(*graph);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis::graph
