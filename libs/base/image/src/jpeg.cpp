#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE and size_t declared before it

// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <algorithm>
#include <expected>
#include <string>
#include <vector>

#include "codec.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/vocab/image.hpp"

// libjpeg leaves an error by longjmp. Functions that call setjmp below therefore own nothing: what
// needs a destructor lives in their callers.

namespace visavis::image {
namespace {

constexpr int kExif = JPEG_APP0 + 1;
constexpr int kIcc = JPEG_APP0 + 2;
constexpr int kEndOfImage = JPEG_EOI;
constexpr int kMaxScans = 100;  // real files have about 10; each costs a pass over the picture
constexpr int kTooManyScans = -1;

struct Session {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf out{};
  int error = 0;           ///< libjpeg's code of what ended the decoding.
  bool ended = false;      ///< The bytes ran out.
  bool truncated = false;  ///< Rows are missing because the data ended.
  bool corrupt = false;    ///< libjpeg complained about the data.
  int first_missing = -1;  ///< The first full-size row without data, or -1.
};

[[noreturn]] void leave(j_common_ptr jpeg) {
  auto* session = static_cast<Session*>(jpeg->client_data);
  session->error = jpeg->err->msg_code;
  std::longjmp(session->out, 1);
}

/// Keeps account of warnings, which libjpeg would print. Once the data have ended (really, or by a
/// marker that comes too early), the decoder fills the rest from nothing: note where.
void listen(j_common_ptr common, int level) {
  if (level >= 0) return;  // a trace
  auto& session = *static_cast<Session*>(common->client_data);
  const jpeg_decompress_struct& jpeg = session.jpeg;
  const int code = common->err->msg_code;
  if (code == JWRN_JPEG_EOF)
    session.ended = true;
  else
    session.corrupt = true;
  // At a marker amid the data the decoder goes on only if there are restart markers to go on from.
  const bool at_end = jpeg.unread_marker == kEndOfImage;
  const bool out_of_data = (code == JWRN_HIT_MARKER && (at_end || jpeg.restart_interval == 0)) ||
                           (code == JWRN_JPEG_EOF && jpeg.arith_code);
  // Of a picture in several scans the first one already gives every row, if coarsely.
  if (!out_of_data || session.first_missing >= 0 || jpeg.input_scan_number > 1) return;
  session.truncated = at_end || code == JWRN_JPEG_EOF;
  session.first_missing = static_cast<int>(jpeg.input_iMCU_row) * jpeg.max_v_samp_factor * DCTSIZE;
}

void count_scans(j_common_ptr common) {
  auto& session = *static_cast<Session*>(common->client_data);
  if (session.jpeg.input_scan_number <= kMaxScans) return;
  session.error = kTooManyScans;
  std::longjmp(session.out, 1);
}

class Reader {
 public:
  Reader() {
    session_.jpeg.err = jpeg_std_error(&session_.errors);
    session_.errors.error_exit = leave;
    session_.errors.emit_message = listen;
    session_.errors.output_message = [](j_common_ptr) {};
    session_.progress.progress_monitor = count_scans;
    session_.jpeg.client_data = &session_;
  }
  ~Reader() { jpeg_destroy_decompress(&session_.jpeg); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  [[nodiscard]] Session& session() noexcept { return session_; }
  [[nodiscard]] jpeg_decompress_struct& jpeg() noexcept { return session_.jpeg; }

  [[nodiscard]] bool read_header(Bytes bytes) {
    if (setjmp(session_.out) != 0) return false;
    jpeg_create_decompress(&session_.jpeg);
    session_.jpeg.client_data = &session_;
    session_.jpeg.progress = &session_.progress;
    jpeg_mem_src(&session_.jpeg, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_save_markers(&session_.jpeg, kExif, 0xFFFF);
    jpeg_save_markers(&session_.jpeg, kIcc, 0xFFFF);
    return jpeg_read_header(&session_.jpeg, TRUE) == JPEG_HEADER_OK;
  }

  [[nodiscard]] bool start() {
    if (setjmp(session_.out) != 0) return false;
    return jpeg_start_decompress(&session_.jpeg) == TRUE;
  }

  [[nodiscard]] bool read_row(std::uint8_t* row) {
    if (setjmp(session_.out) != 0) return false;
    JSAMPROW rows[1] = {row};
    return jpeg_read_scanlines(&session_.jpeg, rows, 1) == 1;
  }

 private:
  Session session_;
};

std::unexpected<Error> explain(const Session& session) {
  switch (session.error) {
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_NOTIMPL:
    case JERR_SOF_UNSUPPORTED:
      return fail(ErrorCode::kUnsupported, "is a kind of JPEG that is not supported");
    case JERR_OUT_OF_MEMORY:
      return fail(ErrorCode::kResourceExhausted, "needs more memory than there is");
    case JERR_IMAGE_TOO_BIG:
      return fail(ErrorCode::kInvalidArgument, "is too large: a side is beyond what JPEG allows");
    case kTooManyScans:
      return fail(ErrorCode::kInvalidArgument,
                  "is refused: a JPEG with more than " + std::to_string(kMaxScans) + " scans");
    default:
      return session.ended ? truncated_header("JPEG") : damaged("JPEG");
  }
}

/// The largest of 8, 4, 2, 1 that leaves the shorter side long enough.
int scale_divisor(int short_side, int target) {
  if (target <= 0) return 1;
  int divisor = 8;
  while (divisor > 1 && short_side / divisor < target) divisor /= 2;
  return divisor;
}

/// Naive conversion, as every viewer without colour management does. Adobe's files store inverted
/// ink (255 = none) and say so by their marker.
void cmyk_to_rgb(const std::uint8_t* cmyk, int width, bool inverted, std::uint8_t* rgb) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const unsigned key = inverted ? cmyk[3] : 255U - cmyk[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned light = inverted ? cmyk[c] : 255U - cmyk[c];
      rgb[c] = static_cast<std::uint8_t>((light * key + 127) / 255);
    }
  }
}

void read_markers(const jpeg_decompress_struct& jpeg, Raw& raw) {
  bool exif_seen = false;
  std::vector<std::byte> profile;
  for (auto* marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const Bytes data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
    const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size());
    if (marker->marker == kExif && !exif_seen &&
        text.starts_with(std::string_view("Exif\0\0", 6))) {
      raw.orientation = exif_orientation(data);
      exif_seen = true;
    }
    if (marker->marker == kIcc && text.starts_with(std::string_view("ICC_PROFILE\0", 12)))
      profile.insert(profile.end(), data.begin() + 12, data.end());
  }
  if (!profile.empty()) note_icc(profile, raw.warnings);
}

/// @return how many rows of the output were read before libjpeg gave up.
int read_rows(Reader& reader, Image& image) {
  jpeg_decompress_struct& jpeg = reader.jpeg();
  const bool cmyk = jpeg.out_color_space == JCS_CMYK;
  std::vector<std::uint8_t> ink(cmyk ? std::size_t{4} * jpeg.output_width : 0);
  for (int y = 0; y < image.height(); ++y) {
    if (!reader.read_row(cmyk ? ink.data() : image.row(y))) return y;
    if (cmyk) cmyk_to_rgb(ink.data(), image.width(), jpeg.saw_Adobe_marker == TRUE, image.row(y));
    // No use in decoding the void after a file that will be refused.
    const std::int64_t missing = reader.session().first_missing;
    if (missing >= 0 && missing * 2 < static_cast<std::int64_t>(jpeg.image_height)) return y;
  }
  return image.height();
}

}  // namespace

Result<Raw> decode_jpeg(Bytes bytes, const DecodeOptions& options) {
  Reader reader;
  if (!reader.read_header(bytes)) return explain(reader.session());
  jpeg_decompress_struct& jpeg = reader.jpeg();
  VISAVIS_CHECK(check_size(jpeg.image_width, jpeg.image_height, options));
  // A block of 64 pixels takes at least a bit, components with uneven sampling a bit for 512, and
  // half of the picture must be there: a header that promises more need not be given memory.
  constexpr std::uint64_t kMostPixelsPerByte = std::uint64_t{512} * 8 * 2;
  if (std::uint64_t{jpeg.image_width} * jpeg.image_height / kMostPixelsPerByte > bytes.size())
    return fail(ErrorCode::kDecodeFailed,
                "is truncated: less than half of the picture can be read");

  Raw raw;
  raw.full_width = static_cast<int>(jpeg.image_width);
  raw.full_height = static_cast<int>(jpeg.image_height);
  read_markers(jpeg, raw);
  const bool cmyk = jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK;
  jpeg.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
  const int divisor =
      scale_divisor(std::min(raw.full_width, raw.full_height), options.target_short_side);
  jpeg.scale_num = 1;
  jpeg.scale_denom = static_cast<unsigned>(divisor);
  if (!reader.start()) return explain(reader.session());

  raw.image = Image(static_cast<int>(jpeg.output_width), static_cast<int>(jpeg.output_height));
  int rows = read_rows(reader, raw.image);
  const Session& session = reader.session();
  if (session.first_missing >= 0) rows = std::min(rows, session.first_missing / divisor);
  const int read = rows;
  VISAVIS_CHECK(accept_rows(read, session.truncated, raw));
  if (read == raw.image.height() && (session.corrupt || session.ended))
    raw.warnings.emplace_back("the file is damaged: parts of the picture may be wrong");
  return raw;
}

}  // namespace visavis::image
