#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace visavis::index {

/// Finds damage, not malice: any change within one 8-byte word is certain to change the result.
/// Continues from `seed`, so that several pieces have one checksum.
[[nodiscard]] std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed) noexcept;

}  // namespace visavis::index
