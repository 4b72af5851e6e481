#pragma once

/// facenet-pytorch's MTCNN networks, whose .pt files hold weights without a graph: the graph is
/// written down here, after Zhang et al., "Joint Face Detection and Alignment Using Multitask
/// Cascaded Convolutional Networks" (2016), figure 2, with the layer names of the weights.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

/// Input [n, 3, h, w]; outputs prob [n, 2, oh, ow] and box [n, 4, oh, ow].
[[nodiscard]] Result<std::vector<std::byte>> import_pnet(std::span<const std::byte> state_dict);

/// Input [n, 3, 24, 24]; outputs prob [n, 2] and box [n, 4].
[[nodiscard]] Result<std::vector<std::byte>> import_rnet(std::span<const std::byte> state_dict);

/// Input [n, 3, 48, 48]; outputs prob [n, 2], box [n, 4] and points [n, 10].
[[nodiscard]] Result<std::vector<std::byte>> import_onet(std::span<const std::byte> state_dict);

}  // namespace visavis::modelkit
