#pragma once

/// Inception-ResNet-v1 (Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual
/// Connections on Learning", 2016) as facenet-pytorch 2.6 has it, from its state dict. Input
/// [n, 3, h, w] of any size that leaves something to the last layer, 160 × 160 in training.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>

#include "torch_layers.hpp"

namespace visavis::modelkit {

/// Output embedding [n, 512], of length 1. A classification head is passed over.
/// @return kModelMismatch for the weights of another network.
[[nodiscard]] Result<std::vector<std::byte>> import_inception_resnet_v1(
    std::span<const std::byte> state_dict);

/// Output logits [n, classes], which are no probabilities before a softmax; as many classes as the
/// head has.
/// @return kModelMismatch for the weights of another network, or without `logits`.
[[nodiscard]] Result<std::vector<std::byte>> import_inception_resnet_v1_classify(
    std::span<const std::byte> state_dict);

/// Its tensors, in the order in which facenet-pytorch makes them.
/// @param classes  of the classification head; 0 without one
[[nodiscard]] std::vector<Wanted> inception_resnet_v1_tensors(std::int64_t classes);

}  // namespace visavis::modelkit
