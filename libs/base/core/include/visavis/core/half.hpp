#pragma once

/// Numbers in 16 bits: IEEE 754 binary16, as vectors are stored and searched.

#include <cstdint>

namespace visavis {

/// Rounds to nearest, ties to even; what is too large becomes infinite.
[[nodiscard]] std::uint16_t to_half(float value) noexcept;
/// Exact.
[[nodiscard]] float from_half(std::uint16_t bits) noexcept;

}  // namespace visavis
