#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "bundle.hpp"
#include "tensorflow_graph.hpp"

namespace visavis::modelkit {

/// A node that pictures are put into.
struct TensorflowInput {
  std::string name;  ///< Of the network's input.
  Shape shape;       ///< -1 where it is free.
};

/// @param inputs  by the names of nodes; placeholders that are not there are inputs by their names
/// @param outputs  names for the graph's outputs, in their order
/// @param variables  null where all weights are constants
/// @return kUnsupported with everything that is not understood; kDecodeFailed for damaged weights.
[[nodiscard]] Result<std::vector<std::byte>> tensorflow_to_onnx(
    const TensorflowGraph& graph, const std::map<std::string, TensorflowInput>& inputs,
    std::span<const std::string> outputs, const Bundle* variables);

/// The shape that an attribute holds; empty if it does not tell the number of dimensions.
[[nodiscard]] Shape shape_of(const tensorflow::AttrValue* attribute);

}  // namespace visavis::modelkit
