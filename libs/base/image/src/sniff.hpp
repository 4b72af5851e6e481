#pragma once

/// What to tell of bytes that are no picture we read.

#include <cstddef>
#include <span>
#include <string>

namespace visavis::image {

/// One clause: "is empty (0 bytes)", "is a web page (HTML), not a picture" …
[[nodiscard]] std::string describe_stranger(std::span<const std::byte> bytes);

}  // namespace visavis::image
