/// Weights of 16 bits in every format that has them: written, read again, and asked the same.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/openvino_ir.hpp>

namespace visavis::modelkit {
namespace {

using testing::HasSubstr;
using Shape = graph::Shape;
using Floats = std::vector<float>;

const runtime::Engine& reference() { return **runtime::find_engine("reference"); }

class Net {
 public:
  Net() {
    graph_.name = "net";
    graph_.inputs = {{.name = "x", .shape = {-1, 4, 6, 6}}};
    graph_.outputs = {{.name = "y", .shape = {-1, 8}}};
  }

  /// As even as noise, from -1 to 1.
  std::string weights(Shape shape) {
    Floats values(*graph::element_count(shape));
    for (float& value : values) {
      state_ = 1664525U * state_ + 1013904223U;
      value = static_cast<float>(state_ >> 8U) / static_cast<float>(1U << 23U) - 1;
    }
    const std::string name = "w" + std::to_string(graph_.initializers.size());
    graph_.initializers.push_back(
        {.name = name, .shape = std::move(shape), .values = std::move(values)});
    return name;
  }

  void op(const std::string& op, std::vector<std::string> inputs, const std::string& output,
          std::vector<std::pair<std::string, graph::Attribute>> attributes = {}) {
    graph_.nodes.push_back({.op = op,
                            .name = output,
                            .inputs = std::move(inputs),
                            .outputs = {output},
                            .attributes = std::move(attributes)});
  }

  graph::Graph done() { return std::move(graph_); }

 private:
  graph::Graph graph_;
  std::uint32_t state_ = 7;
};

/// A convolution, one of each channel by itself, and rows times a matrix.
graph::Graph network() {
  Net net;
  net.op("Conv", {"x", net.weights({32, 4, 3, 3}), net.weights({32})}, "conv",
         {{"pads", Shape{1, 1, 1, 1}}});
  net.op("PRelu", {"conv", net.weights({32, 1, 1})}, "slope");
  net.op("Conv", {"slope", net.weights({32, 1, 3, 3}), net.weights({32})}, "depthwise",
         {{"group", std::int64_t{32}}});
  net.op("Flatten", {"depthwise"}, "row");
  net.op("Gemm", {"row", net.weights({8, 512}), net.weights({8})}, "y",
         {{"transB", std::int64_t{1}}});
  return net.done();
}

graph::Graph halved() { return graph::halve_weights(network())->graph; }

std::size_t bytes_of(const std::vector<Part>& parts) {
  return std::accumulate(parts.begin(), parts.end(), std::size_t{0},
                         [](std::size_t sum, const Part& part) { return sum + part.bytes.size(); });
}

class HalvesIn : public ::testing::TestWithParam<const char*> {};

TEST_P(HalvesIn, AreReadAgainAsTheyWere) {
  const Exporter* exporter = exporter_for(std::string("net") + GetParam());
  ASSERT_NE(exporter, nullptr);
  const graph::Graph source = halved();
  const auto wide = exporter->run(network(), "net");
  const auto parts = exporter->run(source, "net");
  ASSERT_TRUE(wide && parts) << (parts ? "" : parts.error().message);
  // Three constants of 1152, 288 and 4096 numbers take two bytes less each; names and operators
  // more.
  EXPECT_LT(bytes_of(*parts), bytes_of(*wide) - 2 * (1152 + 288 + 4096) + 1200);

  const auto inside = inspect(*parts);
  ASSERT_TRUE(inside) << inside.error().message;
  const auto onnx = import_parts(inside->importer, *parts);
  ASSERT_TRUE(onnx) << onnx.error().message;
  const auto again = graph::read_onnx(*onnx);
  ASSERT_TRUE(again) << again.error().message;
  const auto samples = random_samples(source, 3, 1, 6);
  ASSERT_TRUE(samples);
  const auto same = compare({.graph = &source, .engine = &reference()},
                            {.graph = &*again, .engine = &reference()}, std::vector{*samples},
                            {.max_abs = 2e-5, .min_cosine = .999999});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(same->equivalent) << same->judgements[0].outputs[0].max_abs;
  // The limits tell halves from what they were made of.
  const graph::Graph original = network();
  const auto other = compare({.graph = &original, .engine = &reference()},
                             {.graph = &*again, .engine = &reference()}, std::vector{*samples},
                             {.max_abs = 2e-5, .min_cosine = .999999});
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->equivalent);
}

INSTANTIATE_TEST_SUITE_P(Formats, HalvesIn,
                         ::testing::Values(".onnx", ".mlmodel", ".savedmodel", ".pb", ".tflite"));

TEST(Halves, AreRefusedWhereTheFormatHasNone) {
  for (const auto& [name, says] :
       {std::pair{"net.prototxt", "no weights of 16 bits"}, {"net.tensorrt", "--fp16"}}) {
    const auto parts = exporter_for(name)->run(halved(), "net");
    ASSERT_FALSE(parts) << name;
    EXPECT_EQ(parts.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(parts.error().message, HasSubstr(says));
  }
}

TEST(Halves, AreWidenedBeforeANetworkIsSimplified) {
  const graph::Graph simple = simplify(halved(), reference());
  EXPECT_FALSE(graph::has_halves(simple));
  for (const graph::Node& node : simple.nodes) EXPECT_NE(node.op, "Cast");
}

/// Also by the libraries, which get the file as it is.
TEST(Halves, AreRunByEveryEngine) {
  const graph::Graph source = halved();
  const graph::Graph wide = graph::widen_halves(source);
  const auto samples = random_samples(source, 3, 1, 6);
  ASSERT_TRUE(samples);
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
    const auto same =
        compare({.graph = &wide, .engine = &reference()},
                {.graph = &source, .engine = entry.engine}, std::vector{*samples}, {});
    ASSERT_TRUE(same) << entry.name << ": " << same.error().message;
    EXPECT_TRUE(same->equivalent) << entry.name;
  }
}

TEST(Halves, AreWrittenForOpenVino) {
  const graph::Graph source = halved();
  const auto ir = runtime::to_openvino_ir(*graph::write_onnx(source));
  const auto wide = runtime::to_openvino_ir(*graph::write_onnx(network()));
  if (!ir && ir.error().code == ErrorCode::kUnsupported) GTEST_SKIP() << ir.error().message;
  ASSERT_TRUE(ir && wide) << (ir ? "" : ir.error().message);
  EXPECT_EQ(ir->weights.size() + std::size_t{2} * (1152 + 288 + 4096), wide->weights.size());
  EXPECT_THAT(ir->xml, HasSubstr("<attribute name=\"decompression\" version=\"0\""));
  const auto model = runtime::load_openvino_ir(*ir, {});
  ASSERT_TRUE(model) << model.error().message;
  const auto samples = random_samples(source, 3, 1, 6);
  const auto same = compare({.graph = &source, .engine = &reference()}, {.model = *model},
                            std::vector{*samples}, {});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(same->equivalent);
}

}  // namespace
}  // namespace visavis::modelkit
