#pragma once

/// The second noun: where a face is. Made by a detector.

#include <array>

namespace visavis {

/// Image coordinates in pixels, pixel centres at integers.
struct Point {
  float x = 0;
  float y = 0;
  bool operator==(const Point&) const = default;
};

/// Half-open [x, x + width) × [y, y + height), pixel edges at integers. May reach beyond the image.
struct Box {
  float x = 0;
  float y = 0;
  float width = 0;
  float height = 0;
  [[nodiscard]] float right() const noexcept { return x + width; }
  [[nodiscard]] float bottom() const noexcept { return y + height; }
  [[nodiscard]] float area() const noexcept { return width * height; }
  bool operator==(const Box&) const = default;
};

/// Left eye, right eye, nose, left mouth corner, right mouth corner *as seen in the image*.
using Landmarks = std::array<Point, 5>;

struct Face {
  Box box;
  float confidence = 0;  ///< The detector's, in [0, 1].
  Landmarks landmarks{};
};

}  // namespace visavis
