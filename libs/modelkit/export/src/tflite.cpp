#include "tflite.hpp"

#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/import/import.hpp>
#include <visavis/tflite/tflite.hpp>

#include "channels_last.hpp"

namespace visavis::modelkit {

Result<std::vector<Part>> export_tflite(const graph::Graph& graph, const std::string& stem) {
  VISAVIS_TRY(network, channels_last_of(graph));
  VISAVIS_TRY(bytes, tflite::write_tflite(network, {.halves = graph::has_halves(graph)}));
  std::vector<Part> parts;
  parts.push_back({.name = stem + ".tflite", .bytes = std::move(bytes)});
  return parts;
}

}  // namespace visavis::modelkit
