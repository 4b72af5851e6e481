#include "sniff.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "visavis/core/file.hpp"
#include "visavis/image/decode.hpp"

namespace visavis::image {
namespace {

using namespace std::string_view_literals;

std::string_view head(std::span<const std::byte> bytes, std::size_t n) {
  return {reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), n)};
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

/// The major brand of an ISO base media file, or nothing.
std::string_view brand(std::string_view start) {
  return start.size() >= 12 && start.substr(4, 4) == "ftyp"sv ? start.substr(8, 4) : ""sv;
}

bool is_pnm(std::string_view start) {
  return start.size() >= 3 && start[0] == 'P' && start[1] >= '1' && start[1] <= '6' &&
         (is_space(start[2]) || start[2] == '#');
}

/// A BMP's two letters are not much of a signature: the size of its second header must fit too.
bool is_bmp(std::string_view start) {
  if (!start.starts_with("BM"sv) || start.size() < 18) return false;
  constexpr std::array kSizes{'\x0c', '\x28', '\x34', '\x38', '\x40', '\x6c', '\x7c'};
  return std::ranges::find(kSizes, start[14]) != kSizes.end() && start.substr(15, 3) == "\0\0\0"sv;
}

struct Known {
  std::string_view start;
  std::string_view name;
};

/// Formats that people take for pictures, to tell them what they have.
constexpr std::array kOthers{
    Known{"II*\0"sv, "a TIFF picture"},
    Known{"MM\0*"sv, "a TIFF picture"},
    Known{"%PDF-"sv, "a PDF document"},
    Known{"8BPS"sv, "a Photoshop document"},
    Known{"\xff\x0a"sv, "a JPEG XL picture"},
    Known{"\0\0\0\x0cJXL "sv, "a JPEG XL picture"},
    Known{"\0\0\0\x0cjP  "sv, "a JPEG 2000 picture"},
    Known{"PK\3\4"sv, "a zip archive"},
    Known{"\x1f\x8b"sv, "a gzip archive"},
    Known{"\0\0\1\0"sv, "an icon file"},
    Known{"\x1a\x45\xdf\xa3"sv, "a video"},
    Known{"P7\n"sv, "a PAM picture"},
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return result;
}

bool is_text(std::string_view start) {
  // The cut may fall inside a character: allow for its up to three bytes.
  bool utf8 = false;
  for (std::size_t cut = 0; cut < 4 && cut <= start.size(); ++cut)
    utf8 = utf8 || is_utf8(start.substr(0, start.size() - cut));
  return utf8 && std::ranges::none_of(start, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 && !is_space(c);
         });
}

}  // namespace

Format sniff(std::span<const std::byte> bytes) noexcept {
  const std::string_view start = head(bytes, 32);
  if (start.starts_with("\xff\xd8\xff"sv)) return Format::kJpeg;
  if (start.starts_with("\x89PNG\r\n\x1a\n"sv)) return Format::kPng;
  if (start.starts_with("RIFF"sv) && start.size() >= 12 && start.substr(8, 4) == "WEBP"sv)
    return Format::kWebp;
  if (start.starts_with("GIF87a"sv) || start.starts_with("GIF89a"sv)) return Format::kGif;
  if (is_bmp(start)) return Format::kBmp;
  if (is_pnm(start)) return Format::kPnm;
  const std::string_view kind = brand(start);
  if (kind == "avif"sv || kind == "avis"sv) return Format::kAvif;
  constexpr std::array kHeifs{"heic"sv, "heix"sv, "heim"sv, "heis"sv,
                              "hevc"sv, "hevx"sv, "mif1"sv, "msf1"sv};
  if (std::ranges::find(kHeifs, kind) != kHeifs.end()) return Format::kHeif;
  return Format::kUnknown;
}

std::string_view to_string(Format format) noexcept {
  switch (format) {
    case Format::kJpeg:
      return "JPEG";
    case Format::kPng:
      return "PNG";
    case Format::kWebp:
      return "WebP";
    case Format::kGif:
      return "GIF";
    case Format::kBmp:
      return "BMP";
    case Format::kPnm:
      return "PNM";
    case Format::kHeif:
      return "HEIF";
    case Format::kAvif:
      return "AVIF";
    case Format::kUnknown:
      return "unknown";
  }
  return "unknown";
}

std::string describe_stranger(std::span<const std::byte> bytes) {
  if (bytes.empty()) return "is empty (0 bytes)";
  std::string_view start = head(bytes, 1024);
  for (const Known& other : kOthers)
    if (start.starts_with(other.start))
      return "is " + std::string(other.name) + ", which is not supported";
  if (!brand(start).empty()) return "is a video, not a picture";
  if (start.starts_with("\xef\xbb\xbf"sv)) start.remove_prefix(3);  // byte order mark
  while (!start.empty() && is_space(start.front())) start.remove_prefix(1);
  const std::string text = lower(start);
  if (text.starts_with("<!doctype html") || text.starts_with("<html"))
    return "is a web page (HTML), not a picture";
  if (text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg")))
    return "is an SVG drawing, which is not supported";
  if (is_text(start)) return "is text, not a picture";
  return "is not in a picture format that is known here";
}

}  // namespace visavis::image
