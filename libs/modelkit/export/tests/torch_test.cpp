// Networks that PyTorch exported, written in every format, read again and held against PyTorch's
// own answers: tests/data/torch/answers.json, made by tests/data/make_torch_samples.py.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>
#include <visavis/tests/farther.hpp>

namespace visavis::modelkit {
namespace {

using Shape = std::vector<std::int64_t>;

std::string folder() {
  return std::string(VISAVIS_SOURCE_DIR) + "/libs/modelkit/export/tests/data/torch/";
}

nlohmann::json asked(const std::string& net) {
  const auto all = nlohmann::json::parse(std::ifstream(folder() + "answers.json"));
  for (const auto& each : all["cases"])
    if (each["net"] == net) return each;
  ADD_FAILURE() << net;
  return {};
}

/// With its constants folded, as `convert` does before it writes.
graph::Graph network(const std::string& net) {
  const auto bytes = read_file(folder() + net, 1 << 20);
  EXPECT_TRUE(bytes) << net;
  const auto graph = graph::read_onnx(*bytes);
  EXPECT_TRUE(graph) << graph.error().message;
  const auto reference = runtime::find_engine("reference");
  const auto folded = graph::fold_constants(*graph, runtime::evaluate_with(**reference));
  EXPECT_TRUE(folded) << folded.error().message;
  return *folded;
}

/// The largest difference from PyTorch's numbers.
Result<double> distance(const std::vector<std::byte>& onnx, const nlohmann::json& asked) {
  VISAVIS_TRY(engine, runtime::find_engine("reference"));
  VISAVIS_TRY(model, engine->load(onnx, {}));
  VISAVIS_TRY(session, model->session());
  const auto input = asked["input"].get<std::vector<float>>();
  const auto shape = asked["shape"].get<Shape>();
  const runtime::TensorView view = runtime::view_of(input, shape);
  VISAVIS_TRY(tensors, session->run({&view, 1}));
  double most = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto& expected = asked["outputs"][i];
    if (tensors[i].shape != expected["shape"].get<Shape>())
      return fail(ErrorCode::kInternal, "an output of another shape");
    const auto values = expected["values"].get<std::vector<double>>();
    const auto found = tensors[i].floats();
    for (std::size_t k = 0; k < values.size(); ++k)
      most = tests::farther(most, std::abs(static_cast<double>(found[k]) - values[k]));
  }
  return most;
}

struct Written {
  std::vector<std::byte> onnx;
  std::optional<std::int64_t> fixed_size;
};

Result<Written> there_and_back(const std::string& format, const graph::Graph& graph) {
  VISAVIS_TRY(made, export_network(*exporter_for("net" + format), graph, "net", 6));
  VISAVIS_TRY(inside, inspect(made.parts));
  VISAVIS_TRY(onnx, import_parts(inside.importer, made.parts));
  return Written{.onnx = std::move(onnx), .fixed_size = made.fixed_size};
}

class Torch : public testing::TestWithParam<std::string> {};

/// ShuffleNetV2: channels that are cut in two and shuffled, by sizes that are computed.
TEST_P(Torch, ShufflesChannels) {
  const auto made = there_and_back(GetParam(), network("shuffle.onnx"));
  ASSERT_TRUE(made) << made.error().message;
  const auto off = distance(made->onnx, asked("shuffle.onnx"));
  ASSERT_TRUE(off) << off.error().message;
  EXPECT_LT(*off, 1e-5);
}

/// With height and width free, too. TensorFlow's formats leave them free: channels are at other
/// places then.
TEST_P(Torch, ShufflesChannelsOfAnyPicture) {
  graph::Graph graph = network("any-shuffle.onnx");
  const auto written = export_network(*exporter_for("net" + GetParam()), graph, "net", 64);
  ASSERT_TRUE(written) << written.error().message;
  const bool is_fixed = GetParam() == ".prototxt" || GetParam() == ".mlmodel";
  EXPECT_EQ(written->fixed_size.has_value(), is_fixed);
  if (is_fixed) return;
  const auto inside = inspect(written->parts);
  ASSERT_TRUE(inside);
  const auto onnx = import_parts(inside->importer, written->parts);
  ASSERT_TRUE(onnx) << onnx.error().message;
  const auto off = distance(*onnx, asked("any-shuffle.onnx"));
  ASSERT_TRUE(off) << off.error().message;
  EXPECT_LT(*off, 1e-5);
}

/// Height and width are free and stay so where the format can say it: the channels, of which alone
/// the halves are made, are known.
TEST_P(Torch, HalvesChannelsOfAnyPicture) {
  const auto made = there_and_back(GetParam(), network("halves.onnx"));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->fixed_size.has_value(), GetParam() == ".prototxt");
  if (made->fixed_size) return;
  const auto off = distance(made->onnx, asked("halves.onnx"));
  ASSERT_TRUE(off) << off.error().message;
  EXPECT_LT(*off, 1e-5);
}

/// In Caffe a Scale or Bias layer of two bottoms, which our own reader alone has read here.
TEST_P(Torch, WeighsEachChannelOfEachSample) {
  const auto made = there_and_back(GetParam(), network("squeezed.onnx"));
  ASSERT_TRUE(made) << made.error().message;
  const auto off = distance(made->onnx, asked("squeezed.onnx"));
  ASSERT_TRUE(off) << off.error().message;
  EXPECT_LT(*off, 1e-5);
}

/// What hangs over in Caffe by an output_padding has to be among what its padding takes.
TEST_P(Torch, TransposesConvolutions) {
  const bool is_short = GetParam() == ".prototxt" || GetParam() == ".mlmodel";
  graph::Graph all = network("transposed.onnx");
  nlohmann::json wanted = asked("transposed.onnx");
  if (is_short) {
    const auto refused = there_and_back(GetParam(), all);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("ConvTranspose (an output that no"));
    constexpr int kBeyond = 3;
    all.outputs.erase(all.outputs.begin() + kBeyond);
    all = graph::remove_unused(std::move(all));
    wanted["outputs"].erase(kBeyond);
  }
  const auto made = there_and_back(GetParam(), all);
  ASSERT_TRUE(made) << made.error().message;
  const auto off = distance(made->onnx, wanted);
  ASSERT_TRUE(off) << off.error().message;
  EXPECT_LT(*off, 1e-5);
}

/// TensorFlow's have no gaps.
TEST_P(Torch, TransposesConvolutionsWithGaps) {
  const auto made = there_and_back(GetParam(), network("gaps.onnx"));
  if (GetParam() == ".tflite" || GetParam() == ".pb" || GetParam() == ".savedmodel") {
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message, testing::HasSubstr("dilation"));
    return;
  }
  ASSERT_TRUE(made) << made.error().message;
  const auto off = distance(made->onnx, asked("gaps.onnx"));
  ASSERT_TRUE(off) << off.error().message;
  EXPECT_LT(*off, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Formats, Torch,
                         testing::Values(".onnx", ".prototxt", ".mlmodel", ".savedmodel", ".pb",
                                         ".tflite"));

}  // namespace
}  // namespace visavis::modelkit
