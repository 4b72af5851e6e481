// Which networks TensorRT's parser is given, and the command that is. TensorRT itself was not run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {
namespace {

using testing::HasSubstr;

graph::Graph network(std::vector<std::string> operators, const std::string& input = "x") {
  graph::Graph graph{.name = "g",
                     .opset = 14,
                     .inputs = {{.name = input, .shape = {-1, 3, 112, 112}}},
                     .outputs = {},
                     .initializers = {},
                     .nodes = {}};
  std::string before = input;
  for (std::string& op : operators) {
    const std::string made = "v" + std::to_string(graph.nodes.size());
    graph.nodes.push_back(
        {.op = std::move(op), .name = {}, .inputs = {before}, .outputs = {made}, .attributes = {}});
    before = made;
  }
  graph.outputs = {{.name = before, .shape = {-1, 3, 112, 112}}};
  return graph;
}

Result<std::vector<Part>> exported(const graph::Graph& graph) {
  return exporter_for("x.tensorrt")->run(graph, "x");
}

TEST(TensorRt, WritesTheNetworkAndHowItIsBuilt) {
  const graph::Graph graph = network({"Relu", "Sigmoid"});
  const auto parts = exported(graph);
  ASSERT_TRUE(parts) << parts.error().message;
  ASSERT_EQ(parts->size(), 2U);
  EXPECT_EQ((*parts)[0].bytes, *graph::write_onnx(graph));
  const std::string script(reinterpret_cast<const char*>((*parts)[1].bytes.data()),
                           (*parts)[1].bytes.size());
  EXPECT_THAT(script, HasSubstr("trtexec --onnx=network.onnx --saveEngine=network.plan"));
  EXPECT_THAT(script, HasSubstr("--minShapes=\"x:1x3x112x112\""));
  EXPECT_THAT(script, HasSubstr("--maxShapes=\"x:${MAX_BATCH:-32}x3x112x112\""));
  EXPECT_TRUE(import_parts("onnx", *parts)) << "it can be read again";
}

// Windows of 5 x 5 want five pixels at least.
TEST(TensorRt, TellsSizesForWhichAllWindowsFit) {
  graph::Graph graph = network({"MaxPool"});
  graph.inputs[0].shape = {-1, 3, -1, -1};
  graph.outputs[0].shape = {-1, 3, -1, -1};
  graph.nodes[0].attributes = {{"kernel_shape", std::vector<std::int64_t>{5, 5}}};
  const auto parts = exported(graph);
  ASSERT_TRUE(parts) << parts.error().message;
  const std::string script(reinterpret_cast<const char*>((*parts)[1].bytes.data()),
                           (*parts)[1].bytes.size());
  EXPECT_THAT(script, HasSubstr("\"x:1x3x${MIN_SIZE:-5}x${MIN_SIZE:-5}\""));
  EXPECT_THAT(script, HasSubstr("x3x${OPT_SIZE:-640}x${OPT_SIZE:-640}\""));
}

TEST(TensorRt, NamesAllThatIsNotTaken) {
  const auto refused = exported(network({"Celu", "Relu", "NonZero"}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(refused.error().message, "TensorRT does not take Celu; NonZero");
}

// x · max(0, min(1, x / 6 + 1 / 2)), the definition in ONNX's specification.
TEST(TensorRt, GetsHardSwishAsAProduct) {
  const auto parts = exported(network({"Relu", "HardSwish", "HardSwish"}));
  ASSERT_TRUE(parts) << parts.error().message;
  const auto written = graph::read_onnx((*parts)[0].bytes);
  ASSERT_TRUE(written) << written.error().message;
  ASSERT_EQ(written->nodes.size(), 5U);
  const graph::Node& gate = written->nodes[1];
  const graph::Node& product = written->nodes[2];
  EXPECT_EQ(gate.op, "HardSigmoid");
  EXPECT_FLOAT_EQ(gate.get_or("alpha", 0.F), 1 / 6.F);
  EXPECT_EQ(gate.get_or("beta", 0.F), .5F);
  EXPECT_EQ(product.op, "Mul");
  EXPECT_EQ(product.inputs, (std::vector<std::string>{"v0", gate.outputs[0]}));
  EXPECT_EQ(product.outputs[0], "v1");
}

// Its int8 is symmetric.
TEST(TensorRt, TakesStepsAroundZeroOnly) {
  const auto with = [](graph::Tensor::Values zero) {
    graph::Graph graph = network({"QuantizeLinear", "DequantizeLinear"});
    graph.initializers = {{.name = "s", .shape = {}, .values = std::vector<float>{.1F}},
                          {.name = "z", .shape = {}, .values = std::move(zero)}};
    for (graph::Node& node : graph.nodes) node.inputs.insert(node.inputs.end(), {"s", "z"});
    return exported(graph);
  };
  EXPECT_TRUE(with(std::vector<std::int8_t>{0}));
  EXPECT_THAT(with(std::vector<std::int8_t>{3}).error().message, HasSubstr("int8 around 0"));
  EXPECT_THAT(with(std::vector<std::uint8_t>{0}).error().message, HasSubstr("int8 around 0"));
}

// The name would be a part of a command.
TEST(TensorRt, WritesNoCommandOfAnothers) {
  const auto refused = exported(network({"Relu"}, "x'; rm -rf $HOME; '"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("an input whose name"));
}

}  // namespace
}  // namespace visavis::modelkit
