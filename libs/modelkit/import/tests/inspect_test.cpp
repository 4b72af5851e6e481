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

}  // namespace
}  // namespace visavis::modelkit
