#include "visavis/core/half.hpp"

#include <bit>

namespace visavis {
namespace {

constexpr std::uint32_t kSign = 0x80000000U;
constexpr std::uint32_t kInfinity = 0x7F800000U;
constexpr std::uint32_t kTooLarge = 0x47800000U;  // 65536
constexpr std::uint32_t kSmallest = 0x38800000U;  // 2^-14, binary16's smallest normal number
constexpr std::uint32_t kRebias = (127U - 15U) << 23U;

}  // namespace

std::uint16_t to_half(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits & kSign) >> 16U;
  const std::uint32_t magnitude = bits & ~kSign;
  std::uint32_t half = 0;
  if (magnitude >= kTooLarge) {
    half = magnitude > kInfinity ? 0x7E00U : 0x7C00U;
  } else if (magnitude < kSmallest) {
    // Added to 0.5, whose last bit is worth 2^-24 as binary16's subnormals are, the number is
    // rounded by the processor; what remains above 0.5's own bits is the answer.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + .5F) -
           std::bit_cast<std::uint32_t>(.5F);
  } else {
    const std::uint32_t odd = (magnitude >> 13U) & 1U;
    half = (magnitude - kRebias + 0xFFFU + odd) >> 13U;
  }
  return static_cast<std::uint16_t>(sign | half);
}

float from_half(std::uint16_t bits) noexcept {
  const std::uint32_t shifted = (bits & 0x7FFFU) << 13U;
  const std::uint32_t exponent = (bits >> 10U) & 31U;
  float magnitude = std::bit_cast<float>(shifted + kRebias);
  if (exponent == 31)  // infinity and NaN keep their all-ones exponent
    magnitude = std::bit_cast<float>(shifted | kInfinity);
  if (exponent == 0)  // never by way of a subnormal float, which the processor may take for zero
    magnitude = static_cast<float>(bits & 0x3FFU) * 0x1p-24F;
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16U;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
}

}  // namespace visavis
