#pragma once

/// ONNX files in and out.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::graph {

/// A file beside an ONNX model that keeps some of its weights ("external data").
struct OnnxData {
  std::string_view name;  ///< As the model names it, relative to its folder.
  std::span<const std::byte> bytes;
};

/// Reads an ONNX model. The result passes `validate`. Documentation, metadata and the shapes of
/// inner values are dropped; old files that list weights among the inputs lose those inputs.
/// @param beside  the files of `external_files`
/// @return kDecodeFailed for bytes that are no well-formed model, which names the defect: operators
/// that read each other in a circle, a value defined twice, a tensor of another size than its shape
/// says, weights in a file that is not among `beside` or is too short. kUnsupported, with all that
/// is not known at once, for operators of another domain, subgraphs, functions, sparse tensors,
/// operator sets above 25 and element types other than float32, float16, int64, int32, int8 and
/// uint8. kResourceExhausted for more than 2 GiB of weights in other files, and for more than a
/// million nodes, their inputs, outputs and attributes, and weights, all together.
[[nodiscard]] Result<Graph> read_onnx(std::span<const std::byte> file,
                                      std::span<const OnnxData> beside = {});

/// The files beside a model that its weights lie in, each once, in the order in which the model
/// names them; empty if there are none, or if the bytes are no ONNX model.
/// @return kDecodeFailed for a name that is no plain relative path: an absolute one, one with "..",
/// a backslash or a control character; kUnsupported for more than 10,000 files.
[[nodiscard]] Result<std::vector<std::string>> external_files(std::span<const std::byte> file);

/// Whether the bytes are an ONNX model by their form, however wrong its graph may be.
[[nodiscard]] bool looks_like_onnx(std::span<const std::byte> file);

/// Writes an ONNX model (IR version 8). The same graph gives the same bytes; read_onnx gives it
/// back.
/// @return kInvalidArgument if the graph is not valid or above the 2 GiB that the format allows.
[[nodiscard]] Result<std::vector<std::byte>> write_onnx(const Graph& graph);

}  // namespace visavis::graph
