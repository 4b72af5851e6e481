#include "visavis/image/draw.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "stroke_font.hpp"
#include "visavis/vocab/face.hpp"
#include "visavis/vocab/image.hpp"

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

float luminance(Colour c) {
  return 0.299F * static_cast<float>(c.r) + 0.587F * static_cast<float>(c.g) +
         0.114F * static_cast<float>(c.b);
}

float distance(float x, float y, const Stroke& s) {
  const float dx = s.x1 - s.x0, dy = s.y1 - s.y0;
  const float square = dx * dx + dy * dy;
  const float along =
      square > 0 ? std::clamp(((x - s.x0) * dx + (y - s.y0) * dy) / square, 0.0F, 1.0F) : 0.0F;
  return std::hypot(x - s.x0 - along * dx, y - s.y0 - along * dy);
}

/// How much of each pixel of an area the ink covers, 0 to 1.
class Coverage {
 public:
  Coverage(int width, int height)
      : ink_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height)),
        width_(width),
        height_(height) {}

  /// Draws with a round pen; coordinates in pixels, centres at integers.
  void draw(const Stroke& s, float pen) {
    const float reach = pen / 2 + 1;
    const int left = std::max(0, static_cast<int>(std::min(s.x0, s.x1) - reach));
    const int right = std::min(width_ - 1, static_cast<int>(std::max(s.x0, s.x1) + reach));
    const int top = std::max(0, static_cast<int>(std::min(s.y0, s.y1) - reach));
    const int bottom = std::min(height_ - 1, static_cast<int>(std::max(s.y0, s.y1) + reach));
    for (int y = top; y <= bottom; ++y)
      for (int x = left; x <= right; ++x) {
        const float d = distance(static_cast<float>(x), static_cast<float>(y), s);
        float& ink = at(x, y);
        ink = std::max(ink, std::clamp(pen / 2 + 0.5F - d, 0.0F, 1.0F));
      }
  }
  [[nodiscard]] float& at(int x, int y) {
    return ink_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
                static_cast<std::size_t>(x)];
  }

 private:
  std::vector<float> ink_;
  int width_;
  int height_;
};

void mix_in(std::uint8_t& channel, std::uint8_t colour, float share) {
  const auto old = static_cast<float>(channel);
  channel = static_cast<std::uint8_t>(old + share * (static_cast<float>(colour) - old) + 0.5F);
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

void draw_label(Image& image, Point corner, std::string_view utf8, Colour colour, int height_px) {
  const int height = std::clamp(height_px, 8, 1024);
  const float scale = static_cast<float>(height) / (kFontBottom - kFontTop);
  const TextStrokes text = set_text(utf8);
  const int pad = std::max(2, height / 5);
  const float ink_width = std::min(text.width * scale, static_cast<float>(image.width()));
  const int width = static_cast<int>(std::ceil(ink_width)) + 2 * pad;
  const int left = std::clamp(to_pixel(corner.x), 0, std::max(0, image.width() - width));
  const int top = std::clamp(to_pixel(corner.y) - height, 0, std::max(0, image.height() - height));
  fill(image, {left, top, left + width, top + height}, colour);

  const Colour ink = luminance(colour) > 140 ? Colour{} : Colour{.r = 255, .g = 255, .b = 255};
  const float pen = std::max(1.0F, kPenWidth * scale);
  Coverage coverage(width, height);
  const auto to_x = [&](float x) { return x * scale + static_cast<float>(pad) - 0.5F; };
  const auto to_y = [&](float y) { return (y - kFontTop) * scale - 0.5F; };
  for (const Stroke& s : text.strokes)
    coverage.draw({.x0 = to_x(s.x0), .y0 = to_y(s.y0), .x1 = to_x(s.x1), .y1 = to_y(s.y1)}, pen);
  for (int y = 0; y < std::min(height, image.height() - top); ++y)
    for (int x = 0; x < std::min(width, image.width() - left); ++x) {
      const float share = coverage.at(x, y);
      std::uint8_t* p = image.row(top + y) + std::ptrdiff_t{3} * (left + x);
      mix_in(p[0], ink.r, share);
      mix_in(p[1], ink.g, share);
      mix_in(p[2], ink.b, share);
    }
}

}  // namespace visavis::image
