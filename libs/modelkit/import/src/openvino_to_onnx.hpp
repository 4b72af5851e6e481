#pragma once

/// The operators of OpenVINO's operation sets, one by one. What shapes are computed from is
/// computed here, as far as the file knows the sizes; factors and sums per channel go into the
/// layer before.

#include <cstddef>
#include <vector>
#include <visavis/core/result.hpp>

#include "openvino.hpp"

namespace visavis::modelkit {

/// @return as import_openvino
[[nodiscard]] Result<std::vector<std::byte>> openvino_to_onnx(const IrNetwork& network);

/// An input or output of the network: its name, its type as `layer` states it, its shape.
[[nodiscard]] TensorFacts ir_facts(const IrLayer& layer, const IrPort& port);

}  // namespace visavis::modelkit
