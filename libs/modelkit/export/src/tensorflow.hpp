#pragma once

/// TensorFlow's own files: a SavedModel for TensorFlow 2, and the frozen graph of TensorFlow 1.

#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {

/// A SavedModel with the tag "serve" and the signature "serving_default", whose inputs and outputs
/// are called as those of `graph`. Its weights are constants, so there is no folder variables/.
/// Pictures are NHWC, the batch is free.
/// @return kUnsupported with all operators that have no counterpart; kInvalidArgument above 2 GiB.
[[nodiscard]] Result<std::vector<Part>> export_saved_model(const graph::Graph& graph,
                                                           const std::string& stem);

/// The same as a GraphDef; characters that TensorFlow's names do not have become '_'.
[[nodiscard]] Result<std::vector<Part>> export_frozen_graph(const graph::Graph& graph,
                                                            const std::string& stem);

}  // namespace visavis::modelkit
