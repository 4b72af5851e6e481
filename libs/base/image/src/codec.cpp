#include "codec.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"

namespace visavis::image {

Result<void> check_size(std::uint64_t width, std::uint64_t height, const DecodeOptions& options) {
  if (width == 0 || height == 0)
    return fail(ErrorCode::kDecodeFailed, "is damaged: its header tells a picture without area");
  const auto side = static_cast<std::uint64_t>(std::max(options.max_side, 0));
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width > side || height > side)
    return fail(ErrorCode::kInvalidArgument, "is too large: " + size +
                                                 ", and no side may be longer than " +
                                                 std::to_string(options.max_side));
  if (width > options.max_pixels / height)
    return fail(ErrorCode::kInvalidArgument, "is too large: " + size + ", more than the limit of " +
                                                 std::to_string(options.max_pixels));
  return {};
}

Result<void> accept_rows(int rows, bool truncated, Raw& raw) {
  const int height = raw.image.height();
  if (rows >= height) return {};
  const std::string what = truncated ? "is truncated" : "is damaged";
  if (rows * std::int64_t{2} < height)
    return fail(ErrorCode::kDecodeFailed, what + ": less than half of the picture can be read");
  constexpr std::uint8_t kGrey = 128;
  std::fill(raw.image.row(rows), raw.image.row(0) + raw.image.bytes().size(), kGrey);
  raw.warnings.push_back("the file " + what + ": only the upper " +
                         std::to_string(rows * std::int64_t{100} / height) +
                         " % of the picture could be read, the rest is grey");
  return {};
}

std::unexpected<Error> truncated_header(std::string_view format) {
  return fail(ErrorCode::kDecodeFailed,
              "is truncated: the " + std::string(format) + " file ends inside its header");
}

std::unexpected<Error> damaged(std::string_view format) {
  return fail(ErrorCode::kDecodeFailed,
              "is damaged: the " + std::string(format) + " data cannot be decoded");
}

void note_icc(Bytes profile, std::vector<std::string>& warnings) {
  constexpr std::string_view kPlain = "sRGB";
  constexpr std::string_view kUtf16{"s\0R\0G\0B", 7};
  const std::string_view text(reinterpret_cast<const char*>(profile.data()), profile.size());
  if (text.contains(kPlain) || text.contains(kUtf16)) return;
  warnings.emplace_back("the colour profile was ignored; colours are taken as sRGB");
}

int exif_orientation(Bytes exif) noexcept {
  constexpr std::array<char, 6> kMark{'E', 'x', 'i', 'f', '\0', '\0'};
  if (exif.size() >= kMark.size() && std::memcmp(exif.data(), kMark.data(), kMark.size()) == 0)
    exif = exif.subspan(kMark.size());
  if (exif.size() < 8) return 1;
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(exif[i]); };
  const bool little = byte(0) == 'I' && byte(1) == 'I';
  if (!little && !(byte(0) == 'M' && byte(1) == 'M')) return 1;
  const auto u16 = [&](std::size_t i) {
    return little ? byte(i) | byte(i + 1) << 8 : byte(i) << 8 | byte(i + 1);
  };
  const auto u32 = [&](std::size_t i) {
    return little ? u16(i) | u16(i + 2) << 16 : u16(i) << 16 | u16(i + 2);
  };
  if (u16(2) != 42) return 1;
  const std::size_t directory = u32(4);
  if (directory > exif.size() - 2) return 1;
  constexpr std::size_t kEntry = 12;
  const std::size_t entries = u16(directory);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t at = directory + 2 + i * kEntry;
    if (at + kEntry > exif.size()) return 1;
    constexpr std::uint32_t kOrientation = 0x0112, kShort = 3;
    if (u16(at) != kOrientation) continue;
    const std::uint32_t value = u16(at + 8);
    const bool sound = u16(at + 2) == kShort && u32(at + 4) == 1 && value >= 1 && value <= 8;
    return sound ? static_cast<int>(value) : 1;
  }
  return 1;
}

bool flatten_row(const std::uint8_t* rgba, int width, std::uint8_t* rgb) noexcept {
  std::uint8_t least = 255;
  for (int x = 0; x < width; ++x, rgba += 4, rgb += 3) {
    const std::uint8_t alpha = rgba[3];
    least = std::min(least, alpha);
    for (int c = 0; c < 3; ++c) rgb[c] = over_white(rgba[c], alpha);
  }
  return least < 255;
}

void note_alpha(std::vector<std::string>& warnings) {
  warnings.emplace_back("transparent parts were drawn over white");
}

}  // namespace visavis::image
