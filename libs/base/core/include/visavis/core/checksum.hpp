#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace visavis {

/// CRC-32C (Castagnoli's polynomial, as iSCSI has it: RFC 3720, section 12.1). Finds every change
/// of up to 32 neighbouring bits.
/// @param so_far  of the bytes before these; 0 at the beginning
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes,
                                   std::uint32_t so_far = 0) noexcept;

}  // namespace visavis
