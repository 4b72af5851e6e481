/// TensorFlow's own files against TensorFlow's own answers: tests/data/tensorflow, made by
/// tests/data/make_tensorflow_samples.py.

#include "tensorflow.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tensorflow.pb.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/checksum.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/tests/farther.hpp>

#include "bundle.hpp"

namespace visavis::modelkit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

const std::string kData =
    std::string(VISAVIS_SOURCE_DIR) + "/libs/modelkit/import/tests/data/tensorflow/";

const nlohmann::json& expected() {
  static const auto document = [] {
    auto both = nlohmann::json::parse(std::ifstream(kData + "expected.json"));
    both.update(nlohmann::json::parse(std::ifstream(kData + "keras3.json")));
    return both;
  }();
  return document;
}

std::vector<Part> sample(const std::string& name) {
  const auto parts = read_parts(kData + name);
  EXPECT_TRUE(parts) << parts.error().message;
  return parts ? *parts : std::vector<Part>();
}

/// The picture of make_tensorflow_samples.py, with its channels first.
std::vector<float> picture(const std::vector<std::int64_t>& shape) {
  const auto height = static_cast<std::size_t>(shape[1]);
  const auto width = static_cast<std::size_t>(shape[2]);
  const auto channels = static_cast<std::size_t>(shape[3]);
  std::vector<float> out;
  for (std::size_t n = 0; n < static_cast<std::size_t>(shape[0]); ++n)
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t y = 0; y < height; ++y)
        for (std::size_t x = 0; x < width; ++x) {
          const std::size_t i = ((n * height + y) * width + x) * channels + c;
          out.push_back(static_cast<float>((i * 7919) % 251) / 128 - 1);
        }
  return out;
}

/// The largest difference of any engine's answer from TensorFlow's; infinite if none came.
double difference(const std::vector<std::byte>& onnx, const std::string& name,
                  const std::string& output, bool only_reference = false) {
  const auto& golden = expected()[name];
  const auto given = golden["input"].get<std::vector<std::int64_t>>();
  const auto values = golden["outputs"][output]["values"].get<std::vector<double>>();
  auto shape = golden["outputs"][output]["shape"].get<std::vector<std::int64_t>>();
  const std::vector<float> input = picture(given);
  const std::vector<std::int64_t> input_shape = {given[0], given[3], given[1], given[2]};
  double most = std::numeric_limits<double>::infinity();
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
    if (only_reference && entry.name != "reference") continue;
    const auto model = entry.engine->load(onnx, {});
    EXPECT_TRUE(model) << entry.name << ": " << model.error().message;
    if (!model) return std::numeric_limits<double>::infinity();
    const auto session = (*model)->session();
    const runtime::TensorView view = runtime::view_of(input, input_shape);
    const auto outputs = (*session)->run({&view, 1});
    EXPECT_TRUE(outputs) << entry.name << ": " << outputs.error().message;
    if (!outputs) return std::numeric_limits<double>::infinity();
    EXPECT_EQ((*model)->outputs()[0].name, output);
    const std::span<const float> found = (*outputs)[0].floats();
    if (std::isinf(most)) most = 0;
    EXPECT_EQ(found.size(), values.size());
    if (found.size() != values.size()) return std::numeric_limits<double>::infinity();
    // Pictures come with their channels first.
    const bool is_picture = shape.size() == 4;
    const std::size_t channels = is_picture ? static_cast<std::size_t>(shape[3]) : 1;
    const std::size_t area = is_picture ? static_cast<std::size_t>(shape[1] * shape[2]) : 1;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t c = i % channels;
      const std::size_t p = i / channels % area;
      const std::size_t n = i / channels / area;
      const std::size_t at = is_picture ? (n * channels + c) * area + p : i;
      most = tests::farther(most, std::abs(double{found[at]} - values[i]));
    }
  }
  return most;
}

std::vector<std::string> operators(const std::vector<std::byte>& onnx) {
  std::vector<std::string> out;
  const graph::Graph graph = *graph::read_onnx(onnx);
  for (const graph::Node& node : graph.nodes) out.push_back(node.op);
  return out;
}

std::uint64_t numbers_in(const std::vector<TensorFacts>& weights) {
  std::uint64_t count = 0;
  for (const TensorFacts& weight : weights) count += *graph::element_count(weight.shape);
  return count;
}

TEST(Tensorflow, ReadsAFrozenGraphWithItsTrainingInside) {
  const auto onnx = import_parts("tensorflow", sample("slim.pb"));
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_LT(difference(*onnx, "slim", "embeddings"), 2e-6);
  const graph::Graph graph = *graph::read_onnx(*onnx);
  ASSERT_EQ(graph.inputs.size(), 1U);
  EXPECT_EQ(graph.inputs[0].name, "input");
  EXPECT_THAT(graph.inputs[0].shape, ElementsAre(-1, 3, 15, 14));
  EXPECT_THAT(graph.outputs[0].shape, ElementsAre(-1, 5));
}

TEST(Tensorflow, ReadsACheckpoint) {
  const std::vector<Part> parts = sample("slim.index");
  ASSERT_EQ(parts.size(), 3U);
  const auto onnx = import_parts("tensorflow", parts);
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_LT(difference(*onnx, "slim", "embeddings"), 2e-6);
  for (const char* name : {"slim.meta", "slim.data-00000-of-00001"}) {
    const std::vector<Part> same = sample(name);
    ASSERT_EQ(same.size(), 3U) << name;
    EXPECT_EQ(same[0].name, "slim.meta");
  }
}

TEST(Tensorflow, ReadsASavedModelWhoseSignatureIsAFunction) {
  const auto onnx = import_parts("tensorflow", sample("keras.savedmodel"));
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_LT(difference(*onnx, "keras", "answer"), 2e-6);
  // Batch normalisation is in the layers before it, PReLU is one operator.
  EXPECT_THAT(operators(*onnx), IsSupersetOf({"PRelu", "GlobalAveragePool", "Softmax", "Gemm"}));
  EXPECT_EQ(std::ranges::count(operators(*onnx), "Conv"), 3);
  EXPECT_EQ(graph::read_onnx(*onnx)->inputs[0].name, "photo");
}

// Two of its layers have the same names, and the graph calls its variables otherwise.
TEST(Tensorflow, ReadsWhatKeras3Exports) {
  const std::vector<Part> parts = sample("keras3.savedmodel");
  const auto onnx = import_parts("tensorflow", parts);
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_LT(difference(*onnx, "keras3", "output_0"), 2e-6);
  const auto inside = inspect(parts);
  ASSERT_TRUE(inside) << inside.error().message;
  // The file has each variable twice.
  const auto parameters = expected()["keras3"]["parameters"].get<std::uint64_t>();
  EXPECT_EQ(inside->parameters, parameters);
  EXPECT_EQ(numbers_in(inside->weights), parameters);
}

TEST(Tensorflow, ReadsASavedModelWithResourceVariables) {
  const auto onnx = import_parts("tensorflow", sample("one.savedmodel"));
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_LT(difference(*onnx, "one", "rows"), 1e-5);
}

TEST(Tensorflow, ReadsTheOtherOperators) {
  const auto onnx = import_parts("tensorflow", sample("operators.pb"));
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_LT(difference(*onnx, "operators", "rows"), 2e-6);
  EXPECT_EQ(std::ranges::count(operators(*onnx), "PRelu"), 3);
}

// Its variables "matrix" and "wide" lie in pieces, cut along rows and along columns.
TEST(Tensorflow, ReadsVariablesInPieces) {
  const std::vector<Part> parts = sample("several.savedmodel");
  const auto onnx = import_parts("tensorflow", parts);
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_LT(difference(*onnx, "several", "rows"), 2e-5);
  const auto inside = inspect(parts);
  ASSERT_TRUE(inside) << inside.error().message;
  EXPECT_GT(inside->parameters, 0U);
  EXPECT_EQ(numbers_in(inside->weights), inside->parameters);
  std::vector<Part> wrong = parts;
  for (Part& part : wrong)
    if (part.name.ends_with(".data-00000-of-00001")) part.bytes[5] ^= std::byte{1};
  EXPECT_THAT(import_parts("tensorflow", wrong).error().message,
              HasSubstr("numbers have another checksum"));
}

TEST(Tensorflow, ReadsTheGraphAndTheSignatureThatAreChosen) {
  const std::vector<Part> parts = sample("several.savedmodel");
  const auto net = import_parts("tensorflow", parts, {.tag = "parts", .signature = "halves"});
  ASSERT_TRUE(net) << net.error().message;
  EXPECT_LT(difference(*net, "several", "net"), 1e-6);
  const auto same =
      import_parts("tensorflow", parts, {.tag = "parts,serve", .signature = "halves"});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_EQ(*same, *net);
  const auto twice = import_parts("tensorflow", parts, {.tag = "parts", .signature = "doubled"});
  ASSERT_TRUE(twice) << twice.error().message;
  EXPECT_EQ(graph::read_onnx(*twice)->outputs[0].name, "twice");
  const auto train = import_parts("tensorflow", parts, {.tag = "train"});
  ASSERT_TRUE(train) << train.error().message;
  EXPECT_THAT(operators(*train), ElementsAre("Relu"));
}

/// A manifest chooses as whoever converts does.
TEST(Tensorflow, ReadsTheNetworkThatAManifestChooses) {
  const std::vector<Part> parts = sample("several.savedmodel");
  models::ModelFile file{
      .name = "network", .sha256 = {}, .source = {}, .importer = "tensorflow", .onnx_sha256 = {}};
  file.tag = "parts";
  file.signature = "halves";
  const auto chosen = import_model(file, parts);
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ(*chosen, *import_parts("tensorflow", parts, {.tag = "parts", .signature = "halves"}));
  file.signature = "rows";
  EXPECT_EQ(import_model(file, parts).error().message,
            "it has no signature rows; there are: doubled, halves");
  // What has none says so, also where it comes as one file.
  file.importer = "tflite";
  EXPECT_EQ(import_model(file, parts.front().bytes).error().code, ErrorCode::kNotFound);
}

TEST(Tensorflow, SaysWhatThereIsToChooseFrom) {
  const std::vector<Part> parts = sample("several.savedmodel");
  const auto refused = [&](const Choice& choice) {
    const auto onnx = import_parts("tensorflow", parts, choice);
    EXPECT_FALSE(onnx);
    return onnx ? std::string() : onnx.error().message;
  };
  EXPECT_EQ(refused({.tag = "gpu"}),
            "it has no graph with the tag gpu; there are: serve, parts,serve, train");
  EXPECT_EQ(refused({.tag = "parts", .signature = "rows"}),
            "it has no signature rows; there are: doubled, halves");
  EXPECT_EQ(import_parts("tensorflow", parts, {.tag = "gpu"}).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(inspect(parts, {.signature = "rows"}).error().message,
            "it has no signature rows; there are: serving_default");
  EXPECT_EQ(
      refused({.tag = "parts"}),
      "it has no signature serving_default, but several others, of which one has to be chosen: "
      "doubled, halves");
  EXPECT_EQ(import_parts("tensorflow", sample("slim.pb"), {.tag = "serve"}).error().code,
            ErrorCode::kNotFound);
  EXPECT_EQ(inspect(sample("../layers.tflite"), {.tag = "serve"}).error().code,
            ErrorCode::kNotFound);
}

TEST(Tensorflow, ListsGraphsAndSignatures) {
  const auto inside = inspect(sample("several.savedmodel"), {.tag = "parts"});
  ASSERT_TRUE(inside) << inside.error().message;
  ASSERT_EQ(inside->graphs.size(), 3U);
  EXPECT_THAT(inside->graphs[0].tags, ElementsAre("serve"));
  EXPECT_THAT(inside->graphs[1].tags, ElementsAre("parts", "serve"));
  ASSERT_EQ(inside->graphs[1].signatures.size(), 2U);
  const SignatureFacts& doubled = inside->graphs[1].signatures[0];
  EXPECT_EQ(doubled.name, "doubled");
  ASSERT_EQ(doubled.inputs.size(), 1U);
  EXPECT_EQ(doubled.inputs[0].name, "pictures");
  EXPECT_EQ(doubled.inputs[0].type, "float32");
  EXPECT_THAT(doubled.inputs[0].shape, ElementsAre(-1, 4, 6, 4));
  ASSERT_EQ(doubled.outputs.size(), 1U);
  EXPECT_EQ(doubled.outputs[0].name, "twice");
  // Which of the two is meant nobody said: then there is a list, and nothing else.
  EXPECT_TRUE(inside->inputs.empty());
  EXPECT_TRUE(inside->operators.empty());
  EXPECT_THAT(inside->signatures, ElementsAre("doubled", "halves"));
}

tensorflow::GraphDef graph_in(const std::string& name) {
  tensorflow::GraphDef graph;
  const std::vector<Part> parts = sample(name);
  EXPECT_TRUE(graph.ParseFromArray(parts[0].bytes.data(), static_cast<int>(parts[0].bytes.size())));
  return graph;
}

std::vector<Part> file_of(const tensorflow::GraphDef& graph) {
  const std::string text = graph.SerializeAsString();
  const auto bytes = std::as_bytes(std::span(text));
  return {{.name = "graph.pb", .bytes = {bytes.begin(), bytes.end()}}};
}

tensorflow::NodeDef& node_in(tensorflow::GraphDef& graph, const std::string& name) {
  for (tensorflow::NodeDef& node : *graph.mutable_node())
    if (node.name() == name) return node;
  throw std::out_of_range(name);
}

tensorflow::AttrValue& attribute_in(tensorflow::NodeDef& node, const std::string& name) {
  for (tensorflow::Attribute& each : *node.mutable_attr())
    if (each.key() == name) return *each.mutable_value();
  tensorflow::Attribute* added = node.add_attr();
  added->set_key(name);
  return *added->mutable_value();
}

/// The numbers of a constant, changed.
void change(tensorflow::GraphDef& graph, const std::string& name,
            const std::function<void(std::vector<float>&)>& edit) {
  tensorflow::TensorProto& tensor = *attribute_in(node_in(graph, name), "value").mutable_tensor();
  std::vector<float> values(tensor.float_val().begin(), tensor.float_val().end());
  if (values.empty()) {
    values.resize(tensor.tensor_content().size() / sizeof(float));
    std::memcpy(values.data(), tensor.tensor_content().data(), tensor.tensor_content().size());
  }
  edit(values);
  tensor.clear_float_val();
  tensor.set_tensor_content(
      std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)));
}

/// What an importer could get wrong must not pass the comparison with TensorFlow.
TEST(Tensorflow, NoticesEveryMistake) {
  const auto off = [](const std::function<void(tensorflow::GraphDef&)>& mistake) {
    tensorflow::GraphDef graph = graph_in("slim.pb");
    mistake(graph);
    const auto onnx = import_parts("tensorflow", file_of(graph));
    return onnx ? difference(*onnx, "slim", "embeddings", true)
                : std::numeric_limits<double>::infinity();
  };
  EXPECT_LT(off([](tensorflow::GraphDef&) {}), 2e-6);
  constexpr double kNoticed = 1e-4;
  EXPECT_GT(off([](tensorflow::GraphDef& graph) {
              attribute_in(node_in(graph, "Second/BatchNorm/cond/FusedBatchNormV3_1"), "epsilon")
                  .set_f(1e-5F);
            }),
            kNoticed);
  EXPECT_GT(off([](tensorflow::GraphDef& graph) {
              change(graph, "First/BatchNorm/batchnorm_1/add/y",
                     [](std::vector<float>& values) { values[0] = 1e-5F; });
            }),
            kNoticed);
  EXPECT_GT(off([](tensorflow::GraphDef& graph) {
              attribute_in(node_in(graph, "Branch_1/Conv2D"), "padding").set_s("VALID");
            }),
            kNoticed);
  // [3, 3, 3, 3]: channels exchanged, and the kernel turned.
  const auto swapped = [](std::size_t a, std::size_t b) {
    return [a, b](tensorflow::GraphDef& graph) {
      change(graph, "First/weights", [&](std::vector<float>& values) {
        std::vector<float> old = values;
        for (std::size_t i = 0; i < values.size(); ++i) {
          const std::size_t at_a = i / a % 3;
          const std::size_t at_b = i / b % 3;
          values[i] = old[i - at_a * a - at_b * b + at_b * a + at_a * b];
        }
      });
    };
  };
  EXPECT_GT(off(swapped(27, 9)), kNoticed);  // height and width
  EXPECT_GT(off([](tensorflow::GraphDef& graph) {
              change(graph, "First/weights", [](std::vector<float>& values) {
                for (std::size_t i = 0; i < values.size(); i += 9)
                  std::swap_ranges(&values[i], &values[i + 3], &values[i + 6]);  // red and blue
              });
            }),
            kNoticed);
  EXPECT_GT(off([](tensorflow::GraphDef& graph) {
              tensorflow::NodeDef& node = node_in(graph, "phase_train");
              node.set_op("Const");
              tensorflow::TensorProto& value = *attribute_in(node, "value").mutable_tensor();
              value.set_dtype(10);
              value.add_bool_val(true);
            }),
            kNoticed);
}

/// SAME pads behind: the picture of 7×6 of the second layer by one row behind and one on each side
/// would be another network, if the padding were the same on both sides.
TEST(Tensorflow, NoticesPaddingOfTheOtherSide) {
  graph::Graph graph = *graph::read_onnx(*import_parts("tensorflow", sample("slim.pb")));
  bool changed = false;
  for (graph::Node& node : graph.nodes)
    for (auto& [key, value] : node.attributes) {
      auto* pads = key == "pads" ? std::get_if<std::vector<std::int64_t>>(&value) : nullptr;
      if (pads == nullptr || (*pads)[1] == (*pads)[3]) continue;
      std::swap((*pads)[1], (*pads)[3]);
      changed = true;
    }
  ASSERT_TRUE(changed);
  EXPECT_GT(difference(*graph::write_onnx(graph), "slim", "embeddings", true), 1e-4);
}

TEST(Tensorflow, TellsWhatIsInside) {
  const auto frozen = inspect(sample("slim.pb"));
  ASSERT_TRUE(frozen) << frozen.error().message;
  EXPECT_EQ(frozen->format, "TensorFlow frozen graph");
  EXPECT_EQ(frozen->importer, "tensorflow");
  ASSERT_EQ(frozen->inputs.size(), 1U);
  EXPECT_EQ(frozen->inputs[0].name, "input");
  EXPECT_THAT(frozen->inputs[0].shape, ElementsAre(-1, 15, 14, 3));
  ASSERT_EQ(frozen->outputs.size(), 1U);
  EXPECT_EQ(frozen->outputs[0].name, "embeddings");
  EXPECT_THAT(frozen->outputs[0].shape,
              ElementsAre(-1, expected()["slim"]["outputs"]["embeddings"]["shape"][1]));
  EXPECT_EQ(frozen->operators.at("Conv2D"), 5U);

  const auto saved = inspect(sample("one.savedmodel"));
  ASSERT_TRUE(saved) << saved.error().message;
  EXPECT_EQ(saved->format, "TensorFlow SavedModel");
  EXPECT_THAT(saved->producer, HasSubstr("TensorFlow 2.15"));
  EXPECT_THAT(saved->signatures, ElementsAre("as_maps", "serving_default"));
  EXPECT_EQ(saved->inputs[0].name, "pictures");
  EXPECT_EQ(saved->outputs[0].name, "rows");
  ASSERT_EQ(saved->weights.size(), 3U);
  EXPECT_EQ(saved->weights[0].name, "a/bias");
  // Kernel, bias, depthwise kernel; the factor 4 is a constant.
  EXPECT_EQ(saved->parameters, 3U * 2 * 2 * 3 + 3 + 3 * 3 * 3 * 2);

  const auto checkpoint = inspect(sample("slim.meta"));
  ASSERT_TRUE(checkpoint) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->format, "TensorFlow checkpoint");
  EXPECT_EQ(checkpoint->outputs[0].name, "embeddings");
}

std::string refusal(const tensorflow::GraphDef& graph) {
  const auto onnx = import_parts("tensorflow", file_of(graph));
  return onnx ? "it was read" : onnx.error().message;
}

// Three times as large in steps of two is no size whose windows are as many as there are numbers.
TEST(Tensorflow, WantsSizesOfTransposedConvolutionsThatFollowTheirInput) {
  tensorflow::GraphDef graph = graph_in("../layers/any.pb");
  EXPECT_EQ(refusal(graph), "it was read");
  int changed = 0;
  for (tensorflow::NodeDef& node : *graph.mutable_node()) {
    if (!node.name().ends_with("/mul/y")) continue;
    attribute_in(node, "value").mutable_tensor()->set_int_val(0, 3);
    ++changed;
  }
  EXPECT_EQ(changed, 2);
  EXPECT_THAT(refusal(graph), testing::HasSubstr("Conv2DBackpropInput"));
  EXPECT_THAT(refusal(graph), testing::HasSubstr("as many steps as its input's"));
}

TEST(Tensorflow, NamesEverythingThatItDoesNotKnow) {
  tensorflow::GraphDef graph = graph_in("operators.pb");
  for (tensorflow::NodeDef& node : *graph.mutable_node()) {
    if (node.op() == "Exp") node.set_op("Digamma");
    if (node.op() == "Tanh") node.set_op("Sinh\n");
    if (node.op() == "MaxPool") attribute_in(node, "padding").set_s("SOMEHOW");
  }
  EXPECT_EQ(refusal(graph),
            "the TensorFlow importer does not know the operator Digamma; the operator Sinh?");
  for (tensorflow::NodeDef& node : *graph.mutable_node())
    if (node.op() == "Sinh\n") node.set_op("Tanh");
  EXPECT_EQ(
      refusal(graph),
      "the TensorFlow importer does not know the operator Digamma; MaxPool (MaxPool2d), which "
      "needs padding that is SAME, VALID or EXPLICIT");
}

tensorflow::NodeDef& add_node(tensorflow::GraphDef& graph, const std::string& op,
                              const std::string& name, const std::vector<std::string>& inputs) {
  tensorflow::NodeDef& node = *graph.add_node();
  node.set_op(op);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
  attribute_in(node, "T").set_type(1);
  attribute_in(node, "dtype").set_type(1);
  return node;
}

TEST(Tensorflow, RefusesGraphsThatAreNone) {
  tensorflow::GraphDef loop;
  add_node(loop, "Placeholder", "x", {});
  add_node(loop, "Add", "a", {"x", "b"});
  add_node(loop, "Relu", "b", {"a"});
  add_node(loop, "Relu", "embeddings", {"b"});
  EXPECT_EQ(refusal(loop), "the TensorFlow importer does not know loops");
  tensorflow::GraphDef missing;
  add_node(missing, "Relu", "embeddings", {"gone"});
  EXPECT_THAT(refusal(missing), HasSubstr("reads \"gone\", which is not there"));
  tensorflow::GraphDef twice;
  add_node(twice, "Placeholder", "embeddings", {});
  add_node(twice, "Placeholder", "embeddings", {});
  EXPECT_THAT(refusal(twice), HasSubstr("two nodes have one name"));
  tensorflow::GraphDef variable;
  add_node(variable, "VariableV2", "v", {});
  add_node(variable, "Relu", "embeddings", {"v"});
  EXPECT_THAT(refusal(variable), HasSubstr("needs a checkpoint or a SavedModel"));
  tensorflow::GraphDef depends;
  add_node(depends, "Placeholder", "x", {});
  add_node(depends, "Switch", "s", {"x", "x"});
  add_node(depends, "Relu", "embeddings", {"s"});
  EXPECT_THAT(refusal(depends), HasSubstr("a branch that depends on the pictures"));
}

// Keras writes silu so, with a gradient of its own: IdentityN hands on all that it gets.
TEST(Tensorflow, HandsOnAllThatAnIdentityNGets) {
  tensorflow::GraphDef graph;
  add_node(graph, "Placeholder", "x", {});
  add_node(graph, "Sigmoid", "s", {"x"});
  add_node(graph, "Mul", "m", {"x", "s"});
  add_node(graph, "IdentityN", "i", {"m", "s"});
  add_node(graph, "Sub", "embeddings", {"i", "i:1"});
  const auto onnx = import_parts("tensorflow", file_of(graph));
  ASSERT_TRUE(onnx) << onnx.error().message;
  const auto made = graph::read_onnx(*onnx);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->nodes.size(), 3U);
  EXPECT_EQ(made->nodes[2].op, "Sub");
  EXPECT_EQ(made->nodes[2].inputs[0], made->nodes[1].outputs[0]);
  EXPECT_EQ(made->nodes[2].inputs[1], made->nodes[0].outputs[0]);
}

// Each boolean is made of the one before, twice: 2^60 ways to the first.
TEST(Tensorflow, FindsABooleanThatIsReadOftenOnce) {
  tensorflow::GraphDef graph;
  add_node(graph, "Placeholder", "x", {});
  attribute_in(add_node(graph, "Placeholder", "b0", {}), "dtype").set_type(10);
  for (int i = 1; i <= 60; ++i) {
    const std::string before = "b" + std::to_string(i - 1);
    add_node(graph, i % 2 == 0 ? "LogicalAnd" : "LogicalOr", "b" + std::to_string(i),
             {before, before});
  }
  add_node(graph, "LogicalNot", "b", {"b60"});
  add_node(graph, "Switch", "s", {"x", "b"});
  add_node(graph, "Sigmoid", "off", {"s"});
  add_node(graph, "Tanh", "on", {"s:1"});
  add_node(graph, "Merge", "embeddings", {"off", "on"});
  const auto onnx = import_parts("tensorflow", file_of(graph));
  ASSERT_TRUE(onnx) << onnx.error().message;
  EXPECT_THAT(operators(*onnx), ElementsAre("Tanh"));  // nobody trains: b0 is false, and b true
}

/// Functions that call themselves, and functions that call two others each: 2^30 nodes.
TEST(Tensorflow, BoundsCallsInEachOther) {
  for (const bool wide : {false, true}) {
    tensorflow::GraphDef graph;
    add_node(graph, "Placeholder", "x", {});
    tensorflow::NodeDef& call = add_node(graph, "PartitionedCall", "embeddings", {"x"});
    attribute_in(call, "f").mutable_func()->set_name("f0");
    constexpr int kFunctions = 30;
    for (int i = 0; i < kFunctions; ++i) {
      tensorflow::FunctionDef& function = *graph.mutable_library()->add_function();
      function.mutable_signature()->set_name("f" + std::to_string(i));
      function.mutable_signature()->add_input_arg()->set_name("a");
      function.mutable_signature()->add_output_arg()->set_name("r");
      const std::string callee = "f" + std::to_string(wide ? (i + 1) % kFunctions : i);
      std::string input = "a";
      for (const char* name : {"c", "d"}) {
        tensorflow::NodeDef& inner = *function.add_node_def();
        inner.set_op("PartitionedCall");
        inner.set_name(name);
        inner.add_input(input);
        attribute_in(inner, "f").mutable_func()->set_name(callee);
        input = std::string(name) + ":output:0";
      }
      tensorflow::Returned& returned = *function.add_ret();
      returned.set_key("r");
      returned.set_value(input);
    }
    EXPECT_THAT(refusal(graph), testing::AnyOf(HasSubstr("too many functions call each other"),
                                               HasSubstr("too many nodes")));
  }
}

// 4 MB of nodes with nothing in them: GraphDef.node is field 1.
TEST(Tensorflow, RefusesMorePartsThanAnyNetworkHas) {
  tensorflow::GraphDef graph;
  add_node(graph, "Placeholder", "embeddings", {});
  std::vector<Part> parts = file_of(graph);
  for (int i = 0; i < 1 << 21; ++i)
    parts[0].bytes.insert(parts[0].bytes.end(), {std::byte{0x0A}, std::byte{0}});
  const auto onnx = import_parts("tensorflow", parts);
  ASSERT_FALSE(onnx);
  EXPECT_EQ(onnx.error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(onnx.error().message, "the file has more parts than any network");
}

TEST(Tensorflow, RefusesConstantsThatAreNotThere) {
  tensorflow::GraphDef graph;
  add_node(graph, "Placeholder", "x", {});
  tensorflow::TensorProto& tensor =
      *attribute_in(add_node(graph, "Const", "c", {}), "value").mutable_tensor();
  tensor.set_dtype(1);
  tensor.mutable_tensor_shape()->add_dim()->set_size(1 << 28);
  tensor.add_float_val(1);
  add_node(graph, "Add", "embeddings", {"x", "c"});
  EXPECT_THAT(refusal(graph), HasSubstr("larger than its file"));
  tensor.mutable_tensor_shape()->add_dim()->set_size(1 << 28);
  EXPECT_THAT(refusal(graph), HasSubstr("is too large"));
  tensor.mutable_tensor_shape()->clear_dim();
  tensor.mutable_tensor_shape()->add_dim()->set_size(3);
  tensor.clear_float_val();
  tensor.set_tensor_content("12345678");
  EXPECT_THAT(refusal(graph), HasSubstr("another size than its shape"));
}

// Nine lists that are there in full, of float32 and float16: together more than 2^24 numbers.
TEST(Tensorflow, ReadsLargeConstantsThatAreThere) {
  constexpr int kCount = (1 << 21) + 1;
  tensorflow::GraphDef graph;
  add_node(graph, "Placeholder", "x", {});
  std::string product = "x";
  for (int i = 1; i <= 9; ++i) {
    const bool is_half = i % 3 == 0;
    const std::string name = "c" + std::to_string(i);
    tensorflow::TensorProto& tensor =
        *attribute_in(add_node(graph, "Const", name, {}), "value").mutable_tensor();
    tensor.set_dtype(is_half ? 19 : 1);
    tensor.mutable_tensor_shape()->add_dim()->set_size(kCount);
    if (is_half)
      tensor.mutable_half_val()->Resize(kCount, 0x3C00);
    else
      tensor.mutable_float_val()->Resize(kCount, 1);
    const std::string made = i == 9 ? "embeddings" : "m" + std::to_string(i);
    add_node(graph, "Mul", made, {product, name});
    product = made;
  }
  EXPECT_EQ(refusal(graph), "it was read");
}

// One wrong byte, or an end too early: refused or read, but never beyond the file (the sanitizers
// watch).
TEST(Tensorflow, SurvivesDamage) {
  for (const char* name : {"operators.pb", "one.savedmodel", "slim.index"}) {
    const std::vector<Part> parts = sample(name);
    int refused = 0;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const std::size_t size = parts[part].bytes.size();
      const std::size_t step = std::max<std::size_t>(size / 100, 1);
      for (std::size_t i = 0; i < size; i += step) {
        std::vector<Part> wrong = parts;
        wrong[part].bytes[i] ^= std::byte{0xff};
        refused += import_parts("tensorflow", wrong) ? 0 : 1;
        refused += inspect(wrong) ? 0 : 1;
        wrong[part].bytes.resize(i);
        refused += import_parts("tensorflow", wrong) ? 0 : 1;
      }
    }
    EXPECT_GT(refused, 100) << name;
  }
}

TEST(Tensorflow, NoticesWrongNumbersByTheirChecksum) {
  std::vector<Part> parts = sample("slim.index");
  ASSERT_EQ(parts[1].name, "slim.data-00000-of-00001");
  parts[1].bytes[100] ^= std::byte{1};
  EXPECT_THAT(import_parts("tensorflow", parts).error().message,
              HasSubstr("numbers have another checksum"));
}

/// Writes tables as LevelDB does, one block after the other.
class TableWriter {
 public:
  /// A key that shares so much with the one before, and its value.
  TableWriter& entry(std::uint64_t shared, const std::string& unshared, const std::string& value) {
    varint(block_, shared);
    varint(block_, unshared.size());
    varint(block_, value.size());
    block_ += unshared + value;
    return *this;
  }
  /// Ends the block. What says where it lies.
  std::string block() {
    std::string handle;
    varint(handle, file_.size());
    block_ += std::string(4, '\0');  // no restarts
    varint(handle, block_.size());
    block_ += '\0';  // not compressed
    const std::uint32_t crc = crc32c(std::as_bytes(std::span(block_)));
    const std::uint32_t masked = std::rotr(crc, 15) + 0xa282ead8U;
    file_ += std::exchange(block_, {});
    file_.append(reinterpret_cast<const char*>(&masked), sizeof masked);
    return handle;
  }
  std::vector<std::byte> finish(const std::string& meta, const std::string& index) {
    std::string footer = meta + index;
    footer.resize(40);
    file_ += footer + "\x57\xfb\x80\x8b\x24\x75\x47\xdb";
    const auto bytes = std::as_bytes(std::span(file_));
    return {bytes.begin(), bytes.end()};
  }

 private:
  static void varint(std::string& out, std::uint64_t number) {
    for (; number > 127; number >>= 7U) out += static_cast<char>(number | 128U);
    out += static_cast<char>(number);
  }
  std::string file_;
  std::string block_;
};

/// A table of one block with keys of 1,000 characters, each with a value of that size.
std::vector<std::byte> long_keys(int keys, std::size_t value) {
  TableWriter writer;
  writer.entry(0, std::string(999, 'k') + "0", std::string(value, 'v'));
  for (int i = 1; i < keys; ++i)
    writer.entry(999, std::string(1, static_cast<char>('0' + i)), std::string(value, 'v'));
  const std::string data = writer.block();
  const std::string index = writer.entry(0, "z", data).block();
  return writer.finish(data, index);
}

// 16 such keys are what LevelDB puts between two that stand there in full.
TEST(Bundle, BoundsKeysThatShareTheirBeginning) {
  const std::vector<std::byte> honest = long_keys(16, 20);
  const auto table = read_table(honest);
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_EQ(table->size(), 16U);
  EXPECT_EQ(table->back().first, std::string(999, 'k') + "?");
  const auto refused = read_table(long_keys(64, 0));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDecodeFailed);
  EXPECT_THAT(refused.error().message, HasSubstr("longer names than any network"));
}

TEST(Bundle, RefusesABlockThatIsReadAgainAndAgain) {
  TableWriter writer;
  const std::string data = writer.entry(0, "a", std::string(1000, 'v')).block();
  writer.entry(0, "b", data);
  const std::string index = writer.entry(0, "c", data).block();
  const auto refused = read_table(writer.finish(data, index));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("over each other"));
}

TEST(Tensorflow, NamesTheFileThatIsMissing) {
  std::vector<Part> parts = sample("slim.index");
  parts.erase(parts.begin() + 1);
  EXPECT_THAT(import_parts("tensorflow", parts).error().message,
              HasSubstr("1 files, of which 0 are there"));
  parts.pop_back();
  EXPECT_THAT(import_parts("tensorflow", parts).error().message, HasSubstr("slim.index"));
}

}  // namespace
}  // namespace visavis::modelkit
