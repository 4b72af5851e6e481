/// Whole architectures, with weights by a formula and batch normalisations that all differ, as
/// OpenVINO writes them, read again: the same network.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/import/import.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/openvino_ir.hpp>

#include "../../import/tests/torch_file.hpp"

namespace visavis::modelkit {
namespace {

using Bytes = std::vector<std::byte>;

struct Architecture {
  const char* importer;
  const char* golden;  ///< Which lists the modules.
  std::int64_t size;   ///< Of the picture.
};

/// The network of the importer, of the weights that tests/golden/make_architecture_goldens.py
/// makes.
Result<Bytes> made_up(const Architecture& architecture) {
  const auto golden = nlohmann::json::parse(std::ifstream(std::string(VISAVIS_SOURCE_DIR) +
                                                          "/tests/golden/architectures/" +
                                                          architecture.golden + ".json"));
  std::vector<TorchTensor> tensors;
  for (const auto& module : golden["modules"])
    append_tensors({.kind = module[0], .name = module[1], .shape = module[2], .spread = module[3]},
                   tensors);
  const std::vector<Part> parts = {{.name = "weights.pt", .bytes = torch_file(tensors)}};
  return import_parts(architecture.importer, parts);
}

Result<Bytes> as_openvino_writes_it(const Bytes& onnx) {
  VISAVIS_TRY(ir, runtime::to_openvino_ir(onnx));
  const auto xml = std::as_bytes(std::span(ir.xml));
  const std::vector<Part> parts = {{.name = "net.xml", .bytes = {xml.begin(), xml.end()}},
                                   {.name = "net.bin", .bytes = std::move(ir.weights)}};
  return import_parts("openvino", parts);
}

/// Of numbers from -1 to 1, each another.
SampleSet pictures(std::size_t count, std::int64_t size) {
  SampleSet set{.kind = "random", .samples = {}};
  for (std::size_t i = 0; i < count; ++i) {
    Numbers numbers("picture " + std::to_string(i));
    std::vector<float> values(static_cast<std::size_t>(3 * size * size));
    for (float& value : values) value = static_cast<float>(2 * numbers.unit() - 1);
    set.samples.push_back({tensor_of({1, 3, size, size}, values)});
  }
  return set;
}

class OpenVinoIrOf : public testing::TestWithParam<Architecture> {};

TEST_P(OpenVinoIrOf, AnArchitectureIsReadAgain) {
  const auto engine = runtime::find_engine("onnxruntime");
  if (!engine) GTEST_SKIP() << engine.error().message;
  const auto onnx = made_up(GetParam());
  ASSERT_TRUE(onnx) << onnx.error().message;
  const auto back = as_openvino_writes_it(*onnx);
  if (!back && back.error().code == ErrorCode::kUnsupported) GTEST_SKIP() << back.error().message;
  ASSERT_TRUE(back) << back.error().message;
  const auto source = (*engine)->load(*onnx, {});
  const auto result = (*engine)->load(*back, {});
  ASSERT_TRUE(source && result);
  const SampleSet samples = pictures(2, GetParam().size);
  const auto same = compare({.model = *source}, {.model = *result}, {&samples, 1}, {});
  ASSERT_TRUE(same) << same.error().message;
  EXPECT_TRUE(same->equivalent) << same->judgements[0].outputs[0].max_abs << ", "
                                << same->judgements[0].outputs[0].min_cosine;
  // Answers to different pictures differ, so that another network would show.
  EXPECT_LT(same->judgements[0].self_cosine, .9);
}

INSTANTIATE_TEST_SUITE_P(Architectures, OpenVinoIrOf,
                         testing::Values(Architecture{"pytorch:iresnet", "iresnet-18", 112},
                                         Architecture{"pytorch:inception-resnet-v1",
                                                      "inception-resnet-v1", 160}),
                         [](const testing::TestParamInfo<Architecture>& test) {
                           return test.index == 0 ? "IResNet18" : "InceptionResNetV1";
                         });

}  // namespace
}  // namespace visavis::modelkit
