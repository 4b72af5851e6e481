#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/mux_types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "codec.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

struct FreeDemuxer {
  void operator()(WebPDemuxer* demuxer) const noexcept { WebPDemuxDelete(demuxer); }
};
struct FreeDecoder {
  void operator()(WebPIDecoder* decoder) const noexcept { WebPIDelete(decoder); }
};

/// The first frame, still where and as it lies on the canvas.
class Frame {
 public:
  Frame() { WebPInitDecBuffer(&buffer_); }
  ~Frame() { WebPFreeDecBuffer(&buffer_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  /// @return libwebp's state after the last byte.
  VP8StatusCode decode(Bytes bytes) {
    buffer_.colorspace = MODE_RGBA;
    const std::unique_ptr<WebPIDecoder, FreeDecoder> decoder(WebPINewDecoder(&buffer_));
    if (!decoder) return VP8_STATUS_OUT_OF_MEMORY;
    const VP8StatusCode status = WebPIUpdate(
        decoder.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    if (WebPIDecGetRGB(decoder.get(), &rows_, nullptr, nullptr, nullptr) == nullptr) rows_ = 0;
    return status;
  }
  [[nodiscard]] int rows() const noexcept { return rows_; }
  [[nodiscard]] int width() const noexcept { return buffer_.width; }
  [[nodiscard]] const std::uint8_t* row(int y) const noexcept {
    return buffer_.u.RGBA.rgba + std::ptrdiff_t{buffer_.u.RGBA.stride} * y;
  }

 private:
  WebPDecBuffer buffer_{};
  int rows_ = 0;
};

Bytes chunk(WebPDemuxer* demuxer, const char* name) {
  WebPChunkIterator iterator{};
  Bytes bytes;
  if (WebPDemuxGetChunk(demuxer, name, 1, &iterator) != 0)
    bytes = std::as_bytes(std::span(iterator.chunk.bytes, iterator.chunk.size));
  WebPDemuxReleaseChunkIterator(&iterator);  // the bytes stay: they are the file's
  return bytes;
}

/// Draws the frame over a white canvas. @return true if anything shows through.
bool compose(const Frame& frame, int left, int top, Image& canvas) {
  std::ranges::fill(canvas.bytes(), std::uint8_t{255});
  const int width = std::min(frame.width(), canvas.width() - left);
  const int rows = std::min(frame.rows(), canvas.height() - top);
  bool transparent = width < canvas.width() || left > 0 || top > 0;
  for (int y = 0; y < rows; ++y)
    transparent =
        flatten_row(frame.row(y), width, canvas.row(top + y) + std::ptrdiff_t{3} * left) ||
        transparent;
  return transparent;
}

}  // namespace

Result<Raw> decode_webp(Bytes bytes, const DecodeOptions& options) {
  const WebPData data{.bytes = reinterpret_cast<const std::uint8_t*>(bytes.data()),
                      .size = bytes.size()};
  WebPDemuxState state{};
  const std::unique_ptr<WebPDemuxer, FreeDemuxer> demuxer(WebPDemuxPartial(&data, &state));
  if (state == WEBP_DEMUX_PARSING_HEADER) return truncated_header("WebP");
  if (!demuxer || state == WEBP_DEMUX_PARSE_ERROR) return damaged("WebP");
  const std::uint32_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const std::uint32_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  VISAVIS_CHECK(check_size(width, height, options));

  WebPIterator first{};
  if (WebPDemuxGetFrame(demuxer.get(), 1, &first) == 0) return truncated_header("WebP");
  const std::unique_ptr<WebPIterator, decltype(&WebPDemuxReleaseIterator)> owner(
      &first, &WebPDemuxReleaseIterator);
  VISAVIS_CHECK(check_size(static_cast<std::uint64_t>(std::max(first.width, 0)),
                           static_cast<std::uint64_t>(std::max(first.height, 0)), options));
  Frame frame;
  const VP8StatusCode status =
      frame.decode(std::as_bytes(std::span(first.fragment.bytes, first.fragment.size)));
  if (status == VP8_STATUS_OUT_OF_MEMORY)
    return fail(ErrorCode::kResourceExhausted, "needs more memory than there is");
  if (status == VP8_STATUS_UNSUPPORTED_FEATURE)
    return fail(ErrorCode::kUnsupported, "is a kind of WebP that is not supported");

  Raw raw;
  raw.full_width = static_cast<int>(width);
  raw.full_height = static_cast<int>(height);
  // Nothing to stand on: leave before memory is taken for the canvas.
  if (frame.rows() == 0)
    return status == VP8_STATUS_SUSPENDED ? truncated_header("WebP") : damaged("WebP");
  raw.image = Image(raw.full_width, raw.full_height);
  const bool transparent = compose(frame, first.x_offset, first.y_offset, raw.image);
  if (frame.rows() < first.height)
    VISAVIS_CHECK(accept_rows(first.y_offset + frame.rows(), status == VP8_STATUS_SUSPENDED, raw));
  if (transparent) note_alpha(raw.warnings);
  if (const Bytes exif = chunk(demuxer.get(), "EXIF"); !exif.empty())
    raw.orientation = exif_orientation(exif);
  if (const Bytes icc = chunk(demuxer.get(), "ICCP"); !icc.empty()) note_icc(icc, raw.warnings);
  if ((WebPDemuxGetI(demuxer.get(), WEBP_FF_FORMAT_FLAGS) & ANIMATION_FLAG) != 0)
    raw.warnings.emplace_back("only the first frame was read");
  return raw;
}

}  // namespace visavis::image
