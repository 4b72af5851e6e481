#include "visavis/export/export.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/import/import.hpp>
#include <visavis/import/sizes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

#include "caffe.hpp"
#include "coreml.hpp"
#include "tensorflow.hpp"
#include "tensorrt.hpp"
#include "tflite.hpp"

namespace visavis::modelkit {
namespace {

Result<std::vector<Part>> export_onnx(const graph::Graph& graph, const std::string& stem) {
  VISAVIS_TRY(bytes, graph::write_onnx(graph));
  std::vector<Part> parts;
  parts.push_back({.name = stem + ".onnx", .bytes = std::move(bytes)});
  return parts;
}

constexpr auto kExporters = std::to_array<Exporter>(
    {{.format = "ONNX", .suffix = ".onnx", .run = export_onnx},
     {.format = "Caffe", .suffix = ".prototxt", .run = export_caffe},
     {.format = "Core ML", .suffix = ".mlmodel", .run = export_coreml},
     {.format = "TensorFlow SavedModel",
      .suffix = ".savedmodel",
      .is_folder = true,
      .run = export_saved_model},
     {.format = "TensorFlow frozen graph", .suffix = ".pb", .run = export_frozen_graph},
     {.format = "TensorRT", .suffix = ".tensorrt", .is_folder = true, .run = export_tensorrt},
     {.format = "TensorFlow Lite", .suffix = ".tflite", .run = export_tflite}});

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::span<const Exporter> exporters() noexcept { return kExporters; }

const Exporter* exporter_for(const std::filesystem::path& path) {
  std::string suffix = path.extension().string();
  std::ranges::transform(suffix, suffix.begin(), lower);
  const auto* found = std::ranges::find(kExporters, suffix, &Exporter::suffix);
  return found == kExporters.end() ? nullptr : found;
}

Result<Export> export_network(const Exporter& exporter, const graph::Graph& graph,
                              const std::string& stem, std::int64_t size) {
  auto free = exporter.run(graph, stem);
  if (free) return Export{.parts = *std::move(free), .fixed_size = std::nullopt};
  if (free.error().code != ErrorCode::kUnsupported || !has_free_sizes(graph))
    return std::unexpected(std::move(free).error());
  VISAVIS_TRY(reference, runtime::find_engine("reference"));
  const auto fixed = fix_sizes(graph, size, runtime::evaluate_with(*reference));
  if (!fixed) return std::unexpected(std::move(free).error());
  VISAVIS_TRY(parts, exporter.run(*fixed, stem));
  return Export{.parts = std::move(parts), .fixed_size = size};
}

}  // namespace visavis::modelkit
