// Bytes as an ONNX model that goes to every format, and comes back from there, if it does, as an
// ONNX model.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>
#include <vector>
#include <visavis/export/export.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/import/import.hpp>

namespace {

using visavis::graph::Graph;

/// Whether it is worth the time: what is free becomes small, and no picture millions of rows.
bool is_small(const Graph& graph) {
  constexpr float kMostTimes = 1024;
  for (const auto& tensor : graph.initializers)
    if (const auto* values = std::get_if<std::vector<float>>(&tensor.values))
      if (std::ranges::any_of(*values, [](float x) { return x > kMostTimes; })) return false;
  for (const auto& info : graph.inputs) {
    auto shape = info.shape;
    for (auto& n : shape)
      if (n < 0) n = 16;
    const auto count = visavis::graph::element_count(shape);
    if (!count || *count > 4096) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto graph = visavis::graph::read_onnx(std::as_bytes(std::span(data, size)));
  if (!graph || !is_small(*graph)) return 0;
  const Graph simple = visavis::graph::fold_batch_norm(*graph);
  for (const Graph* one : {&*graph, &simple}) {
    for (const auto& exporter : visavis::modelkit::exporters()) {
      const auto written = visavis::modelkit::export_network(exporter, *one, "fuzz", 16);
      if (!written) continue;
      const auto inside = visavis::modelkit::inspect(written->parts, {});
      if (!inside || inside->importer.empty()) continue;
      const auto again = visavis::modelkit::import_parts(inside->importer, written->parts, {});
      if (again && !visavis::graph::read_onnx(*again)) std::abort();
    }
  }
  return 0;
}
