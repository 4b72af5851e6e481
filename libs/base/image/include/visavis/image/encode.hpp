#pragma once

/// RGB in, files out.

#include <cstddef>
#include <filesystem>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::image {

/// @param quality  1 to 100.
[[nodiscard]] Result<std::vector<std::byte>> encode_jpeg(ImageView image, int quality = 92);
[[nodiscard]] Result<std::vector<std::byte>> encode_png(ImageView image);

/// Chooses by the name's end: .jpg, .jpeg or .png; anything else is kInvalidArgument.
[[nodiscard]] Result<void> write_image(const std::filesystem::path& path, ImageView image);

}  // namespace visavis::image
