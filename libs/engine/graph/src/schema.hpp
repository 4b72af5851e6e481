#pragma once

#include <cstdint>
#include <string>

#include "visavis/graph/graph.hpp"

namespace visavis::graph {

/// What is wrong with a node by ONNX's operator schemas: an input that it must have and lacks, or
/// an attribute of another type. Of operators that we know; empty if nothing is.
/// Source: onnx/docs/Operators.md and Changelog.md.
[[nodiscard]] std::string defect_of(const Node& node, std::int64_t opset);

}  // namespace visavis::graph
