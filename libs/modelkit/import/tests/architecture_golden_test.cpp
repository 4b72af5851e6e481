/// The importers of architectures against PyTorch: tests/golden/architectures/*.json, made by
/// tests/golden/make_architecture_goldens.py, which also says how weights and pictures are made.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iomanip>
#include <limits>
#include <nlohmann/json.hpp>
#include <ranges>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/prepare.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/tests/farther.hpp>

#include "inception_resnet.hpp"
#include "state_dict.hpp"
#include "tensorflow_file.hpp"
#include "torch_file.hpp"

namespace visavis::modelkit {
namespace {

using Bytes = std::vector<std::byte>;
using testing::ElementsAre;
using Tensors = std::vector<TorchTensor>;
constexpr double kMaxDifference = 1e-4;
constexpr double kMinCosine = .999999;

nlohmann::json golden_of(const std::string& name) {
  return nlohmann::json::parse(std::ifstream(std::string(VISAVIS_SOURCE_DIR) +
                                             "/tests/golden/architectures/" + name + ".json"));
}

Tensors tensors_of(const nlohmann::json& golden) {
  Tensors out;
  for (const auto& module : golden["modules"])
    append_tensors({.kind = module[0], .name = module[1], .shape = module[2], .spread = module[3]},
                   out);
  return out;
}

TorchTensor& tensor(Tensors& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &TorchTensor::name);
  if (found == tensors.end()) throw std::out_of_range(name);
  return *found;
}

Result<Bytes> import(const std::string& importer, const Bytes& file) {
  return import_model(
      {.name = {}, .sha256 = {}, .source = {}, .importer = importer, .onnx_sha256 = {}}, file);
}

std::vector<float> random_pictures(std::size_t count, std::size_t size) {
  std::vector<float> out;
  for (std::size_t k = 0; k < count; ++k) {
    Numbers numbers("picture " + std::to_string(k));
    for (std::size_t i = 0; i < size; ++i) {
      double sum = 0;
      for (int twelfth = 0; twelfth < 12; ++twelfth) sum += numbers.unit();
      out.push_back(static_cast<float>(sum - 6));
    }
  }
  return out;
}

/// The test chip and the noise of make_model_goldens.py.
std::vector<float> chip_pictures(int width, int height) {
  Image noise(width, height);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : noise.bytes()) {
    state = 1664525U * state + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24U);
  }
  const models::Preparation preparation{.width = width,
                                        .height = height,
                                        .mean = {127.5F, 127.5F, 127.5F},
                                        .scale = {1 / 128.F, 1 / 128.F, 1 / 128.F}};
  std::vector<float> out(std::size_t{6} * static_cast<std::size_t>(width * height));
  models::prepare(models::test_chip(width, height).view(), preparation,
                  std::span(out).first(out.size() / 2));
  models::prepare(noise.view(), preparation, std::span(out).last(out.size() / 2));
  return out;
}

/// How an answer differs from a golden.
struct Difference {
  double most = std::numeric_limits<double>::infinity();
  double cosine = -1;                                       ///< The smallest of a picture's.
  double length = std::numeric_limits<double>::infinity();  ///< Of the vector of all differences.
};

Difference difference(std::span<const float> found, const nlohmann::json& golden) {
  const auto expected = golden["values"].get<std::vector<double>>();
  const std::size_t stride = golden["stride"];
  const std::size_t count = golden["shape"][0];
  const std::size_t row = found.size() / count;
  std::vector<std::array<double, 3>> products(count);
  Difference out{.most = 0, .cosine = 1, .length = 0};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto value = static_cast<double>(found[i * stride]);
    const double off = std::abs(value - expected[i]);
    out.most = tests::farther(out.most, off);
    out.length += off * off;
    auto& sums = products[i * stride / row];
    sums[0] += value * value;
    sums[1] += expected[i] * expected[i];
    sums[2] += value * expected[i];
  }
  out.length = std::sqrt(out.length);
  for (const auto& [a, b, ab] : products) out.cosine = std::min(out.cosine, ab / std::sqrt(a * b));
  return out;
}

/// What a network makes of the golden's pictures; everything is infinitely far if it does not run.
Difference difference(const runtime::Engine& engine, const Bytes& onnx,
                      const nlohmann::json& golden) {
  const int width = golden["width"];
  const int height = golden["height"];
  const std::int64_t count = golden["shape"][0];
  const std::vector<float> input =
      golden["pictures"] == "random"
          ? random_pictures(static_cast<std::size_t>(count),
                            std::size_t{3} * static_cast<std::size_t>(width * height))
          : chip_pictures(width, height);
  const auto model = engine.load(onnx, {});
  if (!model || (*model)->outputs()[0].name != golden["output"]) return {};
  const auto session = (*model)->session();
  if (!session) return {};
  const std::vector<std::int64_t> shape = {count, 3, height, width};
  const runtime::TensorView view = runtime::view_of(input, shape);
  const auto outputs = (*session)->run({&view, 1});
  if (!outputs || (*outputs)[0].shape != golden["shape"].get<std::vector<std::int64_t>>())
    return {};
  return difference((*outputs)[0].floats(), golden);
}

std::string scientific(double value) {
  std::ostringstream text;
  text << std::setprecision(3) << value;
  return text.str();
}

class Architecture : public testing::TestWithParam<const char*> {
 protected:
  nlohmann::json golden_ = golden_of(GetParam());
  Tensors tensors_ = tensors_of(golden_);
};

TEST_P(Architecture, HasTheWeightsOfTheGolden) {
  Bytes all;
  for (const TorchTensor& each : tensors_) {
    const auto bytes = std::as_bytes(std::span(each.values));
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  EXPECT_EQ(visavis::to_hex(sha256(all)), golden_["weights_sha256"]);
}

TEST_P(Architecture, AnswersLikePyTorch) {
  const Bytes file = torch_file(tensors_);
  int ran = 0;
  for (const auto& golden : golden_["networks"]) {
    const auto onnx = import(golden["importer"], file);
    ASSERT_TRUE(onnx) << onnx.error().message;
    for (const runtime::EngineEntry& entry : runtime::engines()) {
      if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
      ++ran;
      const Difference found = difference(*entry.engine, *onnx, golden);
      EXPECT_LE(found.most, kMaxDifference) << entry.name << " " << golden["importer"];
      EXPECT_GE(found.cosine, kMinCosine) << entry.name << " " << golden["importer"];
      const std::string what = std::string(entry.name) + " " +
                               golden["importer"].get<std::string>() + " " +
                               golden["pictures"].get<std::string>();
      RecordProperty(what, "largest difference " + scientific(found.most) + ", 1 - cosine " +
                               scientific(1 - found.cosine) + ", length of the difference " +
                               scientific(found.length));
    }
  }
  if (ran == 0) GTEST_SKIP() << "no engine is usable here";
}

class ArchitectureMistakes : public Architecture {};

/// The weights that make an importer with another ε of the one there is.
void shift_epsilon(Tensors& tensors, float by) {
  for (TorchTensor& each : tensors)
    if (each.name.ends_with(".running_var"))
      for (float& variance : each.values) variance += by;
}

TorchTensor& first_kernel(Tensors& tensors) {
  return *std::ranges::find_if(
      tensors, [](const auto& each) { return each.shape.size() == 4 && each.shape[2] == 3; });
}

void transpose_first_kernel(Tensors& tensors) {
  TorchTensor& kernel = first_kernel(tensors);
  for (std::size_t plane = 0; plane < kernel.values.size(); plane += 9)
    for (std::size_t y = 0; y < 3; ++y)
      for (std::size_t x = 0; x < y; ++x)
        std::swap(kernel.values[plane + 3 * y + x], kernel.values[plane + 3 * x + y]);
}

void swap_red_and_blue(Tensors& tensors) {
  TorchTensor& kernel = first_kernel(tensors);
  for (std::size_t output = 0; output < kernel.values.size(); output += 27)
    std::swap_ranges(&kernel.values[output], &kernel.values[output + 9],
                     &kernel.values[output + 18]);
}

/// All of the last padded convolution's padding at one side.
void shift_padding(graph::Graph& graph) {
  for (graph::Node& node : graph.nodes | std::views::reverse)
    for (auto& [key, value] : node.attributes) {
      auto* pads = key == "pads" ? std::get_if<std::vector<std::int64_t>>(&value) : nullptr;
      if (pads == nullptr || (*pads)[0] + (*pads)[1] == 0) continue;
      *pads = {0, 0, 2 * (*pads)[0], 2 * (*pads)[1]};
      return;
    }
}

void relu_after_last_block(graph::Graph& graph) {
  for (auto node = graph.nodes.begin(); node != graph.nodes.end(); ++node) {
    if (node->inputs[0] != "block8.sum") continue;
    node->inputs[0] = "wrong";
    graph.nodes.insert(node, {.op = "Relu",
                              .name = "",
                              .inputs = {"block8.sum"},
                              .outputs = {"wrong"},
                              .attributes = {}});
    return;
  }
}

/// ReLU6 as ReLU.
void lift_bounds(graph::Graph& graph) {
  for (graph::Tensor& tensor : graph.initializers)
    if (tensor.name.ends_with(".high")) tensor.values = std::vector<float>{1e6F};
}

Bytes with(const Bytes& onnx, const std::function<void(graph::Graph&)>& change) {
  graph::Graph graph = *graph::read_onnx(onnx);
  change(graph);
  return *graph::write_onnx(graph);
}

/// What an importer could get wrong must not pass the comparison above.
TEST_P(ArchitectureMistakes, AreNoticed) {
  const Result<const runtime::Engine*> engine = runtime::find_engine("auto");
  if (!engine) GTEST_SKIP() << engine.error().message;
  const auto& golden = *std::ranges::find_if(
      golden_["networks"], [](const auto& each) { return each["pictures"] == "chips"; });
  const std::string importer = golden["importer"];
  const bool inception = importer == "pytorch:inception-resnet-v1";
  std::vector<std::pair<std::string, std::function<void(Tensors&)>>> mistakes = {
      {"another epsilon",
       [&](Tensors& all) { shift_epsilon(all, inception ? 1e-5F - 1e-3F : 1e-5F); }},
      {"transposed kernel", transpose_first_kernel},
      {"swapped channels", swap_red_and_blue}};
  if (inception)
    for (const char* block : {"repeat_1.4", "repeat_2.9", "repeat_3.4", "block8"})
      mistakes.emplace_back(std::string("scale of ") + block, [block](Tensors& all) {
        for (const char* part : {".conv2d.weight", ".conv2d.bias"})
          for (float& value : tensor(all, std::string(block) + part).values) value *= .9F;
      });
  for (const auto& [name, make] : mistakes) {
    Tensors wrong = tensors_;
    make(wrong);
    const Difference found = difference(**engine, *import(importer, torch_file(wrong)), golden);
    EXPECT_GT(found.most, 3 * kMaxDifference) << name;
    EXPECT_TRUE(std::isfinite(found.most)) << name;
  }
  const Bytes onnx = *import(importer, torch_file(tensors_));
  EXPECT_GT(difference(**engine, with(onnx, shift_padding), golden).most, 3 * kMaxDifference);
  if (graph::read_onnx(onnx)->nodes[1].op == "Clip") {
    EXPECT_GT(difference(**engine, with(onnx, lift_bounds), golden).most, 3 * kMaxDifference);
  }
  if (inception) {
    const Bytes wrong = with(onnx, relu_after_last_block);
    EXPECT_NE(wrong.size(), onnx.size());
    EXPECT_GT(difference(**engine, wrong, golden).most, 3 * kMaxDifference);
  }
}

std::string without_dashes(const testing::TestParamInfo<const char*>& param) {
  std::string name = param.param;
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, Architecture,
                         testing::Values("inception-resnet-v1", "iresnet-18", "iresnet-34",
                                         "iresnet-50", "iresnet-100", "mobilefacenet-arcface",
                                         "mobilefacenet-arcface-large", "mobilefacenet-treb1en",
                                         "mobilefacenet-foamliu"),
                         without_dashes);
// The deeper ones are made by the same lines.
INSTANTIATE_TEST_SUITE_P(Each, ArchitectureMistakes,
                         testing::Values("inception-resnet-v1", "iresnet-18",
                                         "mobilefacenet-arcface", "mobilefacenet-treb1en",
                                         "mobilefacenet-foamliu"),
                         without_dashes);

/// FaceNet as TensorFlow has it, against facenet-pytorch with the same weights.
class Facenet : public testing::Test {
 protected:
  [[nodiscard]] static Result<Bytes> import_graph(const Tensors& tensors,
                                                  const nlohmann::json& golden, bool fused,
                                                  std::int64_t size = 512) {
    return import("tensorflow",
                  FacenetGraph(tensors, golden["height"], golden["width"], size, fused).write());
  }

  nlohmann::json golden_ = golden_of("inception-resnet-v1");
  Tensors tensors_ = tensors_of(golden_);
};

TEST_F(Facenet, AnswersAsAFrozenGraphLikePyTorch) {
  int ran = 0;
  for (auto golden : golden_["networks"]) {
    if (golden["output"] != "embedding") continue;
    golden["output"] = "embeddings";
    for (const bool fused : {false, true}) {
      const auto onnx = import_graph(tensors_, golden, fused);
      ASSERT_TRUE(onnx) << onnx.error().message;
      for (const runtime::EngineEntry& entry : runtime::engines()) {
        if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
        ++ran;
        const Difference found = difference(*entry.engine, *onnx, golden);
        EXPECT_LE(found.most, kMaxDifference) << entry.name << " " << golden["pictures"];
        EXPECT_GE(found.cosine, kMinCosine) << entry.name << " " << golden["pictures"];
        RecordProperty(std::string(entry.name) + " " + golden["pictures"].get<std::string>() +
                           (fused ? " fused" : ""),
                       "largest difference " + scientific(found.most) + ", 1 - cosine " +
                           scientific(1 - found.cosine) + ", length of the difference " +
                           scientific(found.length));
      }
    }
  }
  if (ran == 0) GTEST_SKIP() << "no engine is usable here";
}

/// The graph of 2017 has the first 128 of such numbers, made a unit vector by themselves.
TEST_F(Facenet, Has128NumbersWhereTheGraphSaysSo) {
  const Result<const runtime::Engine*> engine = runtime::find_engine("auto");
  if (!engine) GTEST_SKIP() << engine.error().message;
  nlohmann::json golden = golden_["networks"][0];
  ASSERT_EQ(golden["stride"], 1);
  constexpr std::size_t kSize = 128;
  const auto all = golden["values"].get<std::vector<double>>();
  std::vector<double> rows;
  for (std::size_t row = 0; row < all.size(); row += 512) {
    double length = 0;
    for (std::size_t i = 0; i < kSize; ++i) length += all[row + i] * all[row + i];
    for (std::size_t i = 0; i < kSize; ++i) rows.push_back(all[row + i] / std::sqrt(length));
  }
  golden["values"] = rows;
  golden["shape"] = {5, kSize};
  golden["output"] = "embeddings";
  const auto onnx = import_graph(tensors_, golden, false, kSize);
  ASSERT_TRUE(onnx) << onnx.error().message;
  const Difference found = difference(**engine, *onnx, golden);
  EXPECT_LE(found.most, kMaxDifference);
  EXPECT_GE(found.cosine, kMinCosine);
}

TEST_F(Facenet, NoticesMistakes) {
  const Result<const runtime::Engine*> engine = runtime::find_engine("auto");
  if (!engine) GTEST_SKIP() << engine.error().message;
  nlohmann::json golden = golden_["networks"][1];
  golden["output"] = "embeddings";
  const std::vector<std::pair<const char*, std::function<void(Tensors&)>>> mistakes = {
      {"another epsilon", [](Tensors& all) { shift_epsilon(all, 1e-5F - 1e-3F); }},
      {"transposed kernel", transpose_first_kernel},
      {"swapped channels", swap_red_and_blue}};
  for (const auto& [name, make] : mistakes) {
    Tensors wrong = tensors_;
    make(wrong);
    const Difference found = difference(**engine, *import_graph(wrong, golden, false), golden);
    EXPECT_GT(found.most, 3 * kMaxDifference) << name;
    EXPECT_TRUE(std::isfinite(found.most)) << name;
  }
}

/// tests/golden/make_untrained_golden.py
TEST(Untrained, HasTheWeightsThatPyTorchDraws) {
  const nlohmann::json goldens = golden_of("untrained");
  ASSERT_EQ(goldens["networks"].size(), 3U);
  for (const auto& golden : goldens["networks"]) {
    const std::int64_t classes = golden["classes"];
    const auto file = untrained(golden["architecture"].get<std::string>(), classes, golden["seed"]);
    ASSERT_TRUE(file) << file.error().message;
    const auto weights = StateDict::read(*file);
    ASSERT_TRUE(weights) << weights.error().message;
    EXPECT_EQ(weights->format(), "NumPy arrays");
    Bytes all;
    for (const Wanted& tensor : inception_resnet_v1_tensors(classes)) {
      const auto values = weights->floats(tensor.name, tensor.shape);
      ASSERT_TRUE(values) << values.error().message;
      if (all.empty()) {
        EXPECT_EQ(std::vector(values->begin(), values->begin() + 4),
                  golden["first"].get<std::vector<float>>());
      }
      const auto bytes = std::as_bytes(std::span(*values));
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    EXPECT_EQ(all.size(), golden["count"].get<std::size_t>() * sizeof(float));
    EXPECT_EQ(visavis::to_hex(sha256(all)), golden["weights_sha256"]);
  }
}

TEST(Untrained, IsImported) {
  const auto file = untrained("inception-resnet-v1", 10, 1);
  ASSERT_TRUE(file) << file.error().message;
  const auto outputs = [&](const char* importer) {
    return graph::read_onnx(import(importer, *file).value()).value().outputs;
  };
  EXPECT_THAT(outputs("pytorch:inception-resnet-v1")[0].shape, ElementsAre(-1, 512));
  EXPECT_THAT(outputs("pytorch:inception-resnet-v1-classify")[0].shape, ElementsAre(-1, 10));
  const auto no_head = untrained("inception-resnet-v1", 0, 1);
  ASSERT_TRUE(no_head) << no_head.error().message;
  const auto refused = import("pytorch:inception-resnet-v1-classify", *no_head);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kModelMismatch);
}

TEST(Untrained, RefusesWhatIsNotKnown) {
  const auto unknown = untrained("resnet-50", 10, 1);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("inception-resnet-v1"));
  for (const std::int64_t classes :
       {std::int64_t{-1}, std::int64_t{1'000'001}, std::numeric_limits<std::int64_t>::max()}) {
    const auto refused = untrained("inception-resnet-v1", classes, 1);
    ASSERT_FALSE(refused) << classes;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  }
}

Tensors renamed(Tensors tensors, const std::string& prefix) {
  for (TorchTensor& each : tensors) each.name = prefix + each.name;
  return tensors;
}

// DataParallel and training scripts put names in front, and keep a head that is not wanted.
TEST(ArchitectureFile, IsReadUnderAnyPrefix) {
  struct Case {
    const char* golden;
    const char* importer;
    const char* prefix;
    const char* nested;
  };
  for (const Case& each :
       {Case{"mobilefacenet-treb1en", "pytorch:mobilefacenet", "module.", ""},
        Case{"mobilefacenet-arcface", "pytorch:mobilefacenet", "backbone.", "state_dict_backbone"},
        Case{"mobilefacenet-foamliu", "pytorch:mobilefacenet", "module.", ""},
        Case{"iresnet-18", "pytorch:iresnet-magface", "features.module.", "state_dict"}}) {
    const Tensors tensors = tensors_of(golden_of(each.golden));
    Tensors other = renamed(tensors, each.prefix);
    other.push_back({.name = "fc.weight", .shape = {2, 1}, .values = {1, 2}});
    other.push_back(
        {.name = std::string(each.prefix) + "bn.num_batches_tracked", .shape = {}, .values = {3}});
    const auto plain = import(each.importer, torch_file(tensors));
    const auto found = import(each.importer, torch_file(other, each.nested));
    ASSERT_TRUE(plain) << plain.error().message;
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(*plain, *found) << each.prefix;
  }
}

TEST(ArchitectureFile, TellsItsImporters) {
  const auto importers = [](const Tensors& tensors) {
    const auto found = inspect(torch_file(tensors));
    return found ? found->importers : std::vector<std::string>{found.error().message};
  };
  EXPECT_THAT(importers(renamed(tensors_of(golden_of("iresnet-18")), "module.")),
              ElementsAre("pytorch:iresnet", "pytorch:iresnet-magface"));
  EXPECT_THAT(importers(tensors_of(golden_of("inception-resnet-v1"))),
              ElementsAre("pytorch:inception-resnet-v1", "pytorch:inception-resnet-v1-classify"));
  for (const char* layout :
       {"mobilefacenet-arcface", "mobilefacenet-treb1en", "mobilefacenet-foamliu"})
    EXPECT_THAT(importers(tensors_of(golden_of(layout))), ElementsAre("pytorch:mobilefacenet"));
  EXPECT_THAT(importers({{.name = "x", .shape = {1}, .values = {1}}}), ElementsAre());
}

class ArchitectureMismatch : public testing::Test {
 protected:
  [[nodiscard]] std::string refusal(const char* importer = "pytorch:mobilefacenet") const {
    const auto onnx = import(importer, torch_file(tensors_));
    if (onnx) return "it was read";
    EXPECT_EQ(onnx.error().code, ErrorCode::kModelMismatch);
    return onnx.error().message;
  }

  Tensors tensors_ = tensors_of(golden_of("mobilefacenet-treb1en"));
};

TEST_F(ArchitectureMismatch, NamesWhatIsMissingDifferentAndLeftOver) {
  tensor(tensors_, "conv_45.conv.bn.running_var").name = "conv_45.conv.bn.variance";
  TorchTensor& linear = tensor(tensors_, "linear.weight");
  linear.shape = {256, 1024};
  EXPECT_EQ(refusal(),
            "these weights belong to another network than mobilefacenet; 1 weight is missing "
            "(conv_45.conv.bn.running_var); 5 are not as they should be (linear.weight has shape "
            "[256, 1024], not [256, 512], bn.weight has shape [512], not [256], bn.bias has shape "
            "[512], not [256], bn.running_mean has shape [512], not [256], bn.running_var has "
            "shape [512], not [256]); 1 is left over (conv_45.conv.bn.variance)");
}

TEST_F(ArchitectureMismatch, NamesNumbersThatNoNetworkHas) {
  tensor(tensors_, "conv1.conv.weight").values[5] = std::numeric_limits<float>::quiet_NaN();
  tensor(tensors_, "bn.running_var").values[7] = -1;
  EXPECT_EQ(refusal(),
            "these weights belong to another network than mobilefacenet; 2 are not as they should "
            "be (conv1.conv.weight has numbers that are not finite, bn.running_var has negative "
            "numbers)");
}

TEST_F(ArchitectureMismatch, StaysShortAndPrintable) {
  for (int i = 0; i < 2000; ++i)
    tensors_.push_back({.name = std::to_string(i) + std::string(3000, 'x') + "\n\x1b[2J",
                        .shape = {1},
                        .values = {1}});
  const std::string message = refusal();
  EXPECT_LT(message.size(), 1000U);
  EXPECT_NE(message.find("2000 are left over (0xxx"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST_F(ArchitectureMismatch, TellsOtherNetworksApart) {
  EXPECT_NE(refusal("pytorch:inception-resnet-v1").find("weights are missing (conv2d_1a.conv."),
            std::string::npos);
  EXPECT_EQ(refusal("pytorch:iresnet"),
            "these weights belong to no iResNet-18, -34, -50 or -100: layer1 to layer4 have 0, 0, "
            "0, 0 blocks");
  tensors_ = tensors_of(golden_of("inception-resnet-v1"));
  std::erase_if(tensors_, [](const auto& each) { return each.name.starts_with("logits."); });
  EXPECT_EQ(refusal("pytorch:inception-resnet-v1"), "it was read");
  EXPECT_NE(refusal("pytorch:inception-resnet-v1-classify")
                .find("; 2 weights are missing (logits.weight, logits.bias)"),
            std::string::npos);
}

}  // namespace
}  // namespace visavis::modelkit
