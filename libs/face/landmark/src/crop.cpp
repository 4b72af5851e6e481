#include "crop.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace visavis::landmark {

std::optional<Crop> square_crop(const Box& box, double side_of_longer, ImageView image) {
  const double side = std::max(box.width, box.height) * side_of_longer;
  const double x = box.x + (box.width - side) / 2;
  const double y = box.y + (box.height - side) / 2;
  if (!std::isfinite(x) || !std::isfinite(y) || !(side > 0)) return std::nullopt;
  const double left = std::clamp(std::trunc(x), 0.0, static_cast<double>(image.width));
  const double top = std::clamp(std::trunc(y), 0.0, static_cast<double>(image.height));
  const double right = std::clamp(std::trunc(x + side), 0.0, static_cast<double>(image.width));
  const double bottom = std::clamp(std::trunc(y + side), 0.0, static_cast<double>(image.height));
  if (right - left < 1 || bottom - top < 1) return std::nullopt;
  return Crop{.square = {.x = static_cast<float>(x),
                         .y = static_cast<float>(y),
                         .width = static_cast<float>(side),
                         .height = static_cast<float>(side)},
              .window = {.x = static_cast<int>(left),
                         .y = static_cast<int>(top),
                         .width = static_cast<int>(right - left),
                         .height = static_cast<int>(bottom - top)}};
}

}  // namespace visavis::landmark
