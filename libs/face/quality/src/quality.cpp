#include "visavis/quality/quality.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "visavis/quality/fit.hpp"
#include "visavis/vocab/face.hpp"
#include "visavis/vocab/image.hpp"
#include "visavis/vocab/quality.hpp"

namespace visavis::quality {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;

/// Where the nose's tip stands out from the plane of the eyes, in eye distances: about 37 mm of 63.
constexpr double kNoseDepth = 0.6;
/// A frontal face, after the ArcFace template: height from eyes to mouth in eye distances, and the
/// share of it at which the tip of the nose lies.
constexpr double kEyesToMouth = 1.155;
constexpr double kNoseHeight = 0.495;

constexpr int kBlack = 4;    // a level at or below is crushed,
constexpr int kWhite = 251;  // one at or above blown out

struct Vector {
  double x;
  double y;
};

Vector middle(Point a, Point b) { return {.x = (a.x + b.x) / 2.0, .y = (a.y + b.y) / 2.0}; }

/// Roll from the line of the eyes; yaw and pitch from how far the nose's tip leaves the place it
/// has in a frontal face, under weak perspective. Coarse: some ten degrees.
void measure_pose(const Landmarks& points, Quality& quality) {
  const Vector eyes = middle(points[0], points[1]);
  const Vector mouth = middle(points[3], points[4]);
  const Vector across{.x = points[1].x - points[0].x, .y = points[1].y - points[0].y};
  const double distance = std::hypot(across.x, across.y);
  quality.eye_distance_px = static_cast<float>(distance);
  if (distance <= 0) return;
  quality.roll_deg = static_cast<float>(std::atan2(across.y, across.x) * kDegrees);

  // Coordinates along the line of the eyes and across it, downwards.
  const Vector along{.x = across.x / distance, .y = across.y / distance};
  const auto sideways = [&](Vector v) { return v.x * along.x + v.y * along.y; };
  const auto down = [&](Vector v) { return v.y * along.x - v.x * along.y; };
  const Vector nose{.x = points[2].x - eyes.x, .y = points[2].y - eyes.y};
  const Vector chin{.x = mouth.x - eyes.x, .y = mouth.y - eyes.y};
  const double height = down(chin);
  const double midline = kNoseHeight * sideways(chin);
  quality.yaw_deg =
      static_cast<float>(std::atan2(sideways(nose) - midline, kNoseDepth * distance) * kDegrees);
  if (height <= 0) return;  // the mouth beside or above the eyes: no pitch can be told
  const double off = down(nose) / height - kNoseHeight;
  quality.pitch_deg = static_cast<float>(std::atan2(off * kEyesToMouth, kNoseDepth) * kDegrees);
}

/// The chip's middle three quarters in grey (Rec. 601), which leaves out most of the background and
/// of what lies outside the photo.
struct Grey {
  int side = 0;
  std::vector<std::uint8_t> levels;
  [[nodiscard]] int at(int x, int y) const {
    return levels[static_cast<std::size_t>(y) * static_cast<std::size_t>(side) +
                  static_cast<std::size_t>(x)];
  }
};

Grey grey_middle(ImageView chip) {
  const int margin = std::min(chip.width, chip.height) / 8;
  Grey grey{.side = std::min(chip.width, chip.height) - 2 * margin, .levels = {}};
  for (int y = margin; y < margin + grey.side; ++y) {
    const std::uint8_t* pixel = chip.row(y) + std::ptrdiff_t{3} * margin;
    for (int x = 0; x < grey.side; ++x, pixel += 3)
      grey.levels.push_back(static_cast<std::uint8_t>(
          (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000));
  }
  return grey;
}

/// Variance of the Laplacian (kernel 0 1 0 / 1 −4 1 / 0 1 0): Pech-Pacheco et al., "Diatom
/// autofocusing in brightfield microscopy", ICPR 2000.
float sharpness_of(const Grey& grey) {
  double sum = 0;
  double squares = 0;
  for (int y = 1; y + 1 < grey.side; ++y) {
    for (int x = 1; x + 1 < grey.side; ++x) {
      const int value = grey.at(x - 1, y) + grey.at(x + 1, y) + grey.at(x, y - 1) +
                        grey.at(x, y + 1) - 4 * grey.at(x, y);
      sum += value;
      squares += static_cast<double>(value) * value;
    }
  }
  const double inner = grey.side - 2;
  const double count = inner * inner;
  const double mean = sum / count;
  return static_cast<float>(std::max(0.0, squares / count - mean * mean));
}

float contrast_of(ImageView chip) {
  double sum = 0;
  double squares = 0;
  const std::ptrdiff_t values = std::ptrdiff_t{3} * chip.width * chip.height;
  for (std::ptrdiff_t i = 0; i < values; ++i) {
    sum += chip.rgb[i];
    squares += static_cast<double>(chip.rgb[i]) * chip.rgb[i];
  }
  const auto count = static_cast<double>(values);
  return static_cast<float>(
      std::sqrt(std::max(0.0, squares / count - (sum / count) * (sum / count))));
}

float exposure_of(const Grey& grey) {
  const auto usable = std::ranges::count_if(
      grey.levels, [](std::uint8_t level) { return level > kBlack && level < kWhite; });
  return static_cast<float>(usable) / static_cast<float>(grey.levels.size());
}

/// 0 up to `from`, 1 from `to`, straight between; NaN counts as `from`.
double ramp(double value, double from, double to) {
  const double share = (value - from) / (to - from);
  return share > 0 ? std::min(share, 1.0) : 0;
}

/// A component and how much it weighs.
struct Part {
  double value;
  double weight;
};

}  // namespace

float combine(const Quality& quality, const NormScale& scale) noexcept {
  if (scale.fit) return foretell(quality, *scale.fit);
  const double turned = std::hypot(quality.yaw_deg, quality.pitch_deg);
  const double norm_weight = scale.has_meaning && scale.high > scale.low ? 2 : 0;
  const Part parts[] = {
      {.value = ramp(quality.eye_distance_px, 5, 35), .weight = 1},
      {.value = 1 - ramp(turned, 15, 80), .weight = 1},
      {.value = ramp(std::log1p(quality.sharpness), std::log1p(5.0), std::log1p(130.0)),
       .weight = 1},
      {.value = ramp(quality.exposure, 0.4, 0.95), .weight = 0.5},
      {.value = ramp(quality.confidence, 0.5, 0.99), .weight = 0.5},
      {.value = norm_weight > 0 ? ramp(quality.norm, scale.low, scale.high) : 1,
       .weight = norm_weight},
  };
  double weights = 0;
  double logs = 0;
  for (const Part& part : parts) {
    if (part.value <= 0) return 0;
    weights += part.weight;
    logs += part.weight * std::log(part.value);
  }
  return static_cast<float>(std::exp(logs / weights));
}

Quality assess(const Face& face, ImageView chip, float norm, const NormScale& scale) {
  Quality quality{.confidence = face.confidence, .norm = scale.has_meaning ? norm : 0};
  measure_pose(face.landmarks, quality);
  const Grey grey = grey_middle(chip);
  quality.sharpness = sharpness_of(grey);
  quality.contrast = contrast_of(chip);
  quality.exposure = exposure_of(grey);
  quality.score = combine(quality, scale);
  return quality;
}

}  // namespace visavis::quality
