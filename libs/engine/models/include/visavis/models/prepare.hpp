#pragma once

/// Pixels become tensors here and nowhere else, driven by the manifest.

#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::models {

/// Writes one image as channels × height × width floats after `preparation`.
/// @pre the image has the preparation's width and height; out.size() == channels · width · height
void prepare(ImageView image, const Preparation& preparation, std::span<float> out);

/// 3, or 1 for grey.
[[nodiscard]] int channels(const Preparation& preparation) noexcept;

}  // namespace visavis::models
