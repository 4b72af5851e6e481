// What is told of files of every format, and of what is none.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>

#include "torch_file.hpp"

namespace visavis::modelkit {
namespace {

using testing::HasSubstr;

const std::filesystem::path kData =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "libs/modelkit/import/tests/data";

TEST(Inspect, CallsFormatsAsItListsThem) {
  std::set<std::string> found;
  for (const char* name : {"zip.pt", "arrays.npz", "weights.safetensors", "layers.tflite",
                           "caffe/heads.prototxt", "coreml/old.mlmodel", "tensorflow/slim.pb",
                           "tensorflow/one.savedmodel", "tensorflow/slim.meta"}) {
    const auto parts = read_parts(kData / name);
    ASSERT_TRUE(parts) << name;
    const auto inside = inspect(*parts);
    ASSERT_TRUE(inside) << name << ": " << inside.error().message;
    found.insert(inside->format);
  }
  graph::Graph graph;
  graph.inputs = {{.name = "x", .shape = {1}}};
  graph.outputs = {{.name = "y", .shape = {1}}};
  graph.nodes = {{.op = "Relu", .name = {}, .inputs = {"x"}, .outputs = {"y"}, .attributes = {}}};
  found.insert(inspect(*graph::write_onnx(graph))->format);
  found.insert("dlib");         // dlib_test.cpp has its files
  found.insert("OpenVINO IR");  // and openvino_test.cpp its
  EXPECT_EQ(found, std::set<std::string>(formats().begin(), formats().end()));
}

/// P-Net with weights of no meaning.
std::vector<TorchTensor> pnet(const std::string& prefix) {
  std::vector<TorchTensor> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    std::size_t count = 1;
    for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
    tensors.push_back(
        {.name = prefix + name, .shape = std::move(shape), .values = std::vector(count, .5F)});
  };
  const auto layer = [&](const std::string& name, std::int64_t out, std::int64_t in,
                         std::int64_t side) {
    add(name + ".weight", {out, in, side, side});
    add(name + ".bias", {out});
  };
  layer("conv1", 10, 3, 3);
  add("prelu1.weight", {10});
  layer("conv2", 16, 10, 3);
  add("prelu2.weight", {16});
  layer("conv3", 32, 16, 3);
  add("prelu3.weight", {32});
  layer("conv4_1", 2, 32, 1);
  layer("conv4_2", 4, 32, 1);
  return tensors;
}

TEST(Mtcnn, NamesMayHaveAnythingInFront) {
  const auto import = [](const std::vector<std::byte>& file) {
    const std::vector<Part> parts = {{.name = "pnet.pt", .bytes = file}};
    return import_parts("pytorch:mtcnn-pnet", parts);
  };
  const auto plain = import(torch_file(pnet("")));
  ASSERT_TRUE(plain) << plain.error().message;
  for (const auto& file : {torch_file(pnet("module.")), torch_file(pnet("detector.pnet."), "net"),
                           torch_file(pnet(""), "whatever")}) {
    const auto found = import(file);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(*found, *plain);
  }
  std::vector<TorchTensor> more = pnet("module.");
  more.push_back({.name = "module.conv5.bias", .shape = {1}, .values = {0}});
  const auto left = import(torch_file(more));
  ASSERT_FALSE(left);
  EXPECT_THAT(left.error().message, HasSubstr("1 is left over (conv5.bias)"));
}

TEST(Inspect, SaysWhatIsNone) {
  const auto told = [](std::string_view text) {
    const auto inside = inspect(std::as_bytes(std::span(text)));
    EXPECT_EQ(inside.error().code, ErrorCode::kDecodeFailed);
    return inside.error().message;
  };
  EXPECT_EQ(told(""), "it is empty");
  EXPECT_THAT(told("no network"), HasSubstr("ONNX, PyTorch state dict, NumPy arrays"));
  const auto refused = [](std::string_view name, std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    const std::vector<Part> parts = {
        {.name = std::string(name), .bytes = {bytes.begin(), bytes.end()}}};
    const auto inside = inspect(parts);
    EXPECT_EQ(inside.error().code, ErrorCode::kUnsupported);
    return inside.error().message;
  };
  EXPECT_THAT(refused("k.h5", "\x89HDF\r\n\x1a\n and more"), HasSubstr("HDF5"));
  EXPECT_THAT(refused("ck-1.index", "no table"), HasSubstr("without its graph (.meta)"));
  const auto folder = read_parts(kData / "caffe");
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(folder.error().message, HasSubstr("saved_model.pb"));
}

// Written by data/make_external_onnx.py.
TEST(Inspect, ReadsOnnxWhoseWeightsLieBesideIt) {
  const auto parts = read_parts(kData / "external/net.onnx");
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[1].name, "net.onnx.data");
  const auto inside = inspect(*parts);
  ASSERT_TRUE(inside) << inside.error().message;
  EXPECT_EQ(inside->importer, "onnx");
  EXPECT_EQ(inside->parameters, 25U);

  const auto imported = import_parts("onnx", *parts);
  ASSERT_TRUE(imported) << imported.error().message;
  const auto graph = graph::read_onnx(*imported);
  ASSERT_TRUE(graph) << graph.error().message;
  const auto whole = graph::read_onnx(read_parts(kData / "external/whole.onnx")->front().bytes);
  ASSERT_TRUE(whole) << whole.error().message;
  for (const char* name : {"w", "b"})
    EXPECT_EQ(graph->initializer(name)->values, whole->initializer(name)->values);

  // Alone it is not whole.
  const auto alone = inspect(parts->front().bytes);
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().message, HasSubstr("net.onnx.data\", which is not beside the model"));
}

TEST(Inspect, ReadsNoWeightsFromElsewhere) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "external";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(kData / "external/net.onnx", folder / "net.onnx");
  const auto missing = read_parts(folder / "net.onnx");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("net.onnx.data"));
  std::filesystem::create_symlink(kData / "external/net.onnx.data", folder / "net.onnx.data");
  const auto link = read_parts(folder / "net.onnx");
  ASSERT_FALSE(link);
  EXPECT_EQ(link.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(link.error().message, HasSubstr("leads out"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace visavis::modelkit
