#pragma once

/// Vectors as the bytes of a row: IEEE 754 binary16 or binary32, little-endian.

#include <cstddef>
#include <span>
#include <vector>

#include "visavis/store/store.hpp"

namespace visavis::store {

[[nodiscard]] std::size_t size_of(Element element) noexcept;  ///< In bytes.
[[nodiscard]] std::vector<std::byte> encode(std::span<const float> values, Element element);
/// @pre bytes.size() == values.size() * size_of(element)
void decode(std::span<const std::byte> bytes, Element element, std::span<float> values) noexcept;

}  // namespace visavis::store
