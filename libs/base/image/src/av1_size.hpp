#pragma once

/// How large the pictures of an AV1 stream are, as its headers tell.

#include <cstddef>
#include <cstdint>
#include <span>

namespace visavis::image {

/// @return the pixels of the largest picture that a sequence header (AV1 Bitstream Specification,
/// 5.5) or a frame header (5.9) allows; 0 for a stream without either.
[[nodiscard]] std::uint64_t av1_stream_pixels(std::span<const std::byte> stream);

}  // namespace visavis::image
