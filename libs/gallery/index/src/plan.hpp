#pragma once

/// How codes are made from vectors: which directions come first, and how many of them are kept.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace visavis::index {

/// A vector's code is of its first `prefix` coordinates along `basis`.
struct Plan {
  /// prefix x stride, orthonormal rows within kBasisError; empty: the coordinates as they are,
  /// and then prefix is the stride.
  std::vector<float> basis;
  std::vector<float> steps;  ///< How far apart the levels of each coordinate's coarse code are.
  std::size_t sample = 0;    ///< How many vectors it was learned from.

  /// Coded coordinates: a multiple of 32, at most the stride.
  [[nodiscard]] std::size_t prefix() const noexcept { return steps.size(); }
};

/// The norm of basis * transposed(basis) less identity is below this.
inline constexpr double kBasisError = 2e-6;
/// Codes of more coordinates than this could overflow 32-bit sums.
inline constexpr std::size_t kMaxCoded = 4096;

/// How many of `count` vectors a plan wants to see; 0: too few for a plan to pay.
[[nodiscard]] std::size_t wanted_sample(std::size_t count, std::size_t dimension) noexcept;

/// The principal directions of a sample, as many as hold 95 % of the squared norms; or none if that
/// takes more than half of them.
/// @param rows count x stride, f16.
[[nodiscard]] std::shared_ptr<const Plan> learn_plan(std::span<const std::uint16_t> rows,
                                                     std::size_t stride);

}  // namespace visavis::index
