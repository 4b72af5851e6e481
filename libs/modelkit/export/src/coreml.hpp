#pragma once

#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/import/import.hpp>

namespace visavis::modelkit {

/// A .mlmodel with a NeuralNetwork of specification version 4 (iOS 13, macOS 10.15): the first in
/// which arrays keep their rank. A free batch and free heights and widths become ranges.
/// @return kUnsupported with all operators that such a network does not have.
[[nodiscard]] Result<std::vector<Part>> export_coreml(const graph::Graph& graph,
                                                      const std::string& stem);

}  // namespace visavis::modelkit
