#pragma once

/// Overlap of boxes and non-maximum suppression.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <visavis/vocab/face.hpp>

namespace visavis::geometry {

enum class Overlap : std::uint8_t {
  kUnion,    ///< Intersection over union.
  kMinimum,  ///< Intersection over the smaller of the two areas.
};

/// How wide a box is. MTCNN's original (Matlab) counts pixels, so that x2 − x1 + 1 is a width; most
/// ports mix both, which moves results near a threshold.
enum class Extent : std::uint8_t {
  kContinuous,  ///< width = x2 − x1
  kInclusive,   ///< width = x2 − x1 + 1
};

/// @return in [0, 1]; 0 for boxes that do not touch or have no area.
[[nodiscard]] float overlap(const Box& a, const Box& b, Overlap kind = Overlap::kUnion,
                            Extent extent = Extent::kContinuous) noexcept;

struct NmsOptions {
  float threshold = 0.5F;  ///< A box goes if it overlaps a kept one by more than this.
  Overlap overlap = Overlap::kUnion;
  Extent extent = Extent::kContinuous;
};

/// Greedy non-maximum suppression: the best score stays, what overlaps it too much goes.
/// @pre boxes.size() == scores.size()
/// @return the kept indexes by falling score; equal scores by rising index.
[[nodiscard]] std::vector<std::size_t> non_maximum_suppression(std::span<const Box> boxes,
                                                               std::span<const float> scores,
                                                               const NmsOptions& options);

}  // namespace visavis::geometry
