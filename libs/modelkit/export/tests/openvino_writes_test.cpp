/// What OpenVINO writes of every network in the model store, read by us: the same network.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <openvino/openvino.hpp>
#include <string>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/tests/farther.hpp>

#include "model_store.hpp"

namespace visavis::modelkit {
namespace {

namespace fs = std::filesystem;

using Answers = std::vector<std::vector<float>>;

Answers by_reference(const std::vector<std::byte>& onnx, const runtime::Tensor& x) {
  const auto model = (*runtime::find_engine("reference"))->load(onnx, {});
  EXPECT_TRUE(model) << model.error().message;
  if (!model) return {};
  const auto session = (*model)->session();
  const runtime::TensorView view{.type = x.type, .shape = x.shape, .bytes = x.bytes};
  const auto outputs = (*session)->run({&view, 1});
  EXPECT_TRUE(outputs) << outputs.error().message;
  Answers out;
  if (outputs)
    for (const runtime::Tensor& tensor : *outputs)
      out.emplace_back(tensor.floats().begin(), tensor.floats().end());
  return out;
}

Answers by_openvino(const fs::path& ir, const runtime::Tensor& x) {
  ov::Core core;
  auto compiled = core.compile_model(core.read_model(ir.string()), "CPU",
                                     ov::hint::inference_precision(ov::element::f32));
  auto request = compiled.create_infer_request();
  std::vector<float> input(x.floats().begin(), x.floats().end());
  request.set_input_tensor(
      ov::Tensor(ov::element::f32, ov::Shape(x.shape.begin(), x.shape.end()), input.data()));
  request.infer();
  Answers out;
  for (std::size_t i = 0; i < compiled.outputs().size(); ++i) {
    const ov::Tensor tensor = request.get_output_tensor(i);
    out.emplace_back(tensor.data<float>(), tensor.data<float>() + tensor.get_size());
  }
  return out;
}

double distance(const Answers& a, const Answers& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    EXPECT_EQ(a[i].size(), b[i].size());
    for (std::size_t k = 0; k < std::min(a[i].size(), b[i].size()); ++k)
      most = tests::farther(most, std::abs(double{a[i][k]} - double{b[i][k]}));
  }
  return a.empty() ? 1 : most;
}

class OpenVinoWrites : public testing::TestWithParam<bool> {};

/// With weights of 32 bits it is the original; with weights of 16 bits it is what OpenVINO runs.
TEST_P(OpenVinoWrites, WhatWeRead) {
  const bool halves = GetParam();
  const std::vector<fs::path> paths = networks();
  if (paths.empty()) GTEST_SKIP() << "the model store is empty; visavis models fetch fills it";
  std::string folder = (fs::temp_directory_path() / "visavis-ir-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::size_t compared = 0;
  for (const fs::path& path : paths) {
    const auto bytes = read_file(path, std::uint64_t{1} << 30U);
    ASSERT_TRUE(bytes);
    const auto original = graph::read_onnx(*bytes);
    if (!original) continue;  // what is kept beside the networks
    // What is half-way between two steps goes either way, and weighs more in what follows.
    if (std::ranges::any_of(original->nodes,
                            [](const graph::Node& node) { return node.op == "QuantizeLinear"; }))
      continue;
    ov::Core core;
    const fs::path ir = fs::path(folder) / (path.filename().string().substr(0, 8) + ".xml");
    const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    ov::save_model(core.read_model(text, ov::Tensor()), ir.string(), halves);
    const auto parts = read_parts(ir);
    ASSERT_TRUE(parts) << parts.error().message;
    const auto onnx = import_parts("openvino", *parts);
    ASSERT_TRUE(onnx) << path << ": " << onnx.error().message;
    const auto imported = graph::read_onnx(*onnx);
    ASSERT_TRUE(imported);
    for (std::size_t i = 0; i < original->outputs.size(); ++i)
      EXPECT_EQ(imported->outputs[i].name, original->outputs[i].name) << path;
    const auto samples = random_samples(*original, 1, 7, 48);
    ASSERT_TRUE(samples);
    const runtime::Tensor& x = samples->samples[0][0];
    const Answers wanted = halves ? by_openvino(ir, x) : by_reference(*bytes, x);
    EXPECT_LE(distance(by_reference(*onnx, x), wanted), 1e-4) << path;
    ++compared;
  }
  fs::remove_all(folder);
  EXPECT_GE(compared, 1U);
}

/// Networks that PyTorch exported (tests/data/make_torch_samples.py), of layers that none in the
/// store has.
TEST(OpenVinoWritesLayers, TransposedConvolutionsThatWeRead) {
  std::string folder = (fs::temp_directory_path() / "visavis-ir-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  for (const char* net : {"transposed.onnx", "gaps.onnx"}) {
    const fs::path path =
        fs::path(VISAVIS_SOURCE_DIR) / "libs/modelkit/export/tests/data/torch" / net;
    const auto bytes = read_file(path, 1U << 20U);
    ASSERT_TRUE(bytes);
    ov::Core core;
    const fs::path ir = fs::path(folder) / "net.xml";
    const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    ov::save_model(core.read_model(text, ov::Tensor()), ir.string(), false);
    const auto parts = read_parts(ir);
    ASSERT_TRUE(parts) << parts.error().message;
    const auto onnx = import_parts("openvino", *parts);
    ASSERT_TRUE(onnx) << net << ": " << onnx.error().message;
    const auto original = graph::read_onnx(*bytes);
    ASSERT_TRUE(original);
    const auto samples = random_samples(*original, 1, 7, 48);
    ASSERT_TRUE(samples);
    const runtime::Tensor& x = samples->samples[0][0];
    const Answers wanted = by_openvino(ir, x);
    EXPECT_LE(distance(by_reference(*onnx, x), wanted), 1e-5) << net;
    EXPECT_LE(distance(by_reference(*bytes, x), wanted), 1e-5) << net;
  }
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Weights, OpenVinoWrites, testing::Bool());

}  // namespace
}  // namespace visavis::modelkit
