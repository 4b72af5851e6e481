#pragma once

/// ONNX files in and out.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::graph {

/// Reads an ONNX model. The result passes `validate`. Documentation, metadata and the shapes of
/// inner values are dropped; old files that list weights among the inputs lose those inputs.
/// @return kDecodeFailed for bytes that are no well-formed model, and for weights outside the file;
/// kUnsupported for operators of another domain, subgraphs, functions, sparse tensors and element
/// types other than float32, float16, int64, int32, int8 and uint8.
[[nodiscard]] Result<Graph> read_onnx(std::span<const std::byte> file);

/// Writes an ONNX model (IR version 8). The same graph gives the same bytes; read_onnx gives it
/// back.
/// @return kInvalidArgument if the graph is not valid or above the 2 GiB that the format allows.
[[nodiscard]] Result<std::vector<std::byte>> write_onnx(const Graph& graph);

}  // namespace visavis::graph
