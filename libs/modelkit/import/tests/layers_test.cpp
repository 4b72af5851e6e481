/// Layers that Keras exports in a way of its own: networks that TensorFlow wrote in
/// tests/data/make_layers_samples.py, against its answers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>

#include "answers.hpp"
#include "channels_first.hpp"

namespace visavis::modelkit {
namespace {

using namespace testing;

Result<std::vector<std::byte>> import(const std::string& net) {
  return import_parts(net.ends_with(".pb") ? "tensorflow" : "tflite", parts_of("layers", net));
}

TEST(KerasLayers, AreWhatTensorflowMakesOfThem) {
  constexpr double kTolerance = 5e-6;
  const nlohmann::json all = answers("layers");
  ASSERT_EQ(all["cases"].size(), 4U);
  for (const auto& each : all["cases"]) {
    const auto net = each["net"].get<std::string>();
    const auto onnx = import(net);
    ASSERT_TRUE(onnx) << net << ": " << onnx.error().message;
    for (const runtime::EngineEntry& entry : runtime::engines()) {
      const auto engine = runtime::find_engine(entry.name);
      if (!engine || lacks_an_operator(**engine, *onnx, each)) continue;
      EXPECT_LE(distance(**engine, *onnx, each), kTolerance) << net << " " << entry.name;
    }
  }
}

/// A frozen graph does not hold them; channels come last.
TEST(KerasLayers, InspectionTellsShapesOfOutputs) {
  const auto found = inspect(parts_of("layers", "frozen.pb"));
  ASSERT_TRUE(found) << found.error().message;
  std::vector<Shape> told;
  for (const TensorFacts& output : found->outputs) told.push_back(output.shape);
  std::vector<Shape> answered;
  const nlohmann::json asked_of = asked("layers", "frozen.pb");
  for (const auto& each : asked_of["outputs"]) {
    const auto shape = each["shape"].get<Shape>();
    answered.push_back({-1, shape[2], shape[3], shape[1]});
  }
  EXPECT_EQ(told, answered);
}

TEST(KerasLayers, BecomeOneOperatorEach) {
  for (const char* net : {"frozen.pb", "lite.tflite"}) {
    const auto onnx = import(net);
    ASSERT_TRUE(onnx) << onnx.error().message;
    const auto graph = graph::read_onnx(*onnx);
    ASSERT_TRUE(graph) << graph.error().message;
    int transposed = 0;
    std::vector<Shape> dilations;
    for (const graph::Node& node : graph->nodes) {
      transposed += node.op == "ConvTranspose" ? 1 : 0;
      if (node.op == "Conv") dilations.push_back(node.get_or("dilations", Shape{}));
    }
    EXPECT_EQ(transposed, 4) << net;
    EXPECT_THAT(dilations, ::testing::UnorderedElementsAre(Shape{2, 2}, Shape{2, 3}, Shape{2, 2}))
        << net;
  }
}

/// 3 rows of 2 steps give 6 with SAME, of which a window of 3 hangs over by one; 5 would be as many
/// steps, too, but 7 or 4 are those of other windows.
TEST(KerasLayers, SizesGoWithTheWindows) {
  ChannelsFirst network("net");
  const auto x = network.input("x", {-1, 3, 3, 1});
  const auto open = network.input("open", {-1, -1, -1, 1});
  ASSERT_TRUE(x && open);
  const Constant kernel{.name = "k", .shape = {1, 1, 3, 3}, .values = std::vector<float>(9, 1.F)};
  const auto fits = [&](ChannelsFirst::Id from, const Shape& size, ChannelsFirst::Padding padding) {
    const auto made = network.transposed_convolution(
        "y", from, kernel, {}, {.padding = padding, .stride_h = 2, .stride_w = 2}, size);
    EXPECT_TRUE(made || made.error().code == ErrorCode::kUnsupported);
    return made.has_value();
  };
  using enum ChannelsFirst::Padding;
  EXPECT_TRUE(fits(*x, {6, 6}, kSame));
  EXPECT_TRUE(fits(*x, {5, 6}, kSame));
  EXPECT_FALSE(fits(*x, {4, 6}, kSame));
  EXPECT_TRUE(fits(*x, {7, 8}, kValid));
  EXPECT_FALSE(fits(*x, {6, 7}, kValid));
  EXPECT_FALSE(fits(*x, {9, 7}, kValid));
  EXPECT_FALSE(fits(*x, {std::int64_t{1} << 40, 7}, kValid));
  EXPECT_FALSE(fits(*x, {7}, kValid));
  EXPECT_FALSE(fits(*open, {7, 7}, kValid));
}

}  // namespace
}  // namespace visavis::modelkit
