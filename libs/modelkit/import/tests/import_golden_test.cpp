/// Every importer against the software that its original was made for: tests/golden/models/*.json,
/// made by tests/golden/make_model_goldens.py. The originals come from the downloads folder
/// (`visavis models fetch` fills it); without them the tests are skipped.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/models/network.hpp>
#include <visavis/models/prepare.hpp>
#include <visavis/models/store.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/tests/farther.hpp>

namespace visavis::modelkit {
namespace {

using Bytes = std::vector<std::byte>;
constexpr double kTolerance = 1e-4;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::filesystem::path downloads() {
  if (const char* cache = std::getenv("VISAVIS_CACHE"))
    return std::filesystem::path(cache) / "downloads";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home == nullptr ? "/" : home) / ".cache/visavis/downloads";
}

models::Manifest manifest_of(const std::string& id) {
  const auto bytes =
      read_file(std::string(VISAVIS_SOURCE_DIR) + "/models/" + id + ".json", 1U << 20U);
  return *models::parse_manifest({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
}

nlohmann::json golden_of(const std::string& id) {
  return nlohmann::json::parse(
      std::ifstream(std::string(VISAVIS_SOURCE_DIR) + "/tests/golden/models/" + id + ".json"));
}

/// The noise of make_model_goldens.py.
Image noise(int width, int height) {
  Image image(width, height);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : image.bytes()) {
    state = 1664525U * state + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24U);
  }
  return image;
}

/// Both pictures as one batch.
std::vector<float> batch_of_two(const models::Preparation& preparation, int width, int height) {
  const std::size_t size = static_cast<std::size_t>(models::channels(preparation)) *
                           static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  std::vector<float> input(2 * size);
  models::prepare(models::test_chip(width, height).view(), preparation,
                  std::span(input).first(size));
  models::prepare(noise(width, height).view(), preparation, std::span(input).last(size));
  return input;
}

using Outputs = std::map<std::string, std::vector<float>>;

/// Runs as one batch of two, or one after the other where the network takes one only.
Result<Outputs> run(const runtime::Model& model, std::span<const float> input,
                    std::vector<std::int64_t> shape) {
  VISAVIS_TRY(session, model.session());
  const std::int64_t step = model.inputs()[0].shape[0] == 1 ? 1 : 2;
  shape[0] = step;
  Outputs out;
  for (std::int64_t done = 0; done < 2; done += step) {
    const std::size_t size = input.size() / 2;
    const runtime::TensorView view = runtime::view_of(
        input.subspan(static_cast<std::size_t>(done) * size, static_cast<std::size_t>(step) * size),
        shape);
    VISAVIS_TRY(tensors, session->run({&view, 1}));
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const std::span<const float> values = tensors[i].floats();
      std::vector<float>& all = out[model.outputs()[i].name];
      all.insert(all.end(), values.begin(), values.end());
    }
  }
  return out;
}

/// The largest difference from the golden of one network; infinite if it does not even run.
double distance(const runtime::Engine& engine, const Bytes& onnx, const nlohmann::json& golden,
                const models::Preparation& preparation) {
  const auto model = engine.load(onnx, {});
  if (!model) return kInfinity;
  const int width = golden["width"];
  const int height = golden["height"];
  const auto outputs = run(**model, batch_of_two(preparation, width, height),
                           {2, models::channels(preparation), height, width});
  if (!outputs) return kInfinity;
  double most = 0;
  for (const auto& expected : golden["outputs"]) {
    const auto found = outputs->find(expected["name"]);
    std::size_t count = 1;
    for (const std::size_t n : expected["shape"]) count *= n;
    if (found == outputs->end() || found->second.size() != count) return kInfinity;
    const std::size_t stride = expected["stride"];
    const auto values = expected["values"].get<std::vector<double>>();
    for (std::size_t i = 0; i < values.size(); ++i)
      most = tests::farther(most,
                            std::abs(values[i] - static_cast<double>(found->second[i * stride])));
  }
  return most;
}

class ImportGolden : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    // Nothing is downloaded by a test: without PATH no client is found.
    const char* path = std::getenv("PATH");
    const std::string kept = path == nullptr ? "" : path;
    ::setenv("PATH", "/nonexistent", 1);
    for (const models::ModelFile& file : manifest_.files) {
      auto original = models::fetch_original(file, downloads(), {});
      if (original) originals_.push_back(*std::move(original));
    }
    ::setenv("PATH", kept.c_str(), 1);
    if (originals_.size() != manifest_.files.size())
      GTEST_SKIP() << "the package of " << GetParam() << " is not in " << downloads();
  }

  [[nodiscard]] const nlohmann::json& golden(std::size_t file) const {
    return golden_["networks"][file];
  }

  models::Manifest manifest_ = manifest_of(GetParam());
  nlohmann::json golden_ = golden_of(GetParam());
  std::vector<Bytes> originals_;
};

TEST_P(ImportGolden, MakesThePinnedBytes) {
  for (std::size_t i = 0; i < originals_.size(); ++i) {
    const auto onnx = import_model(manifest_.files[i], originals_[i]);
    ASSERT_TRUE(onnx) << onnx.error().message;
    EXPECT_EQ(visavis::to_hex(sha256(*onnx)), manifest_.files[i].onnx_sha256)
        << manifest_.files[i].name;
  }
}

TEST_P(ImportGolden, AnswersLikeTheOriginal) {
  int ran = 0;
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    if (entry.engine == nullptr || !entry.engine->probe().usable) continue;
    ++ran;
    for (std::size_t i = 0; i < originals_.size(); ++i) {
      const auto onnx = import_model(manifest_.files[i], originals_[i]);
      ASSERT_TRUE(onnx) << onnx.error().message;
      EXPECT_LE(distance(*entry.engine, *onnx, golden(i), manifest_.preparation), kTolerance)
          << entry.name << " " << manifest_.files[i].name;
    }
  }
  if (ran == 0) GTEST_SKIP() << "no engine is usable here";
}

std::vector<float>* first_kernel(graph::Graph& graph, graph::Shape* shape) {
  for (graph::Tensor& tensor : graph.initializers)
    if (tensor.shape.size() == 4 && tensor.shape[2] > 1) {
      *shape = tensor.shape;
      return std::get_if<std::vector<float>>(&tensor.values);
    }
  return nullptr;
}

/// Red and blue change places.
void swap_channels(graph::Graph& graph) {
  graph::Shape shape;
  std::vector<float>& kernel = *first_kernel(graph, &shape);
  const auto area = static_cast<std::size_t>(shape[2] * shape[3]);
  const auto in = static_cast<std::size_t>(shape[1]);
  for (std::size_t out = 0; out < static_cast<std::size_t>(shape[0]); ++out)
    for (std::size_t i = 0; i < area; ++i)
      std::swap(kernel[out * in * area + i], kernel[(out * in + in - 1) * area + i]);
}

void transpose_kernel(graph::Graph& graph) {
  graph::Shape shape;
  std::vector<float>& kernel = *first_kernel(graph, &shape);
  const auto side = static_cast<std::size_t>(shape[2]);
  for (std::size_t plane = 0; plane < kernel.size(); plane += side * side)
    for (std::size_t y = 0; y < side; ++y)
      for (std::size_t x = 0; x < y; ++x)
        std::swap(kernel[plane + y * side + x], kernel[plane + x * side + y]);
}

void set_attribute(graph::Graph& graph, const std::string& op, const std::string& name,
                   const std::function<void(graph::Attribute&)>& change) {
  for (graph::Node& node : graph.nodes)
    for (auto& [key, value] : node.attributes)
      if (node.op == op && key == name) change(value);
}

void pool_by_floor(graph::Graph& graph) {
  set_attribute(graph, "MaxPool", "ceil_mode", [](graph::Attribute& a) { a = std::int64_t{0}; });
}

/// The odd pixel of padding in front instead of behind.
void shift_padding(graph::Graph& graph) {
  set_attribute(graph, "Conv", "pads", [](graph::Attribute& a) {
    auto& pads = std::get<std::vector<std::int64_t>>(a);
    std::swap(pads[0], pads[2]);
    std::swap(pads[1], pads[3]);
  });
}

void halve_slopes(graph::Graph& graph) {
  for (const graph::Node& node : graph.nodes)
    for (graph::Tensor& tensor : graph.initializers)
      if (node.op == "PRelu" && tensor.name == node.inputs[1])
        for (float& slope : std::get<std::vector<float>>(tensor.values)) slope /= 2;
}

void rows_first(graph::Graph& graph) {
  set_attribute(graph, "Transpose", "perm",
                [](graph::Attribute& a) { a = std::vector<std::int64_t>{0, 2, 3, 1}; });
}

/// What an importer could get wrong must not pass the comparison above.
TEST_P(ImportGolden, NoticesMistakes) {
  const Result<const runtime::Engine*> engine = runtime::find_engine("auto");
  if (!engine) GTEST_SKIP() << engine.error().message;
  const std::string id = GetParam();
  std::vector<std::pair<const char*, std::function<void(graph::Graph&)>>> mistakes = {
      {"transposed kernel", transpose_kernel}};
  if (id != "faceplugin-landmark-68") mistakes.emplace_back("swapped channels", swap_channels);
  if (id == "mtcnn") mistakes.emplace_back("floor pooling", pool_by_floor);
  if (id == "mobilefacenet-192") mistakes.emplace_back("shifted padding", shift_padding);
  if (id == "mtcnn" || id == "mobilefacenet-192")
    mistakes.emplace_back("halved slopes", halve_slopes);
  for (std::size_t i = 0; i < originals_.size(); ++i) {
    const Bytes onnx = *import_model(manifest_.files[i], originals_[i]);
    auto here = mistakes;
    if (id == "mtcnn" && i > 0) here.emplace_back("rows first", rows_first);
    for (const auto& [name, make] : here) {
      graph::Graph graph = *graph::read_onnx(onnx);
      make(graph);
      const Bytes wrong = *graph::write_onnx(graph);
      ASSERT_NE(wrong, onnx) << name;
      EXPECT_GT(distance(**engine, wrong, golden(i), manifest_.preparation), 10 * kTolerance)
          << manifest_.files[i].name << " with " << name;
    }
  }
}

/// The manifest's own golden: right as it stands, wrong with any other way of making the tensor.
TEST_P(ImportGolden, ManifestCatchesWrongPreparation) {
  const Result<const runtime::Engine*> engine = runtime::find_engine("auto");
  if (!engine) GTEST_SKIP() << engine.error().message;
  models::Network network{.manifest = manifest_, .parts = {}, .times = {}};
  for (std::size_t i = 0; i < originals_.size(); ++i)
    network.parts[manifest_.files[i].name] =
        *(*engine)->load(*import_model(manifest_.files[i], originals_[i]), {});
  const auto passes = [&](auto change) {
    network.manifest = manifest_;
    change(network.manifest.preparation);
    const auto checks = models::verify_network(network);
    return checks && !checks->empty() &&
           std::ranges::all_of(*checks, [](const auto& check) { return check.passed; });
  };
  using models::ColourOrder;
  EXPECT_TRUE(passes([](models::Preparation&) {}));
  EXPECT_FALSE(passes([](models::Preparation& p) { p.mean.fill(p.mean[0] + .5F); }));
  EXPECT_FALSE(passes([](models::Preparation& p) { p.scale.fill(p.scale[0] * 128 / 127.5F); }));
  if (manifest_.preparation.colour != ColourOrder::kGrey) {
    EXPECT_FALSE(passes([](models::Preparation& p) {
      p.colour = p.colour == ColourOrder::kRgb ? ColourOrder::kBgr : ColourOrder::kRgb;
    }));
  }
}

INSTANTIATE_TEST_SUITE_P(Models, ImportGolden,
                         testing::Values("mtcnn", "faceplugin-detect", "faceplugin-landmark-68",
                                         "faceplugin-512", "mobilefacenet-192", "dlib-resnet-128"),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace visavis::modelkit
