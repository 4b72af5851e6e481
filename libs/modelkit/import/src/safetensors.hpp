#pragma once

/// Weights by name in a file without a pickle
/// (huggingface/safetensors, README.md, "Format"): the length of a header in 8 bytes,
/// little-endian; the header, JSON with each tensor's type, shape and place; the numbers,
/// little-endian. Where it is in the flow: bytes -> StateDict -> the architectures.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <visavis/core/result.hpp>

#include "state_dict.hpp"

namespace visavis::modelkit {

[[nodiscard]] bool looks_like_safetensors(std::span<const std::byte> bytes) noexcept;

/// @return views into `bytes`; kDecodeFailed for a header that lies, tensors that overlap, or bytes
/// that belong to none; kUnsupported for a type that is not known; kResourceExhausted for a header
/// above 16 MiB.
[[nodiscard]] Result<std::map<std::string, Weight, std::less<>>> read_safetensors(
    std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
