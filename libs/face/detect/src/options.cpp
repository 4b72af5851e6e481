#include "options.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::detect {

namespace {

/// Finer steps find nothing more, and take the time and memory of hundreds of pictures.
constexpr double kMaxFactor = .99;

}  // namespace

Result<DetectorOptions> complete_options(DetectorOptions options,
                                         std::span<const float> default_thresholds) {
  if (!std::isfinite(options.min_face_px) || options.min_face_px < 1)
    return fail(ErrorCode::kInvalidArgument, "the minimum face must be at least 1 pixel");
  if (!(options.factor > 0 && options.factor <= kMaxFactor))
    return fail(ErrorCode::kInvalidArgument,
                "the pyramid's factor must be above 0 and at most 0.99");
  if (options.thresholds.empty())
    options.thresholds.assign(default_thresholds.begin(), default_thresholds.end());
  if (options.thresholds.size() != default_thresholds.size())
    return fail(ErrorCode::kInvalidArgument,
                "this detector takes " + std::to_string(default_thresholds.size()) +
                    (default_thresholds.size() == 1 ? " threshold, not " : " thresholds, not ") +
                    std::to_string(options.thresholds.size()));
  if (!std::ranges::all_of(options.thresholds, [](float t) { return t >= 0 && t <= 1; }))
    return fail(ErrorCode::kInvalidArgument, "a detector's thresholds must be from 0 to 1");
  return options;
}

Result<void> check_images(std::span<const ImageView> images) {
  for (std::size_t i = 0; i < images.size(); ++i)
    if (images[i].rgb == nullptr || images[i].width < 1 || images[i].height < 1)
      return fail(ErrorCode::kInvalidArgument, "picture " + std::to_string(i) + " has no pixels");
  return {};
}

}  // namespace visavis::detect
