/// Pictures in other sizes: networks that the software of each format wrote in
/// tests/data/make_resize_samples.py, against its answers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
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
using ::testing::HasSubstr;

constexpr double kTolerance = 5e-6;

std::string importer_of(const std::string& net) {
  if (net.ends_with(".pb")) return "tensorflow";
  if (net.ends_with(".mlmodel")) return "coreml";
  return net.ends_with(".tflite") ? "tflite" : "openvino";
}

Result<std::vector<std::byte>> import(const std::string& net, const std::vector<Part>& parts) {
  return import_parts(importer_of(net), parts);
}

nlohmann::json asked(const std::string& net) {
  const nlohmann::json all = answers("resize");
  for (const auto& each : all["cases"])
    if (each["net"] == net) return each;
  ADD_FAILURE() << net;
  return {};
}

TEST(ResizedPictures, AreWhatTheirOwnSoftwareMakesOfThem) {
  const nlohmann::json all = answers("resize");
  ASSERT_EQ(all["cases"].size(), 5U);
  for (const auto& each : all["cases"]) {
    const auto net = each["net"].get<std::string>();
    const auto onnx = import(net, parts_of("resize", net));
    ASSERT_TRUE(onnx) << net << ": " << onnx.error().message;
    for (const runtime::EngineEntry& entry : runtime::engines()) {
      const auto engine = runtime::find_engine(entry.name);
      // TensorFlow Lite has not all that OpenVINO has.
      if (!engine || (entry.name == "tflite" && net.ends_with(".xml"))) continue;
      const auto tensors = ask(**engine, *onnx, each);
      ASSERT_TRUE(tensors) << net << " " << entry.name << ": " << tensors.error().message;
      EXPECT_LE(distance(**engine, *onnx, each), kTolerance) << net << " " << entry.name;
    }
  }
}

TEST(ResizedPictures, AnyMistakeWouldShow) {
  const runtime::Engine& reference = **runtime::find_engine("reference");
  const auto wrong = [&](const std::string& net, const std::string& attribute,
                         const std::string& from, const std::string& to) {
    const auto onnx = import(net, parts_of("resize", net));
    ASSERT_TRUE(onnx) << onnx.error().message;
    graph::Graph graph = *graph::read_onnx(*onnx);
    std::size_t changed = 0;
    for (graph::Node& node : graph.nodes)
      for (auto& [name, value] : node.attributes)
        if (auto* text = std::get_if<std::string>(&value);
            name == attribute && text != nullptr && *text == from && changed++ == 0)
          *text = to;
    ASSERT_GT(changed, 0U) << net << " " << attribute << " " << from;
    const auto other = graph::write_onnx(graph);
    ASSERT_TRUE(other);
    EXPECT_GT(distance(reference, *other, asked(net)), .01) << net << " " << from << " " << to;
  };
  const std::string coordinates = "coordinate_transformation_mode";
  for (const char* net : {"frozen.pb", "lite.tflite", "sizes.xml"}) {
    wrong(net, coordinates, "half_pixel", "asymmetric");
    wrong(net, coordinates, "asymmetric", "half_pixel");
    wrong(net, coordinates, "align_corners", "half_pixel");
    wrong(net, "mode", "linear", "nearest");
    wrong(net, "nearest_mode", "floor", "round_prefer_ceil");
    wrong(net, "nearest_mode", "round_prefer_ceil", "floor");
  }
  wrong("layers.mlmodel", coordinates, "half_pixel", "asymmetric");
  wrong("layers.mlmodel", coordinates, "align_corners", "half_pixel");
  wrong("layers.mlmodel", "nearest_mode", "floor", "ceil");
  wrong("scales.xml", "nearest_mode", "round_prefer_floor", "floor");
  wrong("scales.xml", "nearest_mode", "ceil", "round_prefer_floor");
}

TEST(ResizedPictures, WhatOnnxDoesNotHaveIsNamed) {
  const auto refused = [](const std::string& from, const std::string& to) {
    const auto onnx = import("sizes.xml", changed(parts_of("resize", "sizes.xml"), 0, from, to));
    EXPECT_FALSE(onnx) << to;
    if (onnx) return std::string();
    EXPECT_EQ(onnx.error().code, ErrorCode::kUnsupported);
    return onnx.error().message;
  };
  EXPECT_THAT(refused("mode=\"linear_onnx\"", "mode=\"cubic\"      "), HasSubstr("Interpolate"));
  EXPECT_THAT(refused("antialias=\"false\"", "antialias=\"true\" "), HasSubstr("antialiasing"));
  EXPECT_THAT(refused("pads_begin=\"0, 0, 0, 0", "pads_begin=\"0, 0, 1, 0"), HasSubstr("padding"));
  EXPECT_THAT(refused("version=\"opset11\"", "version=\"opset1\" "), HasSubstr("operation set 4"));
}

TEST(ResizedPictures, SizesMakeSense) {
  ChannelsFirst network("net");
  const auto x = network.input("x", {-1, 4, 6, 2});
  const auto open = network.input("open", {-1, -1, -1, 2});
  ASSERT_TRUE(x && open);
  const auto code = [&](ChannelsFirst::Id from, const Shape& size,
                        const ChannelsFirst::Resizing& how) {
    const auto made = network.resize("y", from, size, how);
    return made ? ErrorCode::kInternal : made.error().code;
  };
  EXPECT_EQ(code(*x, {8, 12}, {}), ErrorCode::kInternal);  // which is well
  EXPECT_EQ(code(*x, {8}, {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(*x, {0, 12}, {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(*x, {-8, 12}, {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(*x, {std::int64_t{1} << 40U, 12}, {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(*x, {1 << 20, 1 << 20}, {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(*open, {8, 12}, {}), ErrorCode::kUnsupported);
  EXPECT_EQ(code(*x, {8, 12}, {.align_corners = true, .half_pixel_centers = true}),
            ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace visavis::modelkit
