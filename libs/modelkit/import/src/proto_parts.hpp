#pragma once

/// What protocol buffers hold, counted before they are parsed, when each part takes memory.

#include <cstddef>
#include <span>
#include <visavis/core/result.hpp>
#include <visavis/core/wire.hpp>

namespace visavis::modelkit {

/// The parts that come again and again: layers, operators, their inputs and attributes, shapes.
/// Numbers in lists are none.
extern const WireForm kTensorflowGraphForm;
extern const WireForm kTensorflowMetaGraphForm;
extern const WireForm kSavedModelForm;
extern const WireForm kObjectGraphForm;
extern const WireForm kCaffeForm;
extern const WireForm kCoremlForm;

/// @return kResourceExhausted for two million parts, which no network has
[[nodiscard]] Result<void> check_parts(std::span<const std::byte> file, const WireForm& form);

}  // namespace visavis::modelkit
