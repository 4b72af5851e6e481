#pragma once

#include <cstdint>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {

/// Makes a graph of an older operator set one of `opset`, where no operator in it changed its
/// meaning between, or what it means can be said in the new way. A newer graph stays as it is.
/// @pre opset is 13
/// @return kUnsupported with the operator's name
[[nodiscard]] Result<graph::Graph> raise_opset(graph::Graph graph, std::int64_t opset);

}  // namespace visavis::modelkit
