#include "candidate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <unordered_map>
#include <vector>
#include <visavis/image/resize.hpp>

namespace visavis::detect {
namespace {

/// What a network answers may be anything; beyond this, and for NaN, a box is cut away.
float bounded(float value) {
  constexpr float kFar = 1e9F;
  return value > -kFar ? std::min(value, kFar) : -kFar;
}

/// Towards zero, as torch does before the cut at the border.
int truncated(float value) { return static_cast<int>(bounded(value)); }

float area(const Rect& r) { return (r.x2 - r.x1) * (r.y2 - r.y1); }

bool hides(const Rect& kept, const Rect& box, double threshold) {
  const float width = std::max(0.0F, std::min(kept.x2, box.x2) - std::max(kept.x1, box.x1));
  const float height = std::max(0.0F, std::min(kept.y2, box.y2) - std::max(kept.y1, box.y1));
  const float both = width * height;
  // Without any area the quotient is not a number, and nothing is hidden.
  return both / (area(kept) + area(box) - both) > threshold;
}

/// Kept boxes by size and place, so that a candidate meets only those it can overlap. Two boxes
/// of nearly equal sides whose union they share by half differ in side by less than a factor of
/// two, so they are in the same class of size or in neighbouring ones.
class KeptBoxes {
 public:
  [[nodiscard]] bool any_hides(const Rect& box, double threshold) const {
    const int own = size_class(box);
    for (int c = std::max(0, own - 1); c <= own + 1; ++c) {
      const float bin = bin_side(c);
      const auto first_x = bin_of(box.x1 - bin, bin), last_x = bin_of(box.x2, bin);
      const auto first_y = bin_of(box.y1 - bin, bin), last_y = bin_of(box.y2, bin);
      for (auto y = first_y; y <= last_y; ++y)
        for (auto x = first_x; x <= last_x; ++x)
          if (bin_hides(key_of(c, x, y), box, threshold)) return true;
    }
    return false;
  }

  void add(const Rect& box) {
    const int c = size_class(box);
    const float bin = bin_side(c);
    bins_[key_of(c, bin_of(box.x1, bin), bin_of(box.y1, bin))].push_back(box);
  }

 private:
  static int size_class(const Rect& r) {
    return std::ilogb(std::max({1.0F, bounded(r.x2 - r.x1), bounded(r.y2 - r.y1)}));
  }
  static float bin_side(int size_class) { return std::ldexp(1.0F, size_class + 1); }
  static std::int64_t bin_of(float at, float bin) {
    return static_cast<std::int64_t>(std::floor(bounded(at) / bin));
  }
  static std::uint64_t key_of(int size_class, std::int64_t x, std::int64_t y) {
    constexpr std::uint64_t kMask = (1ULL << 28U) - 1;
    return static_cast<std::uint64_t>(size_class) << 56U |
           (static_cast<std::uint64_t>(x) & kMask) << 28U | (static_cast<std::uint64_t>(y) & kMask);
  }
  [[nodiscard]] bool bin_hides(std::uint64_t key, const Rect& box, double threshold) const {
    const auto found = bins_.find(key);
    return found != bins_.end() && std::ranges::any_of(found->second, [&](const Rect& kept) {
             return hides(kept, box, threshold);
           });
  }

  std::unordered_map<std::uint64_t, std::vector<Rect>> bins_;
};

std::vector<std::size_t> by_falling_score(std::span<const Candidate> candidates) {
  std::vector<std::size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t i) { return candidates[i].score; });
  return order;
}

std::vector<std::size_t> suppress_few(std::span<const Candidate> candidates, double threshold) {
  std::vector<std::size_t> kept;
  for (const std::size_t i : by_falling_score(candidates)) {
    const Rect& box = candidates[i].box;
    if (std::ranges::none_of(
            kept, [&](std::size_t k) { return hides(candidates[k].box, box, threshold); }))
      kept.push_back(i);
  }
  return kept;
}

std::vector<std::size_t> suppress_many(std::span<const Candidate> candidates, double threshold) {
  std::vector<std::size_t> kept;
  KeptBoxes boxes;
  for (const std::size_t i : by_falling_score(candidates)) {
    const Rect& box = candidates[i].box;
    if (boxes.any_hides(box, threshold)) continue;
    kept.push_back(i);
    boxes.add(box);
  }
  return kept;
}

float contained(const Rect& a, const Rect& b) {
  const float width = std::max(0.0F, std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + 1);
  const float height = std::max(0.0F, std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + 1);
  const auto inclusive_area = [](const Rect& r) { return (r.x2 - r.x1 + 1) * (r.y2 - r.y1 + 1); };
  return width * height / std::min(inclusive_area(a), inclusive_area(b));
}

}  // namespace

Rect cell_box(int x, int y, double scale) noexcept {
  const auto s = static_cast<float>(scale);
  const auto at = [s](int p) { return std::floor(static_cast<float>(p) / s); };
  return {.x1 = at(2 * x + 1), .y1 = at(2 * y + 1), .x2 = at(2 * x + 12), .y2 = at(2 * y + 12)};
}

Rect shifted(const Rect& box, const std::array<float, 4>& shift) noexcept {
  const float w = box.x2 - box.x1;
  const float h = box.y2 - box.y1;
  return {.x1 = box.x1 + shift[0] * w,
          .y1 = box.y1 + shift[1] * h,
          .x2 = box.x2 + shift[2] * w,
          .y2 = box.y2 + shift[3] * h};
}

Rect shifted_inclusive(const Rect& box, const std::array<float, 4>& shift) noexcept {
  const float w = box.x2 - box.x1 + 1;
  const float h = box.y2 - box.y1 + 1;
  return {.x1 = box.x1 + shift[0] * w,
          .y1 = box.y1 + shift[1] * h,
          .x2 = box.x2 + shift[2] * w,
          .y2 = box.y2 + shift[3] * h};
}

Rect squared(const Rect& box) noexcept {
  const float w = box.x2 - box.x1;
  const float h = box.y2 - box.y1;
  const float side = std::max(w, h);
  const float x = box.x1 + w * 0.5F - side * 0.5F;
  const float y = box.y1 + h * 0.5F - side * 0.5F;
  return {.x1 = x, .y1 = y, .x2 = x + side, .y2 = y + side};
}

image::Window pixels_of(const Rect& box, int width, int height) noexcept {
  const int x = std::max(truncated(box.x1), 1) - 1;
  const int y = std::max(truncated(box.y1), 1) - 1;
  return {.x = x,
          .y = y,
          .width = std::min(truncated(box.x2), width) - x,
          .height = std::min(truncated(box.y2), height) - y};
}

std::vector<std::size_t> suppress(std::span<const Candidate> candidates, double threshold) {
  constexpr std::size_t kFew = 1000;  // up to here looking at all kept boxes is faster
  return candidates.size() <= kFew ? suppress_few(candidates, threshold)
                                   : suppress_many(candidates, threshold);
}

std::vector<std::size_t> suppress_contained(std::span<const Candidate> candidates,
                                            float threshold) {
  std::vector<std::size_t> kept;
  for (const std::size_t i : by_falling_score(candidates))
    if (std::ranges::none_of(kept, [&](std::size_t k) {
          return contained(candidates[k].box, candidates[i].box) > threshold;
        }))
      kept.push_back(i);
  return kept;
}

}  // namespace visavis::detect
