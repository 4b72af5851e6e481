#pragma once

/// What decode() asks of every format, and what the formats share. One source file per format.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {

using Bytes = std::span<const std::byte>;

/// A picture as it lies in the file.
struct Raw {
  Image image;
  int full_width = 0;  ///< Before scaled decoding.
  int full_height = 0;
  int orientation = 1;  ///< EXIF's, 1 to 8.
  std::vector<std::string> warnings;
};

[[nodiscard]] Result<Raw> decode_jpeg(Bytes bytes, const DecodeOptions& options);
[[nodiscard]] Result<Raw> decode_png(Bytes bytes, const DecodeOptions& options);
[[nodiscard]] Result<Raw> decode_webp(Bytes bytes, const DecodeOptions& options);
[[nodiscard]] Result<Raw> decode_gif(Bytes bytes, const DecodeOptions& options);
[[nodiscard]] Result<Raw> decode_bmp(Bytes bytes, const DecodeOptions& options);
[[nodiscard]] Result<Raw> decode_pnm(Bytes bytes, const DecodeOptions& options);
[[nodiscard]] Result<Raw> decode_heif(Bytes bytes, const DecodeOptions& options);

/// True if libheif is there and reads `format` (kHeif or kAvif).
[[nodiscard]] bool heif_reads(Format format) noexcept;

/// @return kDecodeFailed for a picture without area, kInvalidArgument for one beyond the limits.
[[nodiscard]] Result<void> check_size(std::uint64_t width, std::uint64_t height,
                                      const DecodeOptions& options);

/// The one rule for files whose rows do not all come: refused if fewer than half came; otherwise
/// the rest becomes mid-grey and a warning is added. `rows` of the image are good.
/// @param truncated  the file ends early; otherwise its data are damaged
[[nodiscard]] Result<void> accept_rows(int rows, bool truncated, Raw& raw);

/// The sentence for a file that ends before its header does.
[[nodiscard]] std::unexpected<Error> truncated_header(std::string_view format);
/// The sentence for a file whose header or data contradict the format.
[[nodiscard]] std::unexpected<Error> damaged(std::string_view format);

/// Adds the note that a colour profile was ignored, unless it says that it is sRGB.
void note_icc(Bytes profile, std::vector<std::string>& warnings);

/// Reads the orientation tag. Nonsense of any kind is 1.
/// @param exif  a TIFF structure, with or without the six bytes "Exif\0\0" in front
[[nodiscard]] int exif_orientation(Bytes exif) noexcept;

/// 16 bit to 8 bit, rounded to nearest.
[[nodiscard]] constexpr std::uint8_t to_8_bit(std::uint16_t v) noexcept {
  return static_cast<std::uint8_t>((v * 255U + 32767U) / 65535U);
}

/// `value` over white, both 8 bit, rounded to nearest.
[[nodiscard]] constexpr std::uint8_t over_white(std::uint8_t value, std::uint8_t alpha) noexcept {
  return static_cast<std::uint8_t>((value * alpha + 255U * (255U - alpha) + 127U) / 255U);
}

/// Puts a row of RGBA over white. @return true if any pixel was not opaque.
bool flatten_row(const std::uint8_t* rgba, int width, std::uint8_t* rgb) noexcept;

void note_alpha(std::vector<std::string>& warnings);

}  // namespace visavis::image
