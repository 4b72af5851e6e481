#include "element.hpp"

#include <bit>
#include <cstring>
#include <visavis/core/half.hpp>

namespace visavis::store {

static_assert(std::endian::native == std::endian::little, "rows are copied as they lie in memory");

std::size_t size_of(Element element) noexcept { return element == Element::kF16 ? 2 : 4; }

std::vector<std::byte> encode(std::span<const float> values, Element element) {
  std::vector<std::byte> bytes(values.size() * size_of(element));
  if (element == Element::kF32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t half = to_half(values[i]);
    std::memcpy(bytes.data() + i * sizeof half, &half, sizeof half);
  }
  return bytes;
}

void decode(std::span<const std::byte> bytes, Element element, std::span<float> values) noexcept {
  if (element == Element::kF32) {
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return;
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, bytes.data() + i * sizeof half, sizeof half);
    values[i] = from_half(half);
  }
}

}  // namespace visavis::store
