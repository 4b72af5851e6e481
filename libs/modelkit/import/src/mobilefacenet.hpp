#pragma once

/// MobileFaceNet (Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face
/// Verification on Mobile Devices", 2018, table 1) from a state dict.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

/// Three layouts are known, told from the names: insightface's arcface_torch (also its large
/// variant, any width), TreB1eN's InsightFace_Pytorch and foamliu's MobileFaceNet, which has ReLU6
/// and 128 numbers. Input [n, 3, 112, 112]; output embedding [n, d] whose length is left as it is,
/// also where the original divides by it at the very end.
/// @return kModelMismatch for the weights of another network.
[[nodiscard]] Result<std::vector<std::byte>> import_mobilefacenet(
    std::span<const std::byte> state_dict);

}  // namespace visavis::modelkit
