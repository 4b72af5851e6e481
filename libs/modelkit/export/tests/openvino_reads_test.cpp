/// What we write, read and run by others: OpenVINO has readers of its own for TensorFlow Lite and
/// TensorFlow.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <openvino/openvino.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/openvino_ir.hpp>
#include <visavis/tests/farther.hpp>

#include "model_store.hpp"

namespace visavis::modelkit {
namespace {

namespace fs = std::filesystem;

/// [1, c, h, w] to [1, h, w, c], or back.
std::vector<float> turned(const std::vector<float>& values, const std::vector<std::int64_t>& from,
                          const std::array<std::size_t, 4>& order) {
  std::array<std::size_t, 4> steps{1, 1, 1, 1};
  for (std::size_t i = 3; i > 0; --i) steps[i - 1] = steps[i] * static_cast<std::size_t>(from[i]);
  std::vector<float> out;
  const auto side = [&](std::size_t i) { return static_cast<std::size_t>(from[order[i]]); };
  for (std::size_t b = 0; b < side(1); ++b)
    for (std::size_t c = 0; c < side(2); ++c)
      for (std::size_t d = 0; d < side(3); ++d)
        out.push_back(values[b * steps[order[1]] + c * steps[order[2]] + d * steps[order[3]]]);
  return out;
}

struct Distance {
  double max_abs = 0;
  double cosine = 1;  ///< The least of the outputs'.
};

/// Between ONNX in the reference engine and the exported file in OpenVINO.
Distance difference(const graph::Graph& graph, const fs::path& exported) {
  const auto samples = random_samples(graph, 1, 7, 48);
  EXPECT_TRUE(samples) << samples.error().message;
  const runtime::Tensor& x = samples->samples[0][0];
  const auto onnx = graph::write_onnx(graph);
  const auto model = (*runtime::find_engine("reference"))->load(*onnx, {});
  EXPECT_TRUE(model) << model.error().message;
  const auto session = (*model)->session();
  const runtime::TensorView view{.type = x.type, .shape = x.shape, .bytes = x.bytes};
  const auto expected = (*session)->run({&view, 1});
  EXPECT_TRUE(expected) << expected.error().message;

  ov::Core core;
  const auto read = core.read_model(exported.string());
  const std::vector<float> first{x.floats().begin(), x.floats().end()};
  const bool is_picture = x.shape.size() == 4;
  std::vector<float> input = is_picture ? turned(first, x.shape, {0, 2, 3, 1}) : first;
  ov::Shape shape(x.shape.begin(), x.shape.end());
  if (is_picture) shape = {shape[0], shape[2], shape[3], shape[1]};
  read->reshape(ov::PartialShape(shape));
  auto compiled = core.compile_model(read, "CPU", ov::hint::inference_precision(ov::element::f32));
  auto request = compiled.create_infer_request();
  request.set_input_tensor(ov::Tensor(ov::element::f32, shape, input.data()));
  request.infer();
  Distance apart;
  EXPECT_EQ(compiled.outputs().size(), expected->size());
  for (std::size_t i = 0; i < std::min(compiled.outputs().size(), expected->size()); ++i) {
    // A SavedModel's signature has no order, and the nodes of a frozen graph have none either.
    const std::string name = graph.outputs[i].name + (exported.extension() == ".pb" ? ":0" : "");
    const bool is_named = std::ranges::any_of(
        compiled.outputs(), [&](const auto& output) { return output.get_names().contains(name); });
    const ov::Tensor tensor = is_named ? request.get_tensor(name) : request.get_output_tensor(i);
    std::vector<float> actual(tensor.data<float>(), tensor.data<float>() + tensor.get_size());
    const auto& wanted = (*expected)[i];
    if (wanted.shape.size() == 4) {
      const auto& s = wanted.shape;
      actual = turned(actual, {s[0], s[2], s[3], s[1]}, {0, 3, 1, 2});
    }
    EXPECT_EQ(actual.size(), wanted.floats().size());
    if (actual.size() != wanted.floats().size()) continue;
    for (std::size_t k = 0; k < actual.size(); ++k)
      apart.max_abs = tests::farther(apart.max_abs,
                                     static_cast<double>(std::abs(actual[k] - wanted.floats()[k])));
    apart.cosine = std::min(apart.cosine, cosine(actual, wanted.floats()));
  }
  return apart;
}

class OpenVinoReads : public testing::TestWithParam<const char*> {};

bool in_steps(const graph::Graph& graph) {
  return std::ranges::any_of(graph.nodes,
                             [](const graph::Node& node) { return node.op == "QuantizeLinear"; });
}

/// What `suffix` names, of every network in the store.
void expect_all_read(const std::string& suffix, bool halves) {
  const std::vector<fs::path> paths = networks();
  if (paths.empty()) GTEST_SKIP() << "the model store is empty; visavis models fetch fills it";
  std::string folder = (fs::temp_directory_path() / "visavis-export-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const Exporter* exporter = exporter_for("x" + suffix);
  ASSERT_NE(exporter, nullptr);
  for (const fs::path& path : paths) {
    const auto bytes = read_file(path, std::uint64_t{1} << 30U);
    ASSERT_TRUE(bytes);
    const auto original = graph::read_onnx(*bytes);
    if (!original) continue;  // what is kept beside the networks
    const auto engine = runtime::find_engine("reference");
    graph::Graph graph = simplify(*original, **engine);
    const bool steps = in_steps(graph);
    if (steps && (halves || suffix != ".tflite")) continue;  // the others have no steps
    if (halves) {
      auto halved = graph::halve_weights(std::move(graph));
      ASSERT_TRUE(halved) << path << ": " << halved.error().message;
      EXPECT_GT(halved->tensors, 0U) << path;
      graph = std::move(halved->graph);
    }
    const auto parts = exporter->run(graph, "network");
    ASSERT_TRUE(parts) << path << ": " << parts.error().message;
    const fs::path place = fs::path(folder) / (exporter->is_folder ? "network.savedmodel" : "");
    for (const Part& part : *parts) ASSERT_TRUE(write_file(place / part.name, part.bytes));
    const fs::path file = exporter->is_folder ? place : place / (*parts)[0].name;
    const Distance apart = difference(graph, file);
    // What is half-way between two steps goes either way, and weighs more in what follows.
    EXPECT_GE(apart.cosine, steps ? .98 : .999999) << path;
    if (steps) continue;
    EXPECT_LE(apart.max_abs, 1e-4) << path;
  }
  fs::remove_all(folder);
}

TEST_P(OpenVinoReads, WhatWeWrite) { expect_all_read(GetParam(), false); }

TEST_P(OpenVinoReads, WeightsInHalves) { expect_all_read(GetParam(), true); }

/// Converts that its readers take for those of compressed weights.
std::size_t compressed(const ov::Model& model) {
  std::size_t count = 0;
  for (const auto& node : model.get_ordered_ops())
    count += std::string(node->get_type_name()) == "Convert" &&
             node->get_rt_info().contains("decompression_0");
  return count;
}

// Its own writer leaves the same note, which its reader finds in both files.
TEST(OpenVinoReadsItsOwnForm, WithHalvesAsItsWriterHasThem) {
  graph::Graph graph{
      .name = "product",
      .opset = 13,
      .inputs = {{.name = "x", .shape = {-1, 32}}},
      .outputs = {{.name = "y", .shape = {-1, 32}}},
      .initializers = {{.name = "w", .shape = {32, 32}, .values = std::vector<float>(1024, .1F)}},
      .nodes = {
          {.op = "MatMul", .name = "y", .inputs = {"x", "w"}, .outputs = {"y"}, .attributes = {}}}};
  std::string folder = (fs::temp_directory_path() / "visavis-halves-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const fs::path place(folder);
  ASSERT_TRUE(write_file(place / "net.onnx", *graph::write_onnx(graph)));
  ov::Core core;
  ov::save_model(core.read_model((place / "net.onnx").string()), (place / "its.xml").string(),
                 true);
  EXPECT_EQ(compressed(*core.read_model((place / "its.xml").string())), 1U);

  const auto halved = graph::halve_weights(std::move(graph));
  ASSERT_TRUE(halved);
  const auto ir = runtime::to_openvino_ir(*graph::write_onnx(halved->graph));
  ASSERT_TRUE(ir) << ir.error().message;
  ASSERT_TRUE(write_file(place / "ours.xml", std::as_bytes(std::span(ir->xml))));
  ASSERT_TRUE(write_file(place / "ours.bin", ir->weights));
  EXPECT_EQ(compressed(*core.read_model((place / "ours.xml").string())), 1U);
  EXPECT_EQ(fs::file_size(place / "ours.bin"), fs::file_size(place / "its.bin"));
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Formats, OpenVinoReads, testing::Values(".tflite", ".pb", ".savedmodel"));

}  // namespace
}  // namespace visavis::modelkit
