#pragma once

/// Bytes in, upright RGB out. Limits are checked against the header, before memory is taken.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::image {

enum class Format : std::uint8_t { kJpeg, kPng, kWebp, kGif, kBmp, kPnm, kHeif, kAvif, kUnknown };

struct DecodeOptions {
  std::uint64_t max_bytes = 64ULL << 20;   ///< Of the file.
  std::uint64_t max_pixels = 100'000'000;  ///< Of the picture as the header tells it.
  int max_side = 65'535;                   ///< Of the picture as the header tells it.
  /// If positive, a JPEG whose shorter side is at least twice this is decoded at 1/2, 1/4 or 1/8,
  /// so that the shorter side stays at least this long. 0 decodes at full size.
  int target_short_side = 0;
};

struct Decoded {
  Image image;
  int full_width = 0;  ///< Upright, before scaled decoding.
  int full_height = 0;
  Format format = Format::kUnknown;
  /// What a person should know: a damaged file that was read in part, an ICC profile that was
  /// ignored, further frames that were not read.
  std::vector<std::string> warnings;
};

/// By content, never by name.
[[nodiscard]] Format sniff(std::span<const std::byte> bytes) noexcept;
[[nodiscard]] std::string_view to_string(Format format) noexcept;

/// True if this build reads the format (HEIF and AVIF need libheif).
[[nodiscard]] bool can_decode(Format format) noexcept;

/// Decodes a JPEG (also grey, CMYK, YCCK), PNG (1 to 16 bit, palette, alpha over white; see the
/// module's README), WebP, GIF (first frame), BMP, PNM (P1-P6) or HEIF/AVIF, applies the EXIF
/// orientation and converts to 8-bit RGB. 16-bit samples are scaled, not cut.
/// @return kDecodeFailed with a distinct sentence per cause (empty, text, truncated, unknown
/// format, damaged), kInvalidArgument for a picture beyond the limits, kUnsupported for a format
/// this build lacks.
[[nodiscard]] Result<Decoded> decode(std::span<const std::byte> bytes,
                                     const DecodeOptions& options = {});

}  // namespace visavis::image
