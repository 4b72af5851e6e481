#pragma once

/// What every detector refuses.

#include <span>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::detect {

/// Fills in the thresholds.
/// @return kInvalidArgument for an option outside its domain, or another number of thresholds.
[[nodiscard]] Result<DetectorOptions> complete_options(DetectorOptions options,
                                                       std::span<const float> default_thresholds);

/// @return kInvalidArgument if one has no pixels.
[[nodiscard]] Result<void> check_images(std::span<const ImageView> images);

}  // namespace visavis::detect
