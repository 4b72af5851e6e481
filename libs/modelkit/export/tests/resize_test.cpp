/// Pictures in other sizes, in every format that has them: written, read again, and asked the same
/// as before; and what a format cannot say is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::modelkit {
namespace {

using ::testing::HasSubstr;

constexpr Limits kLimits = {.max_abs = 1e-5, .min_cosine = .999999};

struct Way {
  std::string mode;
  std::string coordinates;
  std::string nearest;
  std::vector<float> scales;
  std::vector<std::int64_t> sizes;
};

/// x [n, 2, 6, 4] and, added to it, its half made large again: as a pyramid of features has it.
graph::Graph pyramid(const Way& way, std::vector<std::int64_t> input = {-1, 2, 6, 4}) {
  graph::Graph graph{.name = "pyramid",
                     .opset = 13,
                     .inputs = {{.name = "x", .shape = input}},
                     .outputs = {{.name = "y", .shape = {input[0], 2, -1, -1}}},
                     .initializers = {},
                     .nodes = {{.op = "MaxPool",
                                .name = {},
                                .inputs = {"x"},
                                .outputs = {"half"},
                                .attributes = {{"kernel_shape", std::vector<std::int64_t>{2, 2}},
                                               {"strides", std::vector<std::int64_t>{2, 2}}}}}};
  std::vector<std::string> inputs = {"half", ""};
  if (!way.scales.empty()) {
    graph.initializers.push_back({.name = "s", .shape = {4}, .values = way.scales});
    inputs.emplace_back("s");
  } else {
    graph.initializers.push_back({.name = "s", .shape = {4}, .values = way.sizes});
    inputs.insert(inputs.end(), {"", "s"});
  }
  graph::Node resize{
      .op = "Resize",
      .name = {},
      .inputs = std::move(inputs),
      .outputs = {"y"},
      .attributes = {{"mode", way.mode}, {"coordinate_transformation_mode", way.coordinates}}};
  if (!way.nearest.empty()) resize.attributes.emplace_back("nearest_mode", way.nearest);
  graph.nodes.push_back(std::move(resize));
  return graph;
}

Result<Comparison> there_and_back(const graph::Graph& graph, const std::string& ending) {
  const Exporter* exporter = exporter_for("net" + ending);
  if (exporter == nullptr) return fail(ErrorCode::kInternal, "there is no exporter for " + ending);
  VISAVIS_TRY(parts, exporter->run(graph, "net"));
  VISAVIS_TRY(inside, inspect(parts));
  VISAVIS_TRY(onnx, import_parts(inside.importer, parts));
  VISAVIS_TRY(again, graph::read_onnx(onnx));
  VISAVIS_TRY(samples, random_samples(graph, 3, 1, 12));
  VISAVIS_TRY(engine, runtime::find_engine("reference"));
  return compare({.graph = &graph, .engine = engine}, {.graph = &again, .engine = engine},
                 std::vector{samples}, kLimits);
}

const std::vector<float> kTwice = {1, 1, 2, 2};

void expect_same(const Way& way, const std::string& ending) {
  SCOPED_TRACE(ending + " " + way.mode + " " + way.coordinates + " " + way.nearest);
  const auto comparison = there_and_back(pyramid(way), ending);
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_TRUE(comparison->equivalent);
}

void expect_refused(const graph::Graph& graph, const std::string& ending,
                    const std::string& message) {
  const auto refused = there_and_back(graph, ending);
  ASSERT_FALSE(refused) << ending;
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported) << refused.error().message;
  EXPECT_THAT(refused.error().message, HasSubstr(message)) << ending;
}

TEST(ResizedPictures, AreTheSameInEveryFormatThatHasThem) {
  for (const char* ending : {".tflite", ".pb", ".savedmodel", ".mlmodel"}) {
    expect_same({"nearest", "asymmetric", "floor", kTwice, {}}, ending);
    // Without halves to be rounded, ONNX's own way is the same.
    expect_same({"nearest", "half_pixel", "round_prefer_floor", kTwice, {}}, ending);
    for (const char* coordinates :
         {"asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners"})
      expect_same({"linear", coordinates, "", kTwice, {}}, ending);
  }
}

TEST(ResizedPictures, ToOtherThanWholeFactors) {
  for (const char* ending : {".tflite", ".pb", ".savedmodel", ".mlmodel"})
    for (const char* coordinates : {"asymmetric", "align_corners"}) {
      const Way way{"linear", coordinates, "", {}, {1, 2, 5, 7}};
      const auto comparison = there_and_back(pyramid(way, {1, 2, 6, 4}), ending);
      ASSERT_TRUE(comparison) << ending << coordinates << comparison.error().message;
      EXPECT_TRUE(comparison->equivalent) << ending << coordinates;
    }
}

TEST(ResizedPictures, OfAnySizeInCoreMl) {
  const auto comparison = there_and_back(
      pyramid({"nearest", "asymmetric", "floor", kTwice, {}}, {-1, 2, -1, -1}), ".mlmodel");
  ASSERT_TRUE(comparison) << comparison.error().message;
  EXPECT_TRUE(comparison->equivalent);
}

TEST(ResizedPictures, AreRefusedWhereAFormatDoesNotHaveThem) {
  const graph::Graph up = pyramid({"nearest", "asymmetric", "ceil", kTwice, {}});
  expect_refused(up, ".tflite", "Resize");
  expect_refused(up, ".pb", "Resize");
  expect_refused(up, ".mlmodel", "Resize");
  const graph::Graph halves = pyramid({"linear", "half_pixel", "", {}, {1, 2, 5, 7}}, {1, 2, 6, 4});
  expect_refused(halves, ".mlmodel", "whole factors");
  expect_refused(pyramid({"nearest", "asymmetric", "floor", kTwice, {}}), ".prototxt", "Resize");
}

}  // namespace
}  // namespace visavis::modelkit
