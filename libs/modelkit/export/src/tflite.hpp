#pragma once

/// TensorFlow Lite.

#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {

/// STEM.tflite. Inputs and outputs of four dimensions are NHWC there. A network with QuantizeLinear
/// and DequantizeLinear around its operators computes in int8 (tflite::write_tflite).
[[nodiscard]] Result<std::vector<Part>> export_tflite(const graph::Graph& graph,
                                                      const std::string& stem);

}  // namespace visavis::modelkit
