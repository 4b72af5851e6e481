#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "codec.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"

// Netpbm's PBM, PGM and PPM, plain (P1-P3) and raw (P4-P6): the formats' manual pages.

namespace visavis::image {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] bool done() const noexcept { return at_ >= bytes_.size(); }
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }
  [[nodiscard]] char peek() const noexcept { return static_cast<char>(bytes_[at_]); }
  [[nodiscard]] unsigned take() noexcept { return std::to_integer<unsigned>(bytes_[at_++]); }
  void skip() noexcept { ++at_; }
  void skip_blank() {
    while (!done() && (is_space(peek()) || peek() == '#')) {
      if (peek() == '#')
        while (!done() && peek() != '\n') skip();
      else
        skip();
    }
  }
  /// A decimal number, saturating. Nothing at the end of the bytes or where no digit stands.
  std::optional<std::uint32_t> number() {
    skip_blank();
    if (done() || !is_digit(peek())) return std::nullopt;
    std::uint64_t value = 0;
    while (!done() && is_digit(peek())) {
      value = std::min<std::uint64_t>(value * 10 + take() - '0',
                                      std::numeric_limits<std::uint32_t>::max());
    }
    return static_cast<std::uint32_t>(value);
  }
  /// A digit of a plain bitmap, where blanks between digits may be missing.
  std::optional<std::uint32_t> bit() {
    skip_blank();
    if (done() || (peek() != '0' && peek() != '1')) return std::nullopt;
    return take() - '0';
  }

 private:
  Bytes bytes_;
  std::size_t at_ = 0;
};

struct Header {
  int kind = 0;  ///< The digit after the P.
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t maximum = 1;
  [[nodiscard]] bool plain() const noexcept { return kind <= 3; }
  [[nodiscard]] bool bitmap() const noexcept { return kind == 1 || kind == 4; }
  [[nodiscard]] std::uint64_t channels() const noexcept { return kind == 3 || kind == 6 ? 3 : 1; }
  /// The least number of bytes that a row takes.
  [[nodiscard]] std::uint64_t row_bytes() const noexcept {
    const std::uint64_t samples = width * channels();
    if (kind == 4) return (samples + 7) / 8;
    if (kind == 2 || kind == 3) return 2 * samples - 1;  // a digit and a blank
    return maximum > 255 ? 2 * samples : samples;
  }
};

Result<Header> read_header(Cursor& cursor) {
  cursor.skip();  // the P
  Header header{.kind = static_cast<int>(cursor.take()) - '0'};
  const auto number = [&](std::uint32_t& to) {
    const auto value = cursor.number();
    to = value.value_or(0);
    return value.has_value();
  };
  if (!number(header.width) || !number(header.height) ||
      (!header.bitmap() && !number(header.maximum)))
    return cursor.done() ? truncated_header("PNM") : damaged("PNM");
  if (header.maximum == 0 || header.maximum > 65'535) return damaged("PNM");
  if (cursor.done()) return truncated_header("PNM");
  if (!is_space(cursor.peek())) return damaged("PNM");
  cursor.skip();  // exactly one blank stands before raw samples
  return header;
}

class SampleReader {
 public:
  SampleReader(const Header& header, Cursor& cursor) : header_(header), cursor_(cursor) {}

  /// @return the next sample as 8 bit, or nothing where the bytes end or make no sense.
  std::optional<std::uint8_t> next(std::uint32_t x) {
    if (header_.bitmap()) {
      const auto bit = header_.kind == 1 ? cursor_.bit() : packed_bit(x);
      if (!bit) return std::nullopt;
      return *bit == 1 ? std::uint8_t{0} : std::uint8_t{255};  // 1 is black
    }
    const auto value = header_.plain() ? cursor_.number() : raw();
    if (!value) return std::nullopt;
    const std::uint32_t sample = std::min(*value, header_.maximum);
    return static_cast<std::uint8_t>((sample * 255U + header_.maximum / 2) / header_.maximum);
  }

 private:
  std::optional<std::uint32_t> packed_bit(std::uint32_t x) {
    if (x % 8 == 0) {
      if (cursor_.done()) return std::nullopt;
      byte_ = cursor_.take();
    }
    return byte_ >> (7 - x % 8) & 1U;
  }
  std::optional<std::uint32_t> raw() {
    const std::size_t size = header_.maximum > 255 ? 2 : 1;
    if (cursor_.left() < size) return std::nullopt;
    std::uint32_t value = cursor_.take();
    if (size == 2) value = value << 8 | cursor_.take();
    return value;
  }

  const Header& header_;
  Cursor& cursor_;
  unsigned byte_ = 0;
};

/// @return false if the row is not all there.
bool read_row(SampleReader& samples, bool colour, int width, std::uint8_t* row) {
  for (int x = 0; x < width; ++x) {
    for (int c = 0; c < 3; ++c) {
      if (c > 0 && !colour) {
        row[3 * x + c] = row[3 * x];
        continue;
      }
      const auto sample = samples.next(static_cast<std::uint32_t>(x));
      if (!sample) return false;
      row[3 * x + c] = *sample;
    }
  }
  return true;
}

}  // namespace

Result<Raw> decode_pnm(Bytes bytes, const DecodeOptions& options) {
  Cursor cursor(bytes);
  VISAVIS_TRY(header, read_header(cursor));
  VISAVIS_CHECK(check_size(header.width, header.height, options));
  if (cursor.left() < header.row_bytes() * (header.height / 2))
    return fail(ErrorCode::kDecodeFailed,
                "is truncated: less than half of the picture can be read");
  Raw raw;
  raw.full_width = static_cast<int>(header.width);
  raw.full_height = static_cast<int>(header.height);
  raw.image = Image(raw.full_width, raw.full_height);
  SampleReader samples(header, cursor);
  int rows = 0;
  while (rows < raw.full_height &&
         read_row(samples, header.channels() == 3, raw.full_width, raw.image.row(rows)))
    ++rows;
  VISAVIS_CHECK(accept_rows(rows, cursor.left() <= 1, raw));
  return raw;
}

}  // namespace visavis::image
