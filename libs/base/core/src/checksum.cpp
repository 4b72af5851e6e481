#include "visavis/core/checksum.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace visavis {
namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78;
constexpr std::size_t kSlices = 8;

using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

/// Table k says what a byte does that k more bytes follow, so that eight bytes are looked up at
/// once (Kounavis and Berry, "A Systematic Approach to Building High Performance Software-Based CRC
/// Generators", 2005).
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit)
      rest = (rest >> 1U) ^ ((rest & 1U) != 0 ? kReflectedPolynomial : 0);
    tables[0][byte] = rest;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice)
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8U) ^ tables[0][before & 0xFFU];
    }
  return tables;
}

constexpr Tables kTables = make_tables();

static_assert(std::endian::native == std::endian::little, "eight bytes are read as one number");

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t so_far) noexcept {
  std::uint32_t rest = ~so_far;
  std::size_t at = 0;
  for (; at + kSlices <= bytes.size(); at += kSlices) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    word ^= rest;
    rest = 0;
    for (std::size_t i = 0; i < kSlices; ++i)
      rest ^= kTables[kSlices - 1 - i][(word >> (8 * i)) & 0xFFU];
  }
  for (; at < bytes.size(); ++at)
    rest = (rest >> 8U) ^ kTables[0][(rest ^ std::to_integer<std::uint32_t>(bytes[at])) & 0xFFU];
  return ~rest;
}

}  // namespace visavis
