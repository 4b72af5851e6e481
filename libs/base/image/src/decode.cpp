#include "visavis/image/decode.hpp"

#include <cstddef>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <utility>

#include "codec.hpp"
#include "orient.hpp"
#include "sniff.hpp"
#include "visavis/core/result.hpp"

namespace visavis::image {
namespace {

Result<Raw> decode_as(Format format, Bytes bytes, const DecodeOptions& options) {
  switch (format) {
    case Format::kJpeg:
      return decode_jpeg(bytes, options);
    case Format::kPng:
      return decode_png(bytes, options);
    case Format::kWebp:
      return decode_webp(bytes, options);
    case Format::kGif:
      return decode_gif(bytes, options);
    case Format::kBmp:
      return decode_bmp(bytes, options);
    case Format::kPnm:
      return decode_pnm(bytes, options);
    case Format::kHeif:
    case Format::kAvif:
      if (!heif_reads(format))
        return fail(ErrorCode::kUnsupported, "is a " + std::string(to_string(format)) +
                                                 " picture, which this build cannot read");
      return decode_heif(bytes, options);
    case Format::kUnknown:
      break;
  }
  return fail(ErrorCode::kDecodeFailed, describe_stranger(bytes));
}

Result<Decoded> decode_upright(Bytes bytes, const DecodeOptions& options) {
  if (bytes.size() > options.max_bytes)
    return fail(ErrorCode::kInvalidArgument, "is too large: " + std::to_string(bytes.size()) +
                                                 " bytes, more than the limit of " +
                                                 std::to_string(options.max_bytes));
  const Format format = sniff(bytes);
  VISAVIS_TRY(raw, decode_as(format, bytes, options));
  if (turns_sides(raw.orientation)) std::swap(raw.full_width, raw.full_height);
  return Decoded{.image = orient(std::move(raw.image), raw.orientation),
                 .full_width = raw.full_width,
                 .full_height = raw.full_height,
                 .format = format,
                 .warnings = std::move(raw.warnings)};
}

}  // namespace

bool can_decode(Format format) noexcept {
  if (format == Format::kHeif || format == Format::kAvif) return heif_reads(format);
  return format != Format::kUnknown;
}

Result<Decoded> decode(std::span<const std::byte> bytes, const DecodeOptions& options) {
  try {
    return decode_upright(bytes, options);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "needs more memory than there is");
  } catch (const std::exception&) {  // a foreign library's; its words may quote the file
    return fail(ErrorCode::kInternal, "made a decoder fail in an unforeseen way");
  }
}

}  // namespace visavis::image
