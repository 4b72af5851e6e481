#pragma once

/// A TensorFlow Lite network of convolutions as ONNX: channels first, free batch.

#include <cstddef>
#include <vector>
#include <visavis/core/result.hpp>

#include "tflite.hpp"

namespace visavis::modelkit {

/// @return kUnsupported with the operator that has no counterpart here.
[[nodiscard]] Result<std::vector<std::byte>> tflite_to_onnx(const LiteModel& model);

}  // namespace visavis::modelkit
