#include "visavis/geometry/box.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

namespace visavis::geometry {

float overlap(const Box& a, const Box& b, Overlap kind, Extent extent) noexcept {
  const float one = extent == Extent::kInclusive ? 1.0F : 0.0F;
  const float width = std::min(a.right(), b.right()) - std::max(a.x, b.x) + one;
  const float height = std::min(a.bottom(), b.bottom()) - std::max(a.y, b.y) + one;
  if (width <= 0 || height <= 0) return 0;
  const float both = width * height;
  const float area_a = (a.width + one) * (a.height + one);
  const float area_b = (b.width + one) * (b.height + one);
  const float whole = kind == Overlap::kMinimum ? std::min(area_a, area_b) : area_a + area_b - both;
  return whole > 0 ? both / whole : 0;
}

std::vector<std::size_t> non_maximum_suppression(std::span<const Box> boxes,
                                                 std::span<const float> scores,
                                                 const NmsOptions& options) {
  std::vector<std::size_t> order(boxes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  });
  std::vector<std::size_t> kept;
  for (const std::size_t candidate : order) {
    const bool hidden = std::ranges::any_of(kept, [&](std::size_t k) {
      return overlap(boxes[k], boxes[candidate], options.overlap, options.extent) >
             options.threshold;
    });
    if (!hidden) kept.push_back(candidate);
  }
  return kept;
}

}  // namespace visavis::geometry
