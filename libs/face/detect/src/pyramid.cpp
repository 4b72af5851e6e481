#include "pyramid.hpp"

#include <algorithm>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::detect {
namespace {

constexpr double kNetworkSide = 12;  // of P-Net's window
constexpr double kMostPixels = 1U << 30U;

}  // namespace

Result<std::vector<Level>> make_pyramid(int width, int height, double min_face_px, double factor) {
  std::vector<Level> levels;
  double scale = kNetworkSide / min_face_px;
  double short_side = std::min(width, height) * scale;
  double pixels = 0;
  while (short_side >= kNetworkSide) {
    pixels += (width * scale + 1) * (height * scale + 1);
    if (pixels > kMostPixels)
      return fail(ErrorCode::kResourceExhausted,
                  "a picture of " + std::to_string(width) + " x " + std::to_string(height) +
                      " pixels is too large for such a small minimum face or fine scale steps");
    levels.push_back({.scale = scale,
                      .width = static_cast<int>(width * scale + 1),
                      .height = static_cast<int>(height * scale + 1)});
    scale *= factor;
    short_side *= factor;
  }
  return levels;
}

}  // namespace visavis::detect
