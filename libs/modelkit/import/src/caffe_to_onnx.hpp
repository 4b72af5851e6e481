#pragma once

#include <cstddef>
#include <vector>
#include <visavis/core/result.hpp>

#include "caffe_net.hpp"
#include "caffe_weights.hpp"

namespace visavis::modelkit {

/// @return kUnsupported for what is not known of the layers, kModelMismatch for weights that do not
/// fit them.
[[nodiscard]] Result<std::vector<std::byte>> caffe_to_onnx(CaffeNet& net,
                                                           const CaffeWeights& weights);

}  // namespace visavis::modelkit
