#include "points.hpp"

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>

namespace visavis::landmark {

Landmarks points_of_onet(std::span<const float> values, const Box& square) noexcept {
  Landmarks points;
  for (std::size_t i = 0; i < points.size(); ++i)
    points[i] = {.x = (square.width + 1) * values[i] + square.x - 1,
                 .y = (square.height + 1) * values[i + 5] + square.y - 1};
  return points;
}

Landmarks points_of_68(std::span<const float> values, const Box& box) noexcept {
  const auto mean = [&](std::initializer_list<std::size_t> indexes) {
    float x = 0;
    float y = 0;
    for (const std::size_t i : indexes) {
      x += values[2 * i] / static_cast<float>(indexes.size());
      y += values[2 * i + 1] / static_cast<float>(indexes.size());
    }
    return Point{.x = box.x + x * box.width, .y = box.y + y * box.height};
  };
  return {mean({37, 38, 40, 41}), mean({43, 44, 46, 47}), mean({30}), mean({48, 60}),
          mean({54, 64})};
}

}  // namespace visavis::landmark
