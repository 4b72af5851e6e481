#pragma once

/// iResNet-18, -34, -50 and -100 (Duta et al., "Improved Residual Networks for Image and Video
/// Recognition", 2020; Deng et al., "ArcFace", 2019) from state dicts with the names that
/// insightface's arcface_torch gives them. The depth is told from the weights, and so is the number
/// of outputs. Input [n, 3, 112, 112]; output embedding [n, d] whose length is left as it is.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

/// @return kModelMismatch for the weights of another network.
[[nodiscard]] Result<std::vector<std::byte>> import_iresnet(std::span<const std::byte> state_dict);

/// MagFace's, which are the same but for an ε of 2e-5 where arcface_torch has 1e-5.
/// @return kModelMismatch for the weights of another network.
[[nodiscard]] Result<std::vector<std::byte>> import_iresnet_magface(
    std::span<const std::byte> state_dict);

}  // namespace visavis::modelkit
