#pragma once

/// Rotation, uniform scale and translation in the plane.

#include <optional>
#include <span>
#include <visavis/vocab/face.hpp>

namespace visavis::geometry {

/// x' = a·x − b·y + tx,  y' = b·x + a·y + ty.  Scale √(a² + b²), never a reflection.
struct Similarity {
  double a = 1;
  double b = 0;
  double tx = 0;
  double ty = 0;

  [[nodiscard]] Point apply(Point p) const noexcept;
  [[nodiscard]] double scale() const noexcept;
  /// @pre scale() > 0
  [[nodiscard]] Similarity inverse() const noexcept;
};

/// The least-squares similarity from `from` to `to`: Umeyama, "Least-Squares Estimation of
/// Transformation Parameters Between Two Point Patterns", PAMI 13(4), 1991, eq. 40–42, restricted
/// to rotations (no reflection).
/// @pre from.size() == to.size()
/// @return nothing for fewer than two points or points that coincide, or are not finite.
[[nodiscard]] std::optional<Similarity> estimate_similarity(std::span<const Point> from,
                                                            std::span<const Point> to);

}  // namespace visavis::geometry
