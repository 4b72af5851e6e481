#include "checksum.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace visavis::index {
namespace {

constexpr std::size_t kLanes = 8;  // independent multiplications hide each other's latency
constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;

// Invertible in `state` and in `word`: one changed word never goes unseen.
std::uint64_t step(std::uint64_t state, std::uint64_t word) noexcept {
  return std::rotl((state ^ word) * kOdd, 29);
}

}  // namespace

std::uint64_t checksum(std::span<const std::byte> bytes, std::uint64_t seed) noexcept {
  std::array<std::uint64_t, kLanes> lanes;
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = seed + i * kOdd;
  std::array<std::uint64_t, kLanes> words;
  std::size_t at = 0;
  for (; at + sizeof(words) <= bytes.size(); at += sizeof(words)) {
    std::memcpy(words.data(), bytes.data() + at, sizeof(words));
    for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = step(lanes[i], words[i]);
  }
  std::uint64_t result = step(seed, bytes.size());
  for (const std::uint64_t lane : lanes) result = step(result, lane);
  for (; at < bytes.size(); ++at) result = step(result, std::to_integer<std::uint64_t>(bytes[at]));
  return result;
}

}  // namespace visavis::index
