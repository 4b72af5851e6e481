#pragma once

/// What is looked at before a file reaches a foreign library.

#include <cstddef>
#include <span>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::runtime {

/// Reads the model that every engine is given, so that all refuse the same files. Foreign readers
/// would follow a model's references to weights in other files of the working folder, and OpenVINO
/// takes its own format for ONNX.
/// @return kDecodeFailed or kUnsupported with one sentence.
[[nodiscard]] Result<graph::Graph> read_model(std::span<const std::byte> bytes);

/// True if layers compute in int8: operators such as QuantizeLinear or QLinearConv.
[[nodiscard]] bool is_quantised(const graph::Graph& graph);

}  // namespace visavis::runtime
