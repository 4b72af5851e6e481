#pragma once

/// What is looked at before a file reaches a foreign library.

#include <cstddef>
#include <span>
#include <string_view>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime {

/// Reads the model that every engine is given, so that all refuse the same files. Foreign readers
/// would follow a model's references to weights in other files of the working folder, and OpenVINO
/// takes its own format for ONNX.
/// @return kDecodeFailed or kUnsupported with one sentence.
[[nodiscard]] Result<graph::Graph> read_model(std::span<const std::byte> bytes);

/// True if layers compute in int8: operators such as QuantizeLinear or QLinearConv.
[[nodiscard]] bool is_quantised(const graph::Graph& graph);

/// What an engine that computes in f32, and in int8 where the model says so, is asked for.
/// @return kUnsupported for other precisions, and for int8 of a model that is not quantised.
[[nodiscard]] Result<void> check_precision(std::string_view engine, Precision precision,
                                           bool quantised);

}  // namespace visavis::runtime
