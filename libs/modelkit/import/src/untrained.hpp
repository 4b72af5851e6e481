#pragma once

/// Weights as PyTorch makes them for a network that is not trained yet.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>

#include "torch_layers.hpp"

namespace visavis::modelkit {

/// The same numbers as after torch.manual_seed(seed), where layers are made in this order on a
/// processor: of convolutions and linear layers evenly from ±1/√n, with n inputs of one output (the
/// initialisation of He et al. 2015 with slope √5, PyTorch's default), of batch normalisation 1, 0,
/// 0 and 1.
/// @param tensors  each bias right behind the weights that it belongs to
/// @return NumPy's .npz, without compression; kResourceExhausted
[[nodiscard]] Result<std::vector<std::byte>> draw_weights(std::span<const Wanted> tensors,
                                                          std::uint32_t seed);

}  // namespace visavis::modelkit
