#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>

#include "codec.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_FAILURE_STRINGS
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb/stb_image.h>

#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#pragma GCC diagnostic pop

namespace visavis::image {
namespace {

struct Free {
  void operator()(stbi_uc* pixels) const noexcept { stbi_image_free(pixels); }
};

std::uint32_t little(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8 * i);
  return value;
}

struct Header {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  std::uint32_t bits = 0;
  std::uint32_t compression = 0;
  std::uint32_t data = 0;  ///< Where the pixels begin.
};

/// @return nothing if the bytes end before it does.
std::optional<Header> read_header(Bytes bytes) {
  constexpr std::size_t kFileHeader = 14;
  if (bytes.size() < kFileHeader + 4) return std::nullopt;
  const std::uint32_t size = little(bytes, kFileHeader, 4);
  if (bytes.size() < kFileHeader + size) return std::nullopt;
  Header header{.data = little(bytes, 10, 4)};
  if (size == 12) {  // OS/2's
    header.width = little(bytes, 18, 2);
    header.height = little(bytes, 20, 2);
    header.bits = little(bytes, 24, 2);
    return header;
  }
  const auto height = static_cast<std::int32_t>(little(bytes, 22, 4));  // negative: top-down
  header.width = little(bytes, 18, 4);
  header.height = static_cast<std::uint64_t>(height < 0 ? -std::int64_t{height} : height);
  header.bits = little(bytes, 28, 2);
  header.compression = little(bytes, 30, 4);
  return header;
}

/// The bytes of the pixels, without the padding of the last row, which some writers leave out.
std::uint64_t data_size(const Header& header) {
  const std::uint64_t row_bits = header.width * header.bits;
  return (row_bits + 31) / 32 * 4 * (header.height - 1) + (row_bits + 7) / 8;
}

}  // namespace

Result<Raw> decode_bmp(Bytes bytes, const DecodeOptions& options) {
  const std::optional<Header> header = read_header(bytes);
  if (!header) return truncated_header("BMP");
  constexpr std::uint32_t kPlain = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3;
  if (header->compression == kRle8 || header->compression == kRle4)
    return fail(ErrorCode::kUnsupported, "is a run-length coded BMP, which is not supported");
  if (header->compression != kPlain && header->compression != kBitFields)
    return fail(ErrorCode::kUnsupported, "is a kind of BMP that is not supported");
  VISAVIS_CHECK(check_size(header->width, header->height, options));
  // Mostly stored from the bottom up, so that a file cut short lacks the top: refused altogether.
  // stb_image would read zeros for what is missing.
  if (header->data > bytes.size() || data_size(*header) > bytes.size() - header->data)
    return fail(ErrorCode::kDecodeFailed, "is truncated: the BMP file ends inside the picture");
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    return fail(ErrorCode::kInvalidArgument, "is too large: a BMP of more than 2 GiB");

  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, Free> pixels(
      stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()),
                            static_cast<int>(bytes.size()), &width, &height, &channels, 3));
  if (!pixels) return damaged("BMP");
  if (static_cast<std::uint64_t>(width) != header->width ||
      static_cast<std::uint64_t>(height) != header->height)
    return damaged("BMP");
  Raw raw;
  raw.full_width = width;
  raw.full_height = height;
  raw.image = Image(width, height);
  std::copy_n(pixels.get(), raw.image.bytes().size(), raw.image.bytes().begin());
  return raw;
}

}  // namespace visavis::image
