/// Core ML's files, written with coremltools by tests/data/make_coreml_samples.py, against an
/// interpreter of its layers.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>

#include "answers.hpp"

namespace visavis::modelkit {
namespace {

using namespace testing;

constexpr const char* kFormat = "coreml";  ///< Also the importer.
constexpr double kTolerance = 2e-6;

std::vector<Part> net(const std::string& name) { return parts_of(kFormat, name + ".mlmodel"); }

TEST(CoreMl, AnswersAsTheInterpreterDoesOnEveryEngine) {
  const nlohmann::json all = answers(kFormat);
  ASSERT_EQ(all["cases"].size(), 6U);
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    const auto engine = runtime::find_engine(entry.name);
    if (!engine) continue;
    for (const auto& each : all["cases"]) {
      const auto onnx = import_parts(kFormat, net(each["net"]));
      ASSERT_TRUE(onnx) << each["net"] << onnx.error().message;
      if (lacks_an_operator(**engine, *onnx, each)) continue;
      EXPECT_LE(distance(**engine, *onnx, each), kTolerance) << each["net"] << entry.name;
    }
  }
}

std::string bytes(const std::vector<unsigned>& given) {
  std::string out;
  for (const unsigned byte : given) out += static_cast<char>(byte);
  return out;
}

/// Fields of the file, written otherwise: keys are field number * 8 + wire type.
TEST(CoreMl, AnyMistakeWouldShow) {
  struct Mistake {
    const char* net;
    std::string from;
    std::string to;
  };
  const std::vector<Mistake> mistakes = {
      // batchnorm: epsilon (10) 1e-3 as a float, then 2e-3
      {"old", bytes({0x55, 0x6f, 0x12, 0x83, 0x3a}), bytes({0x55, 0x6f, 0x12, 0x03, 0x3b})},
      // convolution: the heavy side of SAME
      {"windows", bytes({0x9a, 0x03, 0x02, 0x08, 0x01}), bytes({0x9a, 0x03, 0x02, 0x08, 0x00})},
      // l2normalize: epsilon (1) 5, then 10
      {"windows", bytes({0x0d, 0x00, 0x00, 0xa0, 0x40}), bytes({0x0d, 0x00, 0x00, 0x20, 0x41})},
      // leakyReLU (15): alpha .2, then .4
      {"functions", bytes({0x7a, 0x05, 0x0d, 0xcd, 0xcc, 0x4c, 0x3e}),
       bytes({0x7a, 0x05, 0x0d, 0xcd, 0xcc, 0xcc, 0x3e})},
      // transpose (985): axes 0 2 3 1, then 0 3 2 1
      {"shapes", bytes({0x0a, 0x04, 0x00, 0x02, 0x03, 0x01}),
       bytes({0x0a, 0x04, 0x00, 0x03, 0x02, 0x01})},
      // the picture's colours (3): BGR, then RGB
      {"picture", bytes({0x18, 30}), bytes({0x18, 20})},
      // constantPad (1155): amounts
      {"shapes", bytes({0x12, 0x08, 0, 0, 1, 0, 0, 2, 1, 1}),
       bytes({0x12, 0x08, 0, 0, 0, 1, 0, 2, 1, 1})},
  };
  const runtime::Engine& engine = **runtime::find_engine("reference");
  for (const Mistake& mistake : mistakes) {
    const auto onnx = import_parts(kFormat, changed(net(mistake.net), 0, mistake.from, mistake.to));
    ASSERT_TRUE(onnx) << onnx.error().message;
    EXPECT_GT(distance(engine, *onnx, asked(kFormat, mistake.net)), 10 * kTolerance) << mistake.net;
  }
}

TEST(CoreMl, InspectionTellsLayers) {
  const auto found = inspect(net("old"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->format, "Core ML");
  EXPECT_EQ(found->importer, "coreml");
  EXPECT_EQ(found->operators.at("pooling"), 2U);
  ASSERT_EQ(found->inputs.size(), 1U);
  EXPECT_EQ(found->inputs[0].shape, (std::vector<std::int64_t>{3, 9, 8}));
}

/// Which the files leave out; by what the interpreter gave. Those of one pooling, whose windows may
/// hang over, are not known beforehand.
TEST(CoreMl, InspectionTellsShapesOfOutputs) {
  const nlohmann::json all = answers(kFormat);
  ASSERT_EQ(all["cases"].size(), 6U);
  int unknown = 0;
  for (const auto& each : all["cases"]) {
    const std::string name = each["net"];
    const bool speaks_of_batches = name != "old" && name != "halves" && name != "picture";
    const auto found = inspect(net(name));
    ASSERT_TRUE(found) << name << found.error().message;
    ASSERT_EQ(found->outputs.size(), each["outputs"].size()) << name;
    for (std::size_t i = 0; i < found->outputs.size(); ++i) {
      const auto& told = found->outputs[i].shape;
      auto wanted = each["outputs"][i]["shape"].get<std::vector<std::int64_t>>();
      if (!speaks_of_batches) wanted.erase(wanted.begin());
      ASSERT_EQ(told.size(), wanted.size()) << name << ' ' << i;
      for (std::size_t axis = 0; axis < told.size(); ++axis) {
        if (told[axis] < 0)
          ++unknown;
        else
          EXPECT_EQ(told[axis], wanted[axis]) << name << ' ' << i;
      }
    }
  }
  EXPECT_EQ(unknown, 2);
}

/// The first versions speak of no batch: it is free.
TEST(CoreMl, TakesAnyBatchInTheOldForm) {
  const auto onnx = import_parts(kFormat, net("old"));
  const auto graph = graph::read_onnx(*onnx);
  EXPECT_EQ(graph->inputs[0].shape, (std::vector<std::int64_t>{-1, 3, 9, 8}));
  EXPECT_EQ(graph->outputs.size(), 2U);
}

/// An output of one dimension that the network has as channels × 1 × 1: "all", which "times" reads.
TEST(CoreMl, CallsARowAsTheNetworkDoes) {
  std::vector<Part> parts = net("old");
  // The description (2) gets an output (10) of that name whose array (3, 5) has the shape (1) 4.
  const std::string more =
      bytes({0x12, 14, 0x52, 12, 0x0a, 3, 'a', 'l', 'l', 0x1a, 5, 0x2a, 3, 0x0a, 1, 4});
  const auto added = std::as_bytes(std::span(more));
  parts[0].bytes.insert(parts[0].bytes.end(), added.begin(), added.end());
  const auto onnx = import_parts(kFormat, parts);
  ASSERT_TRUE(onnx) << onnx.error().message;
  const auto graph = graph::read_onnx(*onnx);
  ASSERT_EQ(graph->outputs.size(), 3U);
  EXPECT_EQ(graph->outputs[2].name, "all");
  EXPECT_EQ(graph->outputs[2].shape, (std::vector<std::int64_t>{-1, 4}));
  EXPECT_EQ(graph->nodes.back().op, "Flatten");
  const auto times = std::ranges::find(graph->nodes, "times", &graph::Node::name);
  ASSERT_NE(times, graph->nodes.end());
  EXPECT_EQ(times->inputs[1], graph->nodes.back().inputs[0]);
}

Part part(const std::string& text) {
  const auto all = std::as_bytes(std::span(text));
  return {.name = "net.mlmodel", .bytes = {all.begin(), all.end()}};
}

/// Version 7 with a description, and in place of a network an ML Program (502) or a pipeline (202).
TEST(CoreMl, SaysWhatItIsThatItDoesNotRead) {
  const std::string head = bytes({0x08, 7, 0x12, 0});
  for (const auto& [text, wanted] :
       {std::pair{head + bytes({0xb2, 0x1f, 0}), "ML Programs"},
        std::pair{head + bytes({0xd2, 0x0c, 0}), "pipelines"},
        // neuralNetwork (500) with a layer (1) of the kind mvn (165)
        std::pair{head + bytes({0xa2, 0x1f, 5, 0x0a, 3, 0xaa, 0x0a, 0}), "kind 165"}}) {
    const std::vector<Part> parts = {part(text)};
    const auto onnx = import_parts(kFormat, parts);
    ASSERT_FALSE(onnx);
    EXPECT_EQ(onnx.error().code, ErrorCode::kUnsupported);
    EXPECT_NE(onnx.error().message.find(wanted), std::string::npos) << onnx.error().message;
    const auto inside = inspect(parts);
    ASSERT_TRUE(inside);
    EXPECT_EQ(inside->format, "Core ML");
  }
}

TEST(CoreMl, RefusesDamage) {
  const std::vector<Part> whole = net("shapes");
  for (std::size_t length = 1; length < whole[0].bytes.size(); length += 29) {
    std::vector<Part> parts = whole;
    parts[0].bytes.resize(length);
    EXPECT_FALSE(import_parts(kFormat, parts)) << length;
  }
  EXPECT_EQ(import_parts(kFormat, std::vector{part("")}).error().code, ErrorCode::kUnsupported);
  // A convolution's outputs (field 1 of 100): six, then seven.
  const auto other = import_parts(
      kFormat, changed(net("windows"), 0, bytes({0x08, 6, 0x10, 4}), bytes({0x08, 7, 0x10, 4})));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::kModelMismatch) << other.error().message;
}

}  // namespace
}  // namespace visavis::modelkit
