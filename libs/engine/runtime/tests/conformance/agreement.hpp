#pragma once

/// How far the answers of two engines are apart.

#include <span>
#include <string>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime::conformance {

/// What counts as the same answer in one precision.
struct Tolerance {
  double min_cosine;  ///< Between the outputs seen as vectors.
  double max_abs;     ///< Largest difference of two numbers, in units of max(1, largest expected).
};

inline constexpr Tolerance kSameF32{.min_cosine = .9999, .max_abs = 1e-3};

/// Measured: faceplugin-512 reaches .9994 on photographs (see README.md of the module).
inline constexpr Tolerance kSameBf16{.min_cosine = .998, .max_abs = .12};

struct Distance {
  double cosine = 1;   ///< 1 also if both are all zero.
  double max_abs = 0;  ///< In units of max(1, largest expected).
};

/// @pre The same number of floats in both. Not-a-number in either makes both figures bad.
[[nodiscard]] Distance distance(std::span<const float> expected, std::span<const float> actual);

/// @return what is wrong with `actual`, in a sentence; empty if it agrees with `expected`.
[[nodiscard]] std::string disagreement(std::span<const Tensor> expected,
                                       std::span<const Tensor> actual, Tolerance tolerance);

}  // namespace visavis::runtime::conformance
