#pragma once

/// Engines with the defects that face software really has had. The suite must notice each.

#include <cstddef>
#include <memory>
#include <span>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime::conformance {

/// Feeds the first and the third channel of NCHW inputs in each other's place.
/// @pre `engine` outlives the result.
[[nodiscard]] std::unique_ptr<Engine> make_channel_swapper(const Engine& engine);

/// True if `make_pad_shifter` changes the model.
[[nodiscard]] bool has_padding(std::span<const std::byte> onnx);

/// Moves the padding of every Conv by one pixel: shapes stay, values shift.
/// @pre `engine` outlives the result.
[[nodiscard]] std::unique_ptr<Engine> make_pad_shifter(const Engine& engine);

}  // namespace visavis::runtime::conformance
