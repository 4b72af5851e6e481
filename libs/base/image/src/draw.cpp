#include "visavis/image/draw.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace visavis::image {
namespace {

/// Half-open columns and rows.
struct Area {
  int left = 0, top = 0, right = 0, bottom = 0;
};

void fill(Image& image, Area area, Colour colour) {
  const int left = std::max(area.left, 0);
  const int right = std::min(area.right, image.width());
  for (int y = std::max(area.top, 0); y < std::min(area.bottom, image.height()); ++y) {
    for (int x = left; x < right; ++x) {
      std::uint8_t* p = image.row(y) + std::ptrdiff_t{3} * x;
      p[0] = colour.r;
      p[1] = colour.g;
      p[2] = colour.b;
    }
  }
}

/// Rounds, with what lies far outside (or is no number) pulled in: integers end somewhere.
int to_pixel(float v) {
  constexpr float kFar = 1e6F;
  return std::isnan(v) ? 0 : static_cast<int>(std::lround(std::clamp(v, -kFar, kFar)));
}

}  // namespace

void draw_box(Image& image, const Box& box, Colour colour, int thickness_px) {
  const Area outer{.left = to_pixel(box.x),
                   .top = to_pixel(box.y),
                   .right = to_pixel(box.right()),
                   .bottom = to_pixel(box.bottom())};
  const int width = std::max(outer.right - outer.left, 0);
  const int height = std::max(outer.bottom - outer.top, 0);
  const int t = std::clamp(thickness_px, 0, (std::min(width, height) + 1) / 2);
  fill(image, {outer.left, outer.top, outer.right, outer.top + t}, colour);
  fill(image, {outer.left, outer.bottom - t, outer.right, outer.bottom}, colour);
  fill(image, {outer.left, outer.top + t, outer.left + t, outer.bottom - t}, colour);
  fill(image, {outer.right - t, outer.top + t, outer.right, outer.bottom - t}, colour);
}

void draw_point(Image& image, Point point, Colour colour, int radius_px) {
  const int cx = to_pixel(point.x);
  const int cy = to_pixel(point.y);
  const int radius = std::clamp(radius_px, 0, std::max(image.width(), image.height()));
  for (int dy = -radius; dy <= radius; ++dy) {
    const int half = static_cast<int>(std::sqrt(static_cast<double>(radius * radius - dy * dy)));
    fill(image, {cx - half, cy + dy, cx + half + 1, cy + dy + 1}, colour);
  }
}

}  // namespace visavis::image
