#include "visavis/graph/onnx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>

#include "visavis/graph/graph.hpp"

namespace visavis::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Written by the onnx package; see make_onnx_data.py.
std::vector<std::byte> data(std::string_view name) {
  const std::filesystem::path path = std::filesystem::path(VISAVIS_SOURCE_DIR) /
                                     "libs/engine/graph/tests/data" / (std::string(name) + ".onnx");
  auto bytes = read_file(path, 1 << 20);
  EXPECT_TRUE(bytes) << path;
  return bytes ? *bytes : std::vector<std::byte>{};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

void expect_decode_failed(std::span<const std::byte> file, std::string_view message) {
  const auto graph = read_onnx(file);
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, ErrorCode::kDecodeFailed) << graph.error().message;
  EXPECT_THAT(graph.error().message, HasSubstr(message));
}

class EachForm : public testing::TestWithParam<std::string_view> {};

TEST_P(EachForm, HoldsTheSameGraph) {
  const auto graph = read_onnx(data(GetParam()));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->opset, 13);
  ASSERT_EQ(graph->inputs.size(), 1U);
  EXPECT_EQ(graph->inputs[0].name, "x");
  EXPECT_THAT(graph->inputs[0].shape, ElementsAre(-1, 3));
  ASSERT_EQ(graph->nodes.size(), 1U);
  EXPECT_EQ(graph->nodes[0].op, "Gemm");
  EXPECT_EQ(graph->nodes[0].name, "fc");
  EXPECT_EQ(graph->nodes[0].get_or<std::int64_t>("transB", 0), 1);
  EXPECT_EQ(graph->nodes[0].get_or<float>("alpha", 1), 0.5F);
  const Tensor* w = graph->initializer("w");
  ASSERT_NE(w, nullptr);
  EXPECT_THAT(w->shape, ElementsAre(2, 3));
  EXPECT_THAT(std::get<std::vector<float>>(w->values),
              ElementsAre(1.5F, -2.0F, 0.25F, 3.0F, 1e-30F, -0.0F));
}

INSTANTIATE_TEST_SUITE_P(Onnx, EachForm,
                         testing::Values("raw_data", "float_data", "weights_as_inputs"));

TEST(ReadOnnx, ReadsConstantsAndLists) {
  const auto graph = read_onnx(data("attributes"));
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_EQ(graph->nodes.size(), 4U);
  const auto constant = graph->nodes[0].get_or<Tensor>("value", {});
  EXPECT_THAT(std::get<std::vector<std::int64_t>>(constant.values), ElementsAre(0, -1));
  EXPECT_EQ(graph->nodes[3].get_or<std::string>("auto_pad", ""), "NOTSET");
  EXPECT_THAT(graph->nodes[3].get_or<std::vector<std::int64_t>>("kernel_shape", {}),
              ElementsAre(1, 1));
}

TEST(ReadOnnx, ReadsSmallIntegersAndScalars) {
  const auto graph = read_onnx(data("small_integers"));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(std::get<std::vector<std::int8_t>>(graph->initializer("q")->values),
              ElementsAre(-128, 0, 127));
  EXPECT_TRUE(graph->initializer("s")->shape.empty());
}

TEST(ReadOnnx, RefusesOtherBytes) {
  expect_decode_failed({}, "no graph");
  expect_decode_failed(bytes_of("\x89PNG\r\n\x1a\n"), "damaged");
}

TEST(ReadOnnx, RefusesEveryTruncation) {
  const auto whole = data("raw_data");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto graph = read_onnx(std::span(whole).first(n));
    // The operator set stands last; without its number the rest is complete.
    ASSERT_FALSE(graph) << n << " of " << whole.size();
    EXPECT_EQ(graph.error().code, ErrorCode::kDecodeFailed) << n;
  }
}

// ONNX message tags by hand: graph = field 7, initializer = field 5, and so on.
std::string field(int number, std::string_view content) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(content.size())} +
         std::string(content);
}

std::string with_tensor(std::string_view tensor) {
  return field(7, field(5, tensor)) + field(8, std::string("\x10\x0d", 2));
}

TEST(ReadOnnx, RefusesTensorsThatDoNotHoldWhatTheyClaim) {
  const std::string floats("\x10\x01", 2);  // data_type = FLOAT
  const std::string dim2("\x08\x02", 2);
  expect_decode_failed(bytes_of(with_tensor(dim2 + floats + field(9, "abcd"))), "wrong size");
  expect_decode_failed(bytes_of(with_tensor(dim2 + floats)), "wrong size");
  const std::string huge("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
  expect_decode_failed(bytes_of(with_tensor(huge + huge + floats)), "elements");
  const std::string negative("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
  expect_decode_failed(bytes_of(with_tensor(negative + floats)), "negative");
  // One value of 300 in int32_data of a uint8 tensor.
  expect_decode_failed(
      bytes_of(with_tensor(std::string("\x08\x01\x10\x02", 4) + field(5, "\xac\x02"))), "range");
}

/// A tensor "w" of two floats that lies where `entries` say.
std::string outside(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string tensor("\x08\x02\x10\x01", 4);  // dims = 2, data_type = FLOAT
  tensor += field(8, "w");
  for (const auto& [key, value] : entries) tensor += field(13, field(1, key) + field(2, value));
  return tensor + std::string("\x70\x01", 2);  // data_location = EXTERNAL
}

/// y = w of such a tensor.
std::string model_outside(const std::vector<std::pair<std::string, std::string>>& entries) {
  const std::string output = field(1, "y") + field(2, field(1, std::string("\x08\x01", 2)));
  const std::string node = field(1, "w") + field(2, "y") + field(4, "Identity");
  return field(7, field(1, node) + field(5, outside(entries)) + field(12, output)) +
         field(8, std::string("\x10\x0d", 2));
}

TEST(ReadOnnx, ReadsWeightsOutsideTheFile) {
  const std::string model =
      model_outside({{"location", "./w.data"}, {"offset", "4"}, {"length", "8"}});
  const auto names = external_files(bytes_of(model));
  ASSERT_TRUE(names) << names.error().message;
  EXPECT_THAT(*names, ElementsAre("w.data"));
  const std::vector<float> numbers = {1, -2.5F, 3};
  const OnnxData data{.name = "w.data", .bytes = std::as_bytes(std::span(numbers))};
  const auto graph = read_onnx(bytes_of(model), {&data, 1});
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(std::get<std::vector<float>>(graph->initializer("w")->values),
              ElementsAre(-2.5F, 3.F));
  // What it holds is one file from now on. An output without a shape has the one it gets.
  EXPECT_TRUE(external_files(*write_onnx(*graph))->empty());
  EXPECT_THAT(graph->outputs[0].shape, ElementsAre(-1));
}

TEST(ReadOnnx, RefusesWeightsThatAreNotThere) {
  expect_decode_failed(bytes_of(model_outside({{"location", "w.data"}})), "not beside the model");
  const std::vector<float> numbers = {1, -2.5F, 3};
  const OnnxData data{.name = "w.data", .bytes = std::as_bytes(std::span(numbers))};
  const auto refused = [&](std::string_view key, std::string_view value) {
    const auto graph = read_onnx(
        bytes_of(model_outside({{"location", "w.data"}, {std::string(key), std::string(value)}})),
        {&data, 1});
    EXPECT_FALSE(graph);
    return graph ? "" : graph.error().message;
  };
  EXPECT_THAT(refused("offset", "5"), HasSubstr("end"));
  EXPECT_THAT(refused("offset", "18446744073709551615"), HasSubstr("end"));
  EXPECT_THAT(refused("offset", "99999999999999999999999"), HasSubstr("no number"));
  EXPECT_THAT(refused("offset", "-4"), HasSubstr("no number"));
  EXPECT_THAT(refused("length", "4"), HasSubstr("its shape says 8"));
}

// data_location decides (onnx.proto); entries alone mean nothing.
TEST(ReadOnnx, TakesWeightsWithinTheFileForWhatTheyAre) {
  std::string model = model_outside({{"location", "w.data"}});
  const std::string outside_mark("\x70\x01", 2);
  const std::string inside = field(9, std::string(8, '\0'));
  const auto at = model.find(outside_mark);
  ASSERT_NE(at, std::string::npos);
  model.replace(at, 2, inside);
  model[1] = static_cast<char>(model[1] + 8);  // the graph's length …
  const auto tensor = model.find(std::string("\x08\x02\x10\x01", 4));
  model[tensor - 1] = static_cast<char>(model[tensor - 1] + 8);  // … and the tensor's
  EXPECT_TRUE(external_files(bytes_of(model))->empty());
  const auto graph = read_onnx(bytes_of(model));
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_THAT(std::get<std::vector<float>>(graph->initializer("w")->values), ElementsAre(0.F, 0.F));
}

TEST(ReadOnnx, RefusesWeightsThatLieInTwoPlaces) {
  std::string model = model_outside({{"location", "w.data"}});
  const std::string both = field(9, std::string(8, '\0')) + std::string("\x70\x01", 2);
  const auto at = model.find(both.substr(both.size() - 2));
  ASSERT_NE(at, std::string::npos);
  model.replace(at, 2, both);
  const auto more = static_cast<char>(both.size() - 2);
  model[1] = static_cast<char>(model[1] + more);  // the graph's length …
  const auto tensor = model.find(std::string("\x08\x02\x10\x01", 4));
  model[tensor - 1] = static_cast<char>(model[tensor - 1] + more);  // … and the tensor's
  expect_decode_failed(bytes_of(model), "lies in another file and in the model");
}

TEST(ReadOnnx, RefusesNamesThatLeaveTheFolder) {
  for (const char* name :
       {"", "/w.data", "../w.data", "a/../../w.data", "a\\w.data", "a/", "w\n"}) {
    const std::string model = model_outside({{"location", name}});
    const auto names = external_files(bytes_of(model));
    ASSERT_FALSE(names) << name;
    EXPECT_EQ(names.error().code, ErrorCode::kDecodeFailed);
    expect_decode_failed(bytes_of(model), "no plain one");
  }
}

Node node(std::string op, std::vector<std::string> inputs, std::string output) {
  return {.op = std::move(op),
          .name = {},
          .inputs = std::move(inputs),
          .outputs = {std::move(output)},
          .attributes = {}};
}

/// x -> the nodes -> y, in bytes that write_onnx would not write.
std::string model_of(const std::vector<Node>& nodes) {
  std::string graph;
  for (const Node& each : nodes) {
    std::string text;
    for (const std::string& input : each.inputs) text += field(1, input);
    graph += field(1, text + field(2, each.outputs.front()) + field(4, each.op));
  }
  const std::string vector = field(
      2, field(1, std::string("\x08\x01", 2) + field(2, field(1, std::string("\x08\x04", 2)))));
  graph += field(11, field(1, "x") + vector) + field(12, field(1, "y") + vector);
  return field(7, graph) + field(8, std::string("\x10\x0d", 2));
}

TEST(ReadOnnx, SaysWhatIsWrongWithAGraph) {
  const auto told = [](const std::vector<Node>& nodes) {
    const std::string model = model_of(nodes);
    EXPECT_TRUE(looks_like_onnx(bytes_of(model)));
    const auto graph = read_onnx(bytes_of(model));
    EXPECT_EQ(graph.error().code, ErrorCode::kDecodeFailed);
    return graph.error().message;
  };
  EXPECT_THAT(
      told({node("Add", {"x", "b"}, "a"), node("Relu", {"a"}, "b"), node("Relu", {"b"}, "y")}),
      HasSubstr("in a circle"));
  EXPECT_THAT(told({node("Relu", {"a"}, "y"), node("Relu", {"x"}, "a")}), HasSubstr("order"));
  EXPECT_THAT(told({node("Relu", {"x"}, "y"), node("Sigmoid", {"x"}, "y")}),
              HasSubstr("\"y\" is defined twice"));
  EXPECT_THAT(told({node("Relu", {"z"}, "y")}), HasSubstr("nothing before it defines"));
  EXPECT_TRUE(read_onnx(bytes_of(model_of({node("Relu", {"x"}, "y")}))));
  // ONNX's operator schemas: what has to be there.
  EXPECT_THAT(told({node("Pad", {"x"}, "y")}), HasSubstr("of Pad input 2"));
  EXPECT_THAT(told({node("PRelu", {"", "x"}, "y")}), HasSubstr("of PRelu input 1"));
  EXPECT_THAT(told({node("Clip", {"", "x"}, "y")}), HasSubstr("of Clip input 1"));
  EXPECT_THAT(told({node("Sum", {}, "y")}), HasSubstr("of Sum input 1"));
  EXPECT_TRUE(read_onnx(bytes_of(model_of({node("Clip", {"x", "", ""}, "y")}))));
}

TEST(ReadOnnx, RefusesAttributesOfAnotherType) {
  const auto with = [](Attribute axis) {
    Graph graph{.name = "g",
                .opset = 13,
                .inputs = {{.name = "x", .shape = {1, 4}}},
                .outputs = {{.name = "y", .shape = {1, 4}}},
                .initializers = {},
                .nodes = {node("Softmax", {"x"}, "y")}};
    graph.nodes[0].attributes = {{"axis", std::move(axis)}};
    return *write_onnx(graph);
  };
  EXPECT_TRUE(read_onnx(with(std::int64_t{1})));
  expect_decode_failed(with(1.F), "the attribute axis is of another type");
}

TEST(ReadOnnx, RefusesAxesThatAreNoPermutation) {
  const auto with = [](std::vector<std::int64_t> perm) {
    Graph graph{.name = "g",
                .opset = 13,
                .inputs = {{.name = "x", .shape = {4, 4}}},
                .outputs = {{.name = "y", .shape = {4, 4}}},
                .initializers = {},
                .nodes = {node("Transpose", {"x"}, "y")}};
    graph.nodes[0].attributes = {{"perm", std::move(perm)}};
    return *write_onnx(graph);
  };
  EXPECT_TRUE(read_onnx(with({1, 0})));
  for (const std::vector<std::int64_t>& perm : {std::vector<std::int64_t>{1, 1}, {-1, 0}, {0, 2}})
    expect_decode_failed(with(perm), "perm is no permutation of the axes");
}

TEST(ReadOnnx, RefusesAttributesThatAreSetTwiceAmongHoweverMany) {
  Graph graph{.name = "g",
              .opset = 13,
              .inputs = {{.name = "x", .shape = {1, 4}}},
              .outputs = {{.name = "y", .shape = {1, 4}}},
              .initializers = {},
              .nodes = {node("Relu", {"x"}, "y")}};
  constexpr int kMany = 60'000;  // minutes, if each were looked for among all before it
  auto& attributes = graph.nodes[0].attributes;
  for (int i = 0; i < kMany; ++i) attributes.emplace_back("a" + std::to_string(i), std::int64_t{i});
  EXPECT_TRUE(read_onnx(*write_onnx(graph)));
  attributes.emplace_back("a0", std::int64_t{0});
  expect_decode_failed(*write_onnx(graph), "an attribute is set twice");
}

TEST(ReadOnnx, NamesAllThatItDoesNotSupport) {
  const auto strange = [](std::string_view op) {
    return field(1, field(2, op) + field(4, op) + field(7, "com.microsoft"));
  };
  const std::string graph = strange("FusedConv") + strange("FusedConv") + strange("Gelu");
  const auto read = read_onnx(bytes_of(field(7, graph) + field(8, std::string("\x10\x1a", 2))));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(read.error().message, HasSubstr("FusedConv of the domain com.microsoft (2 times)"));
  EXPECT_THAT(read.error().message, HasSubstr("Gelu"));
  EXPECT_THAT(read.error().message, HasSubstr("operator set 26"));
}

// 2 MB of nodes with nothing in them: ModelProto.graph is field 7, GraphProto.node field 1.
TEST(ReadOnnx, RefusesMorePartsThanAnyNetworkHas) {
  constexpr std::size_t kNodes = 1U << 20U;
  std::string model = {"\x3a\x80\x80\x80\x01", 5};
  for (std::size_t i = 0; i < kNodes; ++i) model += {"\x0a\0", 2};
  model += {"\x42\x02\x10\x0d", 4};  // operator set 13
  const auto graph = read_onnx(bytes_of(model));
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(graph.error().message, HasSubstr("too many nodes, weights or attributes"));
  EXPECT_FALSE(looks_like_onnx(bytes_of(model)));
}

TEST(WriteOnnx, GivesBackWhatWasRead) {
  for (const std::string_view name : {"raw_data", "attributes", "small_integers"}) {
    const auto graph = read_onnx(data(name));
    ASSERT_TRUE(graph);
    const auto written = write_onnx(*graph);
    ASSERT_TRUE(written);
    const auto again = read_onnx(*written);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->nodes.size(), graph->nodes.size());
    for (std::size_t i = 0; i < graph->nodes.size(); ++i) {
      EXPECT_EQ(again->nodes[i].op, graph->nodes[i].op);
      EXPECT_EQ(again->nodes[i].inputs, graph->nodes[i].inputs);
      EXPECT_EQ(again->nodes[i].attributes.size(), graph->nodes[i].attributes.size());
    }
    for (std::size_t i = 0; i < graph->initializers.size(); ++i) {
      EXPECT_EQ(again->initializers[i].shape, graph->initializers[i].shape);
      EXPECT_EQ(again->initializers[i].values, graph->initializers[i].values);
    }
    EXPECT_EQ(again->inputs.size(), graph->inputs.size());
    EXPECT_EQ(again->outputs[0].shape, graph->outputs[0].shape);
    EXPECT_EQ(write_onnx(*again).value(), *written);
  }
}

TEST(WriteOnnx, RefusesAnInvalidGraph) {
  auto graph = read_onnx(data("raw_data"));
  ASSERT_TRUE(graph);
  graph->nodes[0].inputs[0] = "nowhere";
  const auto written = write_onnx(*graph);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis::graph
