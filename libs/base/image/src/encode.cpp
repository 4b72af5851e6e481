#include "visavis/image/encode.hpp"

#include <spng.h>
#include <turbojpeg.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "visavis/core/file.hpp"
#include "visavis/core/result.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

std::vector<std::byte> copy(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  return {bytes, bytes + size};
}

Result<void> check(ImageView image) {
  if (image.rgb == nullptr || image.width <= 0 || image.height <= 0)
    return fail(ErrorCode::kInvalidArgument, "an empty picture cannot be written");
  return {};
}

struct FreeTurbo {
  void operator()(void* handle) const noexcept { tjDestroy(handle); }
};
struct FreeTurboBytes {
  void operator()(unsigned char* bytes) const noexcept { tjFree(bytes); }
};
struct FreePng {
  void operator()(spng_ctx* png) const noexcept { spng_ctx_free(png); }
};
struct FreeBytes {
  void operator()(void* bytes) const noexcept { std::free(bytes); }
};

}  // namespace

Result<std::vector<std::byte>> encode_jpeg(ImageView image, int quality) {
  VISAVIS_CHECK(check(image));
  constexpr int kMaxSide = 65'500;  // libjpeg's JPEG_MAX_DIMENSION
  if (std::max(image.width, image.height) > kMaxSide)
    return fail(ErrorCode::kInvalidArgument, "the picture is too large for JPEG");
  const std::unique_ptr<void, FreeTurbo> jpeg(tjInitCompress());
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  // 4:4:4: boxes and labels are thin and coloured.
  const int status =
      jpeg ? tjCompress2(jpeg.get(), image.rgb, image.width, 0, image.height, TJPF_RGB, &bytes,
                         &size, TJSAMP_444, std::clamp(quality, 1, 100), TJFLAG_ACCURATEDCT)
           : -1;
  const std::unique_ptr<unsigned char, FreeTurboBytes> owner(bytes);
  if (status != 0) return fail(ErrorCode::kInternal, "the JPEG encoder failed");
  return copy(bytes, size);
}

Result<std::vector<std::byte>> encode_png(ImageView image) {
  VISAVIS_CHECK(check(image));
  const std::unique_ptr<spng_ctx, FreePng> png(spng_ctx_new(SPNG_CTX_ENCODER));
  if (!png) return fail(ErrorCode::kResourceExhausted, "needs more memory than there is");
  spng_set_option(png.get(), SPNG_ENCODE_TO_BUFFER, 1);
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width);
  header.height = static_cast<std::uint32_t>(image.height);
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  const std::size_t size = std::size_t{3} * header.width * header.height;
  if (spng_set_ihdr(png.get(), &header) != 0 ||
      spng_encode_image(png.get(), image.rgb, size, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE) != 0)
    return fail(ErrorCode::kInternal, "the PNG encoder failed");
  std::size_t length = 0;
  int error = 0;
  const std::unique_ptr<void, FreeBytes> bytes(spng_get_png_buffer(png.get(), &length, &error));
  if (!bytes || error != 0) return fail(ErrorCode::kInternal, "the PNG encoder failed");
  return copy(bytes.get(), length);
}

Result<void> write_image(const std::filesystem::path& path, ImageView image) {
  std::string end = path.extension().string();
  std::ranges::transform(end, end.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  const bool jpeg = end == ".jpg" || end == ".jpeg";
  if (!jpeg && end != ".png")
    return fail(ErrorCode::kInvalidArgument,
                "pictures are written as .jpg, .jpeg or .png, told by the name's end");
  VISAVIS_TRY(bytes, jpeg ? encode_jpeg(image) : encode_png(image));
  return write_file(path, std::span<const std::byte>(bytes));
}

}  // namespace visavis::image
