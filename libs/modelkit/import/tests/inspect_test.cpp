// What is told of files of every format, and of what is none.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {
namespace {

using testing::HasSubstr;

const std::filesystem::path kData =
    std::filesystem::path(VISAVIS_SOURCE_DIR) / "libs/modelkit/import/tests/data";

TEST(Inspect, CallsFormatsAsItListsThem) {
  std::set<std::string> found;
  for (const char* name :
       {"zip.pt", "arrays.npz", "layers.tflite", "caffe/heads.prototxt", "coreml/old.mlmodel",
        "tensorflow/slim.pb", "tensorflow/one.savedmodel", "tensorflow/slim.meta"}) {
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

TEST(Inspect, SaysWhatIsNone) {
  const auto told = [](std::string_view text) {
    const auto inside = inspect(std::as_bytes(std::span(text)));
    EXPECT_EQ(inside.error().code, ErrorCode::kDecodeFailed);
    return inside.error().message;
  };
  EXPECT_EQ(told(""), "it is empty");
  EXPECT_THAT(told("no network"), HasSubstr("ONNX, PyTorch state dict, NumPy arrays"));
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
