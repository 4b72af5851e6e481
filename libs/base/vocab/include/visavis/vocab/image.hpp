#pragma once

/// The first noun: Image -> Face -> Chip -> Embedding -> Match. Pixel conventions are fixed here:
/// RGB, 8 bit, row-major, origin top left, upright (EXIF applied). Boxes use pixel *edges*: the
/// whole image is 0, 0, width, height. Points use pixel *centres*: (0, 0) is the centre of the
/// first pixel, whose edges are -0.5 and 0.5 in points' coordinates.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace visavis {

/// Pixels that someone else owns; valid while they are. Rows follow each other without padding.
struct ImageView {
  const std::uint8_t* rgb = nullptr;  ///< 3 · width · height bytes.
  int width = 0;
  int height = 0;

  [[nodiscard]] const std::uint8_t* row(int y) const noexcept {
    return rgb + static_cast<std::ptrdiff_t>(y) * width * 3;
  }
};

/// Pixels of one's own. A value: copies copy.
class Image {
 public:
  Image() = default;
  /// Black. @pre width >= 0 and height >= 0, and the product fits the limits of the caller.
  Image(int width, int height)
      : rgb_(std::size_t{3} * static_cast<std::size_t>(width) * static_cast<std::size_t>(height)),
        width_(width),
        height_(height) {}

  [[nodiscard]] int width() const noexcept { return width_; }
  [[nodiscard]] int height() const noexcept { return height_; }
  [[nodiscard]] bool empty() const noexcept { return rgb_.empty(); }
  [[nodiscard]] std::uint8_t* row(int y) noexcept {
    return rgb_.data() + static_cast<std::ptrdiff_t>(y) * width_ * 3;
  }
  [[nodiscard]] const std::uint8_t* row(int y) const noexcept { return view().row(y); }
  [[nodiscard]] ImageView view() const noexcept {
    return {.rgb = rgb_.data(), .width = width_, .height = height_};
  }
  [[nodiscard]] std::vector<std::uint8_t>& bytes() noexcept { return rgb_; }
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const noexcept { return rgb_; }

 private:
  std::vector<std::uint8_t> rgb_;
  int width_ = 0;
  int height_ = 0;
};

}  // namespace visavis
