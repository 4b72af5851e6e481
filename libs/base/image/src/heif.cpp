#include <libheif/heif.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "codec.hpp"
#include "heif_guard.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

template <auto kFree>
struct With {
  template <class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};
using Context = std::unique_ptr<heif_context, With<heif_context_free>>;
using Handle = std::unique_ptr<heif_image_handle, With<heif_image_handle_release>>;
using Picture = std::unique_ptr<heif_image, With<heif_image_release>>;
using Options = std::unique_ptr<heif_decoding_options, With<heif_decoding_options_free>>;

std::unexpected<Error> explain(const heif_error& error, std::string_view format) {
  switch (error.code) {
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature:
      return fail(ErrorCode::kUnsupported,
                  "is a kind of " + std::string(format) + " that is not supported");
    case heif_error_Memory_allocation_error:
      if (error.subcode == heif_suberror_Security_limit_exceeded)
        return fail(ErrorCode::kInvalidArgument, "is too large for the limits");
      return fail(ErrorCode::kResourceExhausted, "needs more memory than there is");
    default:
      if (error.subcode == heif_suberror_End_of_data) return truncated_header(format);
      return damaged(format);
  }
}

void read_profile(const heif_image_handle* handle, Raw& raw) {
  const heif_color_profile_type type = heif_image_handle_get_color_profile_type(handle);
  if (type != heif_color_profile_type_prof && type != heif_color_profile_type_rICC) return;
  const std::size_t size = heif_image_handle_get_raw_color_profile_size(handle);
  const auto profile = std::make_unique<std::byte[]>(size);
  if (heif_image_handle_get_raw_color_profile(handle, profile.get()).code == heif_error_Ok)
    note_icc({profile.get(), size}, raw.warnings);
}

/// A grid of tiles tells its size a second time, inside its data, and the library takes memory for
/// that one. It looks at one limit for both sides: hold it to the size that was told first, which
/// in turn may not be so long and thin that a square of its longer side is beyond all limits.
/// @param long_side  as told outside
[[nodiscard]] Result<void> limit_grid(heif_context* context, int long_side,
                                      const DecodeOptions& options) {
  const double most = 2 * std::sqrt(static_cast<double>(options.max_pixels));
  if (long_side > most)
    return fail(ErrorCode::kInvalidArgument,
                "is too large: a side of a HEIF or AVIF picture may not be longer than " +
                    std::to_string(static_cast<std::int64_t>(most)) + " pixels");
  constexpr int kPadding = 256;  // coded sizes are padded to whole blocks
  heif_context_set_maximum_image_size_limit(context, long_side + kPadding);
  return {};
}

/// @return true if anything shows through.
bool copy_rows(const std::uint8_t* pixels, int stride, bool alpha, Image& image) {
  bool transparent = false;
  for (int y = 0; y < image.height(); ++y) {
    const std::uint8_t* row = pixels + std::ptrdiff_t{stride} * y;
    if (alpha)
      transparent = flatten_row(row, image.width(), image.row(y)) || transparent;
    else
      std::copy_n(row, std::ptrdiff_t{3} * image.width(), image.row(y));
  }
  return transparent;
}

}  // namespace

bool heif_reads(Format format) noexcept {
  const heif_compression_format codec =
      format == Format::kAvif ? heif_compression_AV1 : heif_compression_HEVC;
  return heif_have_decoder_for_format(codec) != 0;
}

Result<Raw> decode_heif(Bytes bytes, const DecodeOptions& options) {
  const std::string_view format = to_string(sniff(bytes));
  const HeifCost cost = estimate_heif_cost(bytes);
  if (cost.endless) return damaged(format);
  const Context context(heif_context_alloc());
  if (!context) return fail(ErrorCode::kResourceExhausted, "needs more memory than there is");
  heif_error error = heif_context_read_from_memory_without_copy(context.get(), bytes.data(),
                                                                bytes.size(), nullptr);
  if (error.code != heif_error_Ok) return explain(error, format);
  heif_image_handle* raw_handle = nullptr;
  error = heif_context_get_primary_image_handle(context.get(), &raw_handle);
  const Handle handle(raw_handle);
  if (error.code != heif_error_Ok) return explain(error, format);
  const auto check = [&](int width, int height) {
    return check_size(static_cast<std::uint64_t>(std::max(width, 0)),
                      static_cast<std::uint64_t>(std::max(height, 0)), options);
  };
  VISAVIS_CHECK(
      check(heif_image_handle_get_width(handle.get()), heif_image_handle_get_height(handle.get())));

  const int told_width = std::max(heif_image_handle_get_ispe_width(handle.get()), 0);
  const int told_height = std::max(heif_image_handle_get_ispe_height(handle.get()), 0);
  VISAVIS_CHECK(check(told_width, told_height));
  VISAVIS_CHECK(limit_grid(context.get(), std::max(told_width, told_height), options));
  // Tiles reach over the border and alpha is coded too; more than that contradicts the header.
  constexpr std::uint64_t kSlack = std::uint64_t{1} << 22;
  const auto told =
      static_cast<std::uint64_t>(told_width) * static_cast<std::uint64_t>(told_height);
  if (cost.pixels > 4 * told + kSlack) return damaged(format);

  const bool alpha = heif_image_handle_has_alpha_channel(handle.get()) != 0;
  const Options decoding(heif_decoding_options_alloc());
  if (decoding) decoding->convert_hdr_to_8bit = 1;
  heif_image* raw_picture = nullptr;
  // Rotation and mirroring are properties of the format, which the library applies; the EXIF
  // orientation beside them repeats them and must not be applied again.
  error = heif_decode_image(handle.get(), &raw_picture, heif_colorspace_RGB,
                            alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB,
                            decoding.get());
  const Picture picture(raw_picture);
  if (error.code != heif_error_Ok) return explain(error, format);
  int stride = 0;
  const std::uint8_t* pixels =
      heif_image_get_plane_readonly(picture.get(), heif_channel_interleaved, &stride);
  if (pixels == nullptr) return damaged(format);

  Raw raw;
  raw.full_width = heif_image_get_width(picture.get(), heif_channel_interleaved);
  raw.full_height = heif_image_get_height(picture.get(), heif_channel_interleaved);
  VISAVIS_CHECK(check(raw.full_width, raw.full_height));
  raw.image = Image(raw.full_width, raw.full_height);
  if (copy_rows(pixels, stride, alpha, raw.image)) note_alpha(raw.warnings);
  read_profile(handle.get(), raw);
  return raw;
}

}  // namespace visavis::image
