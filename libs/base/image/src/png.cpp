#include <spng.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "codec.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

struct Free {
  void operator()(spng_ctx* png) const noexcept { spng_ctx_free(png); }
};
using Context = std::unique_ptr<spng_ctx, Free>;

std::unexpected<Error> explain(int error) {
  if (error == SPNG_IO_EOF) return truncated_header("PNG");
  if (error == SPNG_EMEM)
    return fail(ErrorCode::kResourceExhausted, "needs more memory than there is");
  return damaged("PNG");
}

/// True if the file is an animated PNG: an acTL chunk stands before the first IDAT.
bool is_animated(Bytes bytes) {
  std::size_t at = 8;
  while (bytes.size() >= at + 12) {
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < 4; ++i)
      length = length << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
    const std::string_view type(reinterpret_cast<const char*>(bytes.data() + at + 4), 4);
    if (type == "acTL") return true;
    if (type == "IDAT" || length > bytes.size() - at - 12) return false;
    at += std::size_t{12} + length;
  }
  return false;
}

/// The bytes that the picture has before compression, at least.
std::uint64_t raw_size(const spng_ihdr& header) {
  unsigned channels = 1;
  if (header.color_type == SPNG_COLOR_TYPE_TRUECOLOR) channels = 3;
  if (header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA) channels = 2;
  if (header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA) channels = 4;
  return std::uint64_t{header.width} * channels * header.bit_depth / 8 * header.height;
}

void read_notes(spng_ctx* png, Bytes bytes, Raw& raw) {
  if (spng_exif exif{}; spng_get_exif(png, &exif) == 0)
    raw.orientation = exif_orientation(std::as_bytes(std::span(exif.data, exif.length)));
  if (spng_iccp icc{}; spng_get_iccp(png, &icc) == 0)
    note_icc(std::as_bytes(std::span(icc.profile, icc.profile_len)), raw.warnings);
  if (is_animated(bytes)) raw.warnings.emplace_back("only the first frame was read");
}

/// How the rows come out of the library.
struct Layout {
  int format = SPNG_FMT_RGB8;
  std::size_t bytes_per_pixel = 3;
};

Layout choose_layout(spng_ctx* png, const spng_ihdr& header) {
  if (header.bit_depth == 16) return {.format = SPNG_FMT_RGBA16, .bytes_per_pixel = 8};
  spng_trns transparency{};
  const bool alpha = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
                     header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA ||
                     spng_get_trns(png, &transparency) == 0;
  if (alpha) return {.format = SPNG_FMT_RGBA8, .bytes_per_pixel = 4};
  return {};
}

class RowWriter {
 public:
  RowWriter(Layout layout, Image& image) : layout_(layout), image_(image) {
    if (layout.bytes_per_pixel == 8) narrow_.resize(std::size_t{4} * width());
  }
  void write(const std::uint8_t* row, int y) {
    if (layout_.bytes_per_pixel == 3) {
      std::copy_n(row, 3 * width(), image_.row(y));
      return;
    }
    if (layout_.bytes_per_pixel == 8) {
      for (std::size_t i = 0; i < narrow_.size(); ++i) {
        std::uint16_t wide = 0;
        std::memcpy(&wide, row + 2 * i, sizeof wide);
        narrow_[i] = to_8_bit(wide);
      }
      row = narrow_.data();
    }
    transparent_ = flatten_row(row, image_.width(), image_.row(y)) || transparent_;
  }
  [[nodiscard]] bool transparent() const noexcept { return transparent_; }

 private:
  [[nodiscard]] std::size_t width() const noexcept {
    return static_cast<std::size_t>(image_.width());
  }
  Layout layout_;
  Image& image_;
  std::vector<std::uint8_t> narrow_;
  bool transparent_ = false;
};

/// How far the decoding came.
struct Progress {
  int rows = 0;
  int error = 0;
};

Progress read_in_order(spng_ctx* png, Layout layout, Image& image, RowWriter& writer) {
  std::vector<std::uint8_t> row(static_cast<std::size_t>(image.width()) * layout.bytes_per_pixel);
  for (int y = 0; y < image.height(); ++y) {
    const int error = spng_decode_row(png, row.data(), row.size());
    if (error != 0 && error != SPNG_EOI) return {.rows = y, .error = error};
    writer.write(row.data(), y);
  }
  return {.rows = image.height(), .error = 0};
}

/// The rows of an interlaced picture come in seven passes, so that all of it is in memory at once;
/// before the last pass is through, no row is.
Progress read_interlaced(spng_ctx* png, Layout layout, Image& image, RowWriter& writer) {
  const std::size_t stride = static_cast<std::size_t>(image.width()) * layout.bytes_per_pixel;
  std::vector<std::uint8_t> all(stride * static_cast<std::size_t>(image.height()));
  int error = 0;
  while (error == 0) {
    spng_row_info info{};
    error = spng_get_row_info(png, &info);
    if (error != 0) break;
    error = spng_decode_row(png, all.data() + stride * info.row_num, stride);
  }
  if (error != SPNG_EOI) return {.rows = 0, .error = error};
  for (int y = 0; y < image.height(); ++y)
    writer.write(all.data() + stride * static_cast<std::size_t>(y), y);
  return {.rows = image.height(), .error = 0};
}

}  // namespace

Result<Raw> decode_png(Bytes bytes, const DecodeOptions& options) {
  const Context png(spng_ctx_new(0));
  if (!png) return fail(ErrorCode::kResourceExhausted, "needs more memory than there is");
  // Memory for what is not the picture: profiles, texts.
  constexpr std::size_t kMaxChunk = std::size_t{16} << 20;
  spng_set_chunk_limits(png.get(), kMaxChunk, 2 * kMaxChunk);
  spng_set_png_buffer(png.get(), bytes.data(), bytes.size());
  spng_ihdr header{};
  if (const int error = spng_get_ihdr(png.get(), &header); error != 0) return explain(error);
  VISAVIS_CHECK(check_size(header.width, header.height, options));
  // Deflate expands at most 1032 times, and half of the picture must be there.
  constexpr std::uint64_t kMostExpansion = 1032;
  if (raw_size(header) / 2 / kMostExpansion > bytes.size())
    return fail(ErrorCode::kDecodeFailed,
                "is truncated: less than half of the picture can be read");

  const Layout layout = choose_layout(png.get(), header);
  if (const int error = spng_decode_image(png.get(), nullptr, 0, layout.format,
                                          SPNG_DECODE_TRNS | SPNG_DECODE_PROGRESSIVE);
      error != 0)
    return explain(error);
  Raw raw;
  raw.full_width = static_cast<int>(header.width);
  raw.full_height = static_cast<int>(header.height);
  raw.image = Image(raw.full_width, raw.full_height);
  read_notes(png.get(), bytes, raw);
  RowWriter writer(layout, raw.image);
  const bool interlaced = header.interlace_method != SPNG_INTERLACE_NONE;
  const Progress progress = interlaced ? read_interlaced(png.get(), layout, raw.image, writer)
                                       : read_in_order(png.get(), layout, raw.image, writer);
  VISAVIS_CHECK(accept_rows(progress.rows, progress.error == SPNG_IO_EOF, raw));
  if (writer.transparent()) note_alpha(raw.warnings);
  return raw;
}

}  // namespace visavis::image
