#pragma once

/// The fourth noun: a face as a vector. Made by embed, compared by matching.

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace visavis {

/// What made a vector: the first 8 bytes (big-endian) of a SHA-256 over the model's files,
/// preparation, alignment template, flip-averaging and fusion weights. Embeddings of different ids
/// never compare.
enum class ModelId : std::uint64_t {};

/// How far from 1 the length of a unit vector may be: far beyond float32's rounding, far below a
/// raw norm.
inline constexpr double kUnitTolerance = 1e-3;

/// False also if a number is not finite. @param tolerance  more for numbers that were rounded again
[[nodiscard]] inline bool is_unit(std::span<const float> values,
                                  double tolerance = kUnitTolerance) noexcept {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  return std::abs(std::sqrt(squares) - 1) <= tolerance;
}

/// A face as a point on the unit sphere. Two embeddings compare only if their `model` is equal.
struct Embedding {
  ModelId model{};
  std::vector<float> values;  ///< Unit L2 norm.
  /// L2 norm before it was made one: quality, for the models whose manifest says so.
  float norm = 0;
};

}  // namespace visavis
