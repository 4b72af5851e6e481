#include "visavis/geometry/similarity.hpp"

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

namespace visavis::geometry {

Point Similarity::apply(Point p) const noexcept {
  return {.x = static_cast<float>(a * p.x - b * p.y + tx),
          .y = static_cast<float>(b * p.x + a * p.y + ty)};
}

double Similarity::scale() const noexcept { return std::hypot(a, b); }

Similarity Similarity::inverse() const noexcept {
  const double square = a * a + b * b;
  const double ia = a / square;
  const double ib = -b / square;
  return {.a = ia, .b = ib, .tx = -(ia * tx - ib * ty), .ty = -(ib * tx + ia * ty)};
}

std::optional<Similarity> estimate_similarity(std::span<const Point> from,
                                              std::span<const Point> to) {
  if (from.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(from.size());
  double from_x = 0, from_y = 0, to_x = 0, to_y = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    from_x += from[i].x / n;
    from_y += from[i].y / n;
    to_x += to[i].x / n;
    to_y += to[i].y / n;
  }
  // In the plane the singular value decomposition of eq. 40 reduces to two sums: the rotation is
  // the angle of (dot, cross), and the scale (dot, cross)'s length over the source's variance.
  double variance = 0, dot = 0, cross = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double fx = from[i].x - from_x, fy = from[i].y - from_y;
    const double gx = to[i].x - to_x, gy = to[i].y - to_y;
    variance += fx * fx + fy * fy;
    dot += fx * gx + fy * gy;
    cross += fx * gy - fy * gx;
  }
  if (!(variance > 1e-12) || !std::isfinite(dot) || !std::isfinite(cross)) return std::nullopt;
  const double a = dot / variance;
  const double b = cross / variance;
  if (!(std::hypot(a, b) > 1e-12)) return std::nullopt;
  return Similarity{.a = a,
                    .b = b,
                    .tx = to_x - (a * from_x - b * from_y),
                    .ty = to_y - (b * from_x + a * from_y)};
}

}  // namespace visavis::geometry
