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

/// Measured with OpenVINO 2026.4 over all models: cosine down to .99961 (faceplugin-512), a score
/// of faceplugin-detect off by up to .061.
inline constexpr Tolerance kSameBf16{.min_cosine = .999, .max_abs = .1};

/// Measured likewise: cosine down to .99996, a score of the P-Net off by up to .0041.
inline constexpr Tolerance kSameF16{.min_cosine = .9999, .max_abs = .01};

/// Of networks in 8-bit steps. Where a real lies half-way between two steps, the last bit of a sum
/// decides, and a step weighs more on what follows; on CPUs without VNNI sums of two products
/// saturate in OpenVINO. Measured on one with AVX2: cosine on noise down to .988 (TensorFlow Lite,
/// ONNX Runtime alike), on photographs .996.
inline constexpr Tolerance kSameInt8{.min_cosine = .98, .max_abs = .15};

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
