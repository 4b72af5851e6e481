#pragma once

/// How codes are made from vectors: which directions come first, and how many of them are kept.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>
#include <visavis/index/vector_index.hpp>

namespace visavis::index {

/// What codes are for.
enum class CodeForm : std::uint8_t {
  kBounds,  ///< Two codes, of 4 and 2 bits, with what bounds a similarity (codes.hpp).
  kWalk,    ///< One of 8 bits that compares with others of its kind (walk.hpp).
};

[[nodiscard]] constexpr CodeForm code_form(IndexKind kind) noexcept {
  return kind == IndexKind::kHnsw ? CodeForm::kWalk : CodeForm::kBounds;
}

/// A vector's code is of its first `prefix` coordinates along `basis`.
struct Plan {
  CodeForm form = CodeForm::kBounds;
  /// prefix x stride, orthonormal rows within kBasisError; empty: the coordinates as they are,
  /// and then prefix is the stride.
  std::vector<float> basis;
  /// How far apart the levels of each coordinate's coarse code are; of a walk's codes, all of them.
  std::vector<float> steps;
  std::size_t sample = 0;  ///< How many vectors it was learned from.

  /// Coded coordinates: a multiple of 32, at most the stride.
  [[nodiscard]] std::size_t prefix() const noexcept { return steps.size(); }
};

/// The norm of basis * transposed(basis) less identity is below this.
inline constexpr double kBasisError = 2e-6;
/// Of a walk's codes, to both sides of zero.
inline constexpr int kWalkLevels = 127;
/// Codes of more coordinates than this could overflow 32-bit sums.
inline constexpr std::size_t kMaxCoded = 4096;

/// How many of `count` vectors a plan wants to see; 0: too few for a plan to pay.
[[nodiscard]] std::size_t wanted_sample(std::size_t count, std::size_t dimension) noexcept;

/// The principal directions of a sample, as many as hold 95 % of the squared norms; or none if that
/// takes more than half of them.
/// @param rows count x stride, f16.
[[nodiscard]] std::shared_ptr<const Plan> learn_plan(std::span<const std::uint16_t> rows,
                                                     std::size_t stride,
                                                     CodeForm form = CodeForm::kBounds);

}  // namespace visavis::index
