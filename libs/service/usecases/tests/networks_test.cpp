#include "visavis/usecases/networks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/image/encode.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class NetworksTest : public testing::Test {
 protected:
  NetworksTest()
      : folder_(fs::temp_directory_path() /
                ("visavis-networks-" +
                 std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~NetworksTest() override { fs::remove_all(folder_); }

  /// A convolution of 3 channels to 2 with normalisation behind it.
  /// @param step  if it is not 0, the input is rounded to steps of this size
  fs::path network(const std::string& name, float weight, float step = 0) const {
    graph::Graph graph;
    graph.name = name;
    graph.inputs = {{.name = "x", .shape = {-1, 3, 4, 4}}};
    graph.outputs = {{.name = "y", .shape = {-1, 2, 4, 4}}};
    const auto constant = [&](const char* called, std::vector<std::int64_t> shape,
                              std::vector<float> values) {
      graph.initializers.push_back(
          {.name = called, .shape = std::move(shape), .values = std::move(values)});
    };
    constant("weights", {2, 3, 1, 1}, {weight, .5F, -1, 2, .25F, 1});
    constant("gamma", {2}, {2, 3});
    constant("beta", {2}, {.1F, .2F});
    constant("mean", {2}, {.3F, -.4F});
    constant("variance", {2}, {.5F, 1.5F});
    graph.nodes = {{.op = "Conv",
                    .name = {},
                    .inputs = {"x", "weights"},
                    .outputs = {"conv"},
                    .attributes = {}},
                   {.op = "BatchNormalization",
                    .name = {},
                    .inputs = {"conv", "gamma", "beta", "mean", "variance"},
                    .outputs = {"y"},
                    .attributes = {}}};
    if (step > 0) {
      constant("step", {}, {step});
      graph.initializers.push_back(
          {.name = "zero", .shape = {}, .values = std::vector<std::int8_t>{0}});
      const auto first = [&](const char* op, const char* from, const char* to) {
        graph.nodes.insert(graph.nodes.begin(), {.op = op,
                                                 .name = {},
                                                 .inputs = {from, "step", "zero"},
                                                 .outputs = {to},
                                                 .attributes = {}});
      };
      graph.nodes[0].inputs[0] = "rounded";
      first("DequantizeLinear", "steps", "rounded");
      first("QuantizeLinear", "x", "steps");
    }
    const fs::path path = folder_ / (name + ".onnx");
    EXPECT_TRUE(write_file(path, *graph::write_onnx(graph)));
    return path;
  }

  static std::string certify(const Equivalence& answer) {
    return answer.equivalent ? "the same" : "not the same";
  }

  fs::path folder_;
};

std::size_t nodes_in(const fs::path& path) {
  return graph::read_onnx(*read_file(path, 1 << 20))->nodes.size();
}

TEST_F(NetworksTest, ConvertsAndCertifies) {
  const auto answer =
      convert_network({.path = network("a", 1)}, {.path = folder_ / "b.onnx"}, {}, certify);
  ASSERT_TRUE(answer) << answer.error().error.message;
  EXPECT_TRUE(answer->equivalent);
  EXPECT_EQ(nodes_in(folder_ / "b.onnx"), 1);
  const auto certificate = read_file(folder_ / "b.onnx.certificate.json", 100);
  ASSERT_TRUE(certificate);
  EXPECT_EQ(certificate->size(), std::string("the same").size());
  EXPECT_EQ(answer->source.sha256.size(), 64);
  EXPECT_NE(answer->source.sha256, answer->result.sha256);
  ASSERT_EQ(answer->result.files.size(), 1U);
  const auto written = read_file(folder_ / "b.onnx", 1 << 20);
  EXPECT_EQ(answer->result.files[0].name, "b.onnx");
  EXPECT_EQ(answer->result.files[0].bytes, written->size());
  EXPECT_EQ(answer->result.files[0].sha256, to_hex(sha256(*written)));
  EXPECT_EQ(answer->result.engine_version, "1");  // the reference engine's
  EXPECT_EQ(answer->source.parameters, 14);
  EXPECT_EQ(answer->result.parameters, 8);  // six weights, two biases
}

/// Six windows of 3 in steps of 2: 127 pixels are the fewest. Behind them one number for each
/// channel, which Caffe has of one size alone.
fs::path tower(const fs::path& path) {
  graph::Graph graph;
  graph.name = "tower";
  graph.inputs = {{.name = "x", .shape = {-1, 1, -1, -1}}};
  graph.outputs = {{.name = "y", .shape = {-1, 1}}};
  graph.initializers.push_back({.name = "w", .shape = {1, 1, 3, 3}, .values = std::vector(9, .1F)});
  std::string x = "x";
  for (int i = 0; i < 6; ++i) {
    const std::string y = "c" + std::to_string(i);
    graph.nodes.push_back({.op = "Conv",
                           .name = y,
                           .inputs = {x, "w"},
                           .outputs = {y},
                           .attributes = {{"strides", std::vector<std::int64_t>{2, 2}}}});
    x = y;
  }
  graph.nodes.push_back({.op = "GlobalAveragePool",
                         .name = "mean",
                         .inputs = {x},
                         .outputs = {"mean"},
                         .attributes = {}});
  graph.nodes.push_back(
      {.op = "Flatten", .name = "y", .inputs = {"mean"}, .outputs = {"y"}, .attributes = {}});
  EXPECT_TRUE(write_file(path, *graph::write_onnx(graph)));
  return path;
}

TEST_F(NetworksTest, AsksAtASizeThatFits) {
  const fs::path source = tower(folder_ / "tower.onnx");
  const auto layers = inspect_layers({.path = source}, {});
  ASSERT_TRUE(layers) << layers.error().error.message;
  const auto small = inspect_layers({.path = source}, {.free_size = 64});
  ASSERT_FALSE(small);
  EXPECT_EQ(small.error().cause, Cause::kInput);
  EXPECT_NE(small.error().error.message.find("--size 160"), std::string::npos)
      << small.error().error.message;
  // A folder may have a slash at its end.
  const auto free =
      convert_network({.path = source}, {.path = folder_ / "tower.savedmodel" / ""}, {}, certify);
  ASSERT_TRUE(free) << free.error().error.message;
  EXPECT_TRUE(free->equivalent);
  EXPECT_FALSE(free->fixed_size);
  EXPECT_TRUE(fs::exists(folder_ / "tower.savedmodel" / "saved_model.pb"));
  EXPECT_TRUE(fs::exists(folder_ / "tower.savedmodel.certificate.json"));
  const auto fixed =
      convert_network({.path = source}, {.path = folder_ / "tower.prototxt"}, {}, certify);
  ASSERT_TRUE(fixed) << fixed.error().error.message;
  EXPECT_TRUE(fixed->equivalent);
  EXPECT_EQ(fixed->fixed_size, 160);
  // What the result has is asked.
  const auto both = compare_networks({.path = source}, {.path = folder_ / "tower.prototxt"}, {});
  ASSERT_TRUE(both) << both.error().error.message;
  EXPECT_TRUE(both->equivalent);
}

TEST_F(NetworksTest, DrawsOverNothing) {
  const fs::path drawing = folder_ / "a.svg";
  ASSERT_TRUE(inspect_layers({.path = network("a", 1)}, {.drawing = drawing}));
  const auto again = inspect_layers({.path = network("a", 1)}, {.drawing = drawing});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().cause, Cause::kUsage);
}

TEST_F(NetworksTest, LeavesANetworkAsItIs) {
  const auto answer = convert_network({.path = network("a", 1)},
                                      {.path = folder_ / "b.onnx", .simplify = false}, {}, certify);
  ASSERT_TRUE(answer);
  EXPECT_EQ(nodes_in(folder_ / "b.onnx"), 2);
}

TEST_F(NetworksTest, WritesNothingThatIsNotTheSame) {
  // Folding rounds, and nothing may differ here.
  const auto answer = convert_network({.path = network("a", 1)}, {.path = folder_ / "b.onnx"},
                                      {.max_abs = 0, .min_cosine = 1}, certify);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->equivalent);
  EXPECT_FALSE(fs::exists(folder_ / "b.onnx"));
  EXPECT_FALSE(fs::exists(folder_ / "b.onnx.certificate.json"));
}

TEST_F(NetworksTest, OverwritesNothing) {
  const fs::path other = network("b", 2);
  const auto before = read_file(other, 1 << 20);
  const auto answer = convert_network({.path = network("a", 1)}, {.path = other}, {}, certify);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().cause, Cause::kUsage);
  EXPECT_EQ(*read_file(other, 1 << 20), *before);

  ASSERT_TRUE(write_file(folder_ / "c.onnx.certificate.json", "kept"));
  EXPECT_FALSE(
      convert_network({.path = network("a", 1)}, {.path = folder_ / "c.onnx"}, {}, certify));
  EXPECT_FALSE(fs::exists(folder_ / "c.onnx"));
}

TEST_F(NetworksTest, TellsTwoNetworksApart) {
  const auto answer =
      compare_networks({.path = network("a", 1)}, {.path = network("b", 1.01F)}, {});
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->equivalent);
  ASSERT_TRUE(answer->first);
  EXPECT_EQ(answer->first->op, "Conv");
}

// A source of steps is held to limits of its own, unless others are given.
TEST_F(NetworksTest, AllowsForStepsThatFallOtherwise) {
  const fs::path steps = network("a", 1, .01F);
  const fs::path near = network("b", 1.01F, .01F);
  const auto answer = compare_networks({.path = steps}, {.path = near}, {});
  ASSERT_TRUE(answer) << answer.error().error.message;
  EXPECT_TRUE(answer->equivalent);
  EXPECT_EQ(answer->limits.max_relative, kInt8MaxRelative);
  EXPECT_EQ(answer->limits.min_cosine, kInt8MinCosine);

  const auto strict = compare_networks({.path = steps}, {.path = near}, {.max_abs = 1e-4});
  ASSERT_TRUE(strict);
  EXPECT_FALSE(strict->equivalent);
  EXPECT_EQ(strict->limits.max_relative, 0);
  EXPECT_FALSE(strict->unrounded_limits);
  EXPECT_FALSE(compare_networks({.path = steps}, {.path = network("c", -9, .01F)}, {})->equivalent);
  EXPECT_FALSE(compare_networks({.path = network("d", 1)}, {.path = near}, {})->equivalent);
}

// Rounding would hide a weight that is off by a tenth.
TEST_F(NetworksTest, AsksNetworksOfStepsWithoutTheirRoundings) {
  const fs::path steps = network("a", 1, .01F);
  for (const fs::path& other : {network("b", 1.1F, .01F), network("c", 1.1F)}) {
    const auto answer = compare_networks({.path = steps}, {.path = other}, {});
    ASSERT_TRUE(answer) << answer.error().error.message;
    EXPECT_FALSE(answer->equivalent);
    ASSERT_EQ(answer->judgements.size(), 2);
    EXPECT_LT(answer->judgements[0].outputs[0].max_relative, kInt8MaxRelative);
    EXPECT_GT(answer->judgements[0].outputs[0].min_cosine, kInt8MinCosine);
    EXPECT_EQ(answer->judgements[1].inputs, "random, not rounded");
    ASSERT_TRUE(answer->unrounded_limits);
    EXPECT_EQ(answer->unrounded_limits->min_cosine, kUnroundedMinCosine);
  }
  EXPECT_TRUE(compare_networks({.path = steps}, {.path = network("d", 1, .01F)}, {})->equivalent);
}

TEST_F(NetworksTest, AsksWithPictures) {
  Image picture(8, 8);
  picture.bytes()[0] = 255;
  ASSERT_TRUE(write_file(folder_ / "chip.png", *image::encode_png(picture.view())));
  ASSERT_TRUE(write_file(folder_ / "broken.png", "\x89PNG\r\n"));
  const auto answer = compare_networks({.path = network("a", 1)}, {.path = network("b", 1)},
                                       {.random = 0, .chips = {folder_.string()}});
  ASSERT_TRUE(answer) << answer.error().error.message;
  EXPECT_TRUE(answer->equivalent);
  ASSERT_EQ(answer->judgements.size(), 1);
  EXPECT_EQ(answer->judgements[0].inputs, "chips");
  EXPECT_EQ(answer->judgements[0].samples, 1);
  ASSERT_EQ(answer->errors.size(), 1);
  EXPECT_EQ(answer->errors[0].path, (folder_ / "broken.png").string());
}

TEST_F(NetworksTest, ConvertsToOpenVinosForm) {
  const fs::path source = network("a", 1);
  const fs::path target = folder_ / "b.xml";
  const auto answer = convert_network({.path = source}, {.path = target}, {}, certify);
  if (!answer && answer.error().error.message.contains("a build with OpenVINO"))
    GTEST_SKIP() << answer.error().error.message;
  ASSERT_TRUE(answer) << answer.error().error.message;
  EXPECT_TRUE(answer->equivalent);
  EXPECT_EQ(answer->result.engine, "openvino");
  EXPECT_TRUE(fs::exists(folder_ / "b.xml.certificate.json"));
  const auto again = [&] { return compare_networks({.path = source}, {.path = target}, {}); };
  EXPECT_TRUE(again()->equivalent);
  // As OpenVINO itself reads it, and as we do.
  const auto theirs =
      compare_networks({.path = source}, {.path = target, .engine = "openvino"}, {});
  ASSERT_TRUE(theirs) << theirs.error().error.message;
  EXPECT_TRUE(theirs->equivalent);
  const auto back = convert_network({.path = target}, {.path = folder_ / "c.onnx"}, {}, certify);
  ASSERT_TRUE(back) << back.error().error.message;
  EXPECT_TRUE(back->equivalent);
  EXPECT_EQ(back->source.importer, "openvino");
  EXPECT_TRUE(compare_networks({.path = source}, {.path = folder_ / "c.onnx"}, {})->equivalent);
  const auto layers = inspect_layers({.path = target}, {});
  ASSERT_TRUE(layers) << layers.error().error.message;
  EXPECT_EQ(layers->multiply_adds, inspect_layers({.path = source}, {})->multiply_adds);

  // The sign of the first weight is another.
  auto weights = *read_file(folder_ / "b.bin", 1 << 20);
  weights[3] ^= std::byte{0x80};
  ASSERT_TRUE(write_file(folder_ / "b.bin", weights));
  const auto other = again();
  ASSERT_TRUE(other) << other.error().error.message;
  EXPECT_FALSE(other->equivalent);

  ASSERT_TRUE(write_file(folder_ / "b.bin", "short"));
  EXPECT_EQ(again().error().cause, Cause::kInput);
  fs::remove(folder_ / "b.bin");
  EXPECT_EQ(again().error().cause, Cause::kInput);
  ASSERT_TRUE(write_file(target, "<?xml version=\"1.0\"?><net"));
  ASSERT_TRUE(write_file(folder_ / "b.bin", weights));
  EXPECT_EQ(again().error().cause, Cause::kInput);
}

TEST_F(NetworksTest, SaysWhatIsWrong) {
  const fs::path good = network("a", 1);
  ASSERT_TRUE(write_file(folder_ / "text", "no network"));
  const auto cause = [&](const NetworkFile& file, const Questions& questions) {
    return compare_networks(file, {.path = good}, questions).error().cause;
  };
  EXPECT_EQ(cause({.path = folder_ / "text"}, {}), Cause::kInput);
  EXPECT_EQ(cause({.path = folder_ / "nothing"}, {}), Cause::kInput);
  EXPECT_EQ(cause({.path = good, .importer = "none"}, {}), Cause::kUsage);
  EXPECT_EQ(cause({.path = good, .engine = "none"}, {}), Cause::kUsage);
  EXPECT_EQ(cause({.path = good, .precision = "f7"}, {}), Cause::kUsage);
  EXPECT_EQ(cause({.path = good}, {.max_abs = -1}), Cause::kUsage);
  EXPECT_EQ(cause({.path = good}, {.random = 0}), Cause::kUsage);
  EXPECT_THAT(compare_networks({.path = good, .importer = "none"}, {.path = good}, {})
                  .error()
                  .error.message,
              HasSubstr("there is no importer none; known are: onnx, onnx:free-batch, "));
  const auto without_chips = [&](const fs::path& chips) {
    const auto answer =
        compare_networks({.path = good}, {.path = good}, {.random = 0, .chips = {chips.string()}});
    EXPECT_EQ(answer.error().cause, Cause::kInput);
    return answer.error().error.message;
  };
  EXPECT_THAT(without_chips(folder_ / "text"),
              HasSubstr("none of the chips can be read: " + (folder_ / "text").string() + ": "));
  EXPECT_THAT(without_chips(folder_ / "nothing"), HasSubstr("no such file"));
  fs::create_directories(folder_ / "empty");
  EXPECT_THAT(without_chips(folder_ / "empty"),
              HasSubstr("none of the chips can be read: " + (folder_ / "empty").string()));
}

}  // namespace
}  // namespace visavis::usecases
