#pragma once

/// TensorRT, whose plans are built where the GPU is.

#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {

/// A folder with network.onnx and build.sh, which hands it to TensorRT's `trtexec` with the sizes
/// that free dimensions may have: 1 to 32 samples, heights and widths of 12 to 4096.
/// @return kUnsupported with all that TensorRT's parser does not take (onnx-tensorrt,
/// docs/operators.md of TensorRT 8.4, the oldest of the versions that are current)
[[nodiscard]] Result<std::vector<Part>> export_tensorrt(const graph::Graph& graph,
                                                        const std::string& stem);

}  // namespace visavis::modelkit
