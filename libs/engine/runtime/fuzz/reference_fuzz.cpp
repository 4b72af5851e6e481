// Bytes as an ONNX model: read, written, read again, and run by the reference engine on zeros.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/runtime/engine.hpp>

namespace {

using visavis::runtime::ElementType;

/// What is written must be readable, and be written again as the same bytes.
void check_round_trip(const visavis::graph::Graph& graph) {
  const auto written = visavis::graph::write_onnx(graph);
  if (!written) std::abort();
  const auto again = visavis::graph::read_onnx(*written);
  if (!again) std::abort();
  const auto rewritten = visavis::graph::write_onnx(*again);
  if (!rewritten || *rewritten != *written) std::abort();
}

/// Free dimensions become 2; inputs above a few thousand elements are not worth the time.
void run(const visavis::runtime::Model& model) {
  std::vector<visavis::runtime::Tensor> inputs;
  for (const auto& spec : model.inputs()) {
    visavis::runtime::Tensor tensor{.type = spec.type, .shape = spec.shape, .bytes = {}};
    for (auto& n : tensor.shape)
      if (n < 0) n = 2;
    const auto count = visavis::graph::element_count(tensor.shape);
    if (!count || *count > 4096) return;
    tensor.bytes.resize(*count * (spec.type == ElementType::kFloat32 ? 4 : 8));
    inputs.push_back(std::move(tensor));
  }
  std::vector<visavis::runtime::TensorView> views;
  for (const auto& input : inputs)
    views.push_back({.type = input.type, .shape = input.shape, .bytes = input.bytes});
  const auto session = model.session();
  if (!session) std::abort();
  const auto outputs = (*session)->run(views);
  if (outputs && outputs->size() != model.outputs().size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto files = visavis::graph::external_files(bytes);
  if (!files) return 0;
  std::vector<visavis::graph::OnnxData> beside;  // all hold the model itself
  for (const std::string& name : *files) beside.push_back({.name = name, .bytes = bytes});
  const auto graph = visavis::graph::read_onnx(bytes, beside);
  if (!graph) return 0;
  check_round_trip(*graph);
  if (const auto freed = visavis::graph::free_batch(*graph)) check_round_trip(*freed);
  const auto engine = visavis::runtime::find_engine("reference");
  if (!engine) std::abort();
  const auto model = (*engine)->load(
      bytes, {.cache_dir = {}, .extra = {{"max_elements", std::to_string(1 << 14)}}});
  if (model) run(**model);
  return 0;
}
