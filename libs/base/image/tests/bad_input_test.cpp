// Files that are not what they seem: one clear sentence each, no crash, no large allocation.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heif_guard.hpp"
#include "pictures.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"
#include "visavis/image/encode.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Result<Decoded> decode_text(std::string_view text, const DecodeOptions& options = {}) {
  return decode(std::as_bytes(std::span(text)), options);
}

std::vector<std::byte> big_endian(std::uint32_t v) {
  return {std::byte(v >> 24), std::byte(v >> 16), std::byte(v >> 8), std::byte(v)};
}

/// A PNG's size lies in bytes 16 to 23, under a checksum that libspng would look at.
std::vector<std::byte> png_claiming(std::uint32_t width, std::uint32_t height) {
  std::vector<std::byte> png = picture_file("plain.png");
  std::ranges::copy(big_endian(width), png.begin() + 16);
  std::ranges::copy(big_endian(height), png.begin() + 20);
  std::uint32_t crc = 0xFFFFFFFFU;
  for (std::size_t i = 12; i < 29; ++i) {
    crc ^= std::to_integer<std::uint32_t>(png[i]);
    for (int k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc % 2 == 1 ? 0xEDB88320U : 0U);
  }
  std::ranges::copy(big_endian(~crc), png.begin() + 29);
  return png;
}

std::vector<std::byte> jpeg_claiming(std::uint16_t width, std::uint16_t height) {
  std::vector<std::byte> jpeg = picture_file("plain.jpg");
  constexpr std::array kFrame{std::byte{0xFF}, std::byte{0xC0}};
  const auto frame = std::ranges::search(jpeg, kFrame).begin();
  EXPECT_NE(frame, jpeg.end());
  frame[5] = std::byte(height >> 8);
  frame[6] = std::byte(height);
  frame[7] = std::byte(width >> 8);
  frame[8] = std::byte(width);
  return jpeg;
}

TEST(BadInput, HasASentenceForEveryCause) {
  struct Case {
    std::string_view bytes;
    std::string_view says;
  };
  for (const Case& c : {
           Case{"", "is empty (0 bytes)"},
           Case{"winston\tchurchill\n1874\n", "is text"},
           Case{"caf\xc3\xa9 na\xc3\xafve", "is text"},
           Case{"\xef\xbb\xbf  <!DOCTYPE html><p>404", "is a web page (HTML)"},
           Case{"<HTML><body>", "is a web page (HTML)"},
           Case{"<?xml version='1.0'?>\n<svg width='3'/>", "is an SVG drawing"},
           Case{"II*\0\x08\0\0\0"sv, "is a TIFF picture"},
           Case{"%PDF-1.7\n", "is a PDF document"},
           Case{"\0\0\0\x20"
                "ftypisom\0\0\2\0isomiso2"sv,
                "is a video"},
           Case{"\x7f"
                "ELF\2\1\1\0\0\0\0\0"sv,
                "is not in a picture format"},
           Case{"\xff\xd8\xff", "is truncated: the JPEG file ends inside its header"},
           Case{"\x89PNG\r\n\x1a\n", "is truncated: the PNG file ends inside its header"},
           Case{"GIF89a", "is truncated: the GIF file ends inside its header"},
           Case{"RIFF\x10\0\0\0WEBP"sv, "is truncated: the WebP file ends inside its header"},
           Case{"P6\n64", "is truncated: the PNM file ends inside its header"},
           Case{"P6\nx64 32 255 ", "is damaged: the PNM data cannot be decoded"},
           Case{"P6\n0 32 255 ", "is damaged: its header tells a picture without area"},
       }) {
    const auto decoded = decode_text(c.bytes);
    ASSERT_FALSE(decoded) << c.says;
    EXPECT_EQ(decoded.error().code, ErrorCode::kDecodeFailed) << c.says;
    EXPECT_THAT(decoded.error().message, HasSubstr(std::string(c.says)));
    EXPECT_THAT(decoded.error().message, Not(HasSubstr("\n")));
  }
}

TEST(BadInput, NeverQuotesTheFile) {
  const auto decoded = decode_text("my secret diary, 3 March");
  ASSERT_FALSE(decoded);
  EXPECT_THAT(decoded.error().message, Not(HasSubstr("diary")));
}

TEST(BadInput, RefusesSizesBeyondTheLimitsByTheHeader) {
  for (const auto& file : {png_claiming(40'000, 40'000), png_claiming(20'000, 20'000),
                           png_claiming(70'000, 2), jpeg_claiming(20'000, 20'000)}) {
    const auto decoded = decode(file);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument) << decoded.error().message;
    EXPECT_THAT(decoded.error().message, HasSubstr("is too large"));
  }
  const auto pnm = decode_text("P6 20000 20000 255 abc");
  ASSERT_FALSE(pnm);
  EXPECT_EQ(pnm.error().code, ErrorCode::kInvalidArgument);
}

TEST(BadInput, HoldsToTheLimitsGiven) {
  for (const char* name : {"plain.jpg", "plain.png", "lossless.webp", "plain.gif", "plain.bmp",
                           "p6.ppm", "plain.avif", "plain.heic"}) {
    const auto file = picture_file(name);
    if (!can_decode(sniff(file))) continue;
    EXPECT_TRUE(decode(file, {.max_pixels = 2048, .max_side = 64})) << name;
    for (const DecodeOptions& tight :
         {DecodeOptions{.max_pixels = 2047}, DecodeOptions{.max_side = 63},
          DecodeOptions{.max_bytes = file.size() - 1}}) {
      const auto decoded = decode(file, tight);
      ASSERT_FALSE(decoded) << name;
      EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument)
          << name << " " << decoded.error().message;
    }
  }
}

// Within the limits, but the file cannot possibly hold that much: refused before 300 MB are taken.
TEST(BadInput, DoesNotBelieveAHeaderThatTheFileCannotFill) {
  for (const auto& file : {png_claiming(10'000, 10'000), jpeg_claiming(10'000, 10'000)}) {
    const auto decoded = decode(file);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::kDecodeFailed);
    EXPECT_THAT(decoded.error().message, HasSubstr("is truncated"));
  }
}

/// Noise compresses to about the same size everywhere, so that a place in the file is a row.
std::vector<std::byte> noisy_file(Format format) {
  const Image image = noise(160, 160);
  if (format == Format::kJpeg) return encode_jpeg(image.view()).value();
  if (format == Format::kPng) return encode_png(image.view()).value();
  const std::string header = "P6 160 160 255\n";
  std::vector<std::byte> file;
  std::ranges::copy(std::as_bytes(std::span(header)), std::back_inserter(file));
  std::ranges::copy(std::as_bytes(std::span(image.bytes())), std::back_inserter(file));
  return file;
}

TEST(BadInput, ReadsATruncatedFileOfWhichHalfIsThereAndSaysSo) {
  for (const Format format : {Format::kJpeg, Format::kPng, Format::kPnm}) {
    const auto file = noisy_file(format);
    const auto whole = decode(file);
    ASSERT_TRUE(whole);
    const auto part = decode(std::span(file).first(file.size() * 3 / 4));
    ASSERT_TRUE(part) << to_string(format) << part.error().message;
    EXPECT_THAT(part->warnings, ElementsAre(HasSubstr("is truncated"))) << to_string(format);
    const auto& a = whole->image;
    const auto& b = part->image;
    ASSERT_EQ(b.height(), 160);
    EXPECT_TRUE(std::equal(a.row(0), a.row(90), b.row(0))) << to_string(format);
    EXPECT_TRUE(std::all_of(b.row(140), b.row(160), [](int v) { return v == 128; }))
        << to_string(format);

    const auto less = decode(std::span(file).first(file.size() * 2 / 5));
    ASSERT_FALSE(less) << to_string(format);
    EXPECT_EQ(less.error().code, ErrorCode::kDecodeFailed);
    EXPECT_THAT(less.error().message, HasSubstr("less than half")) << to_string(format);
  }
}

TEST(BadInput, ReadsAProgressiveJpegWithoutItsLastScans) {
  const auto file = picture_file("progressive.jpg");
  const auto part = decode(std::span(file).first(file.size() - 3));
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_THAT(part->warnings, ElementsAre(HasSubstr("damaged")));
}

TEST(BadInput, WarnsOfAJpegWithAHoleInItsData) {
  auto file = noisy_file(Format::kJpeg);
  // Most damage to Huffman codes goes unnoticed; a marker where none belongs does not.
  file[file.size() * 3 / 4] = std::byte{0xFF};
  file[file.size() * 3 / 4 + 1] = std::byte{0xD3};
  const auto decoded = decode(file);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_THAT(decoded->warnings, ElementsAre(HasSubstr("is damaged: only the upper")));
}

TEST(BadInput, RefusesWhatCannotBeReadInPart) {
  for (const char* name : {"plain.bmp", "plain.avif", "plain.heic", "interlaced.png",
                           "interlaced.gif", "lossless.webp"}) {
    const auto file = picture_file(name);
    if (!can_decode(sniff(file))) continue;
    const auto decoded = decode(std::span(file).first(file.size() - 30));
    ASSERT_FALSE(decoded) << name;
    EXPECT_EQ(decoded.error().code, ErrorCode::kDecodeFailed) << name;
  }
}

TEST(BadInput, SurvivesTruncationAnywhere) {
  for (const char* name : {"exif_6.jpg", "progressive.jpg", "cmyk_adobe.jpg", "alpha.png",
                           "interlaced.png", "animated.webp", "lossy_alpha.webp", "animated.gif",
                           "palette.bmp", "p3.ppm", "alpha.avif"}) {
    const auto file = picture_file(name);
    // dav1d starts threads for every file, which takes its time under a sanitizer.
    const std::size_t step = sniff(file) == Format::kAvif ? 23 : 1 + file.size() / 1000;
    for (std::size_t n = 0; n < file.size(); n += step) {
      const auto decoded = decode(std::span(file).first(n));
      EXPECT_TRUE(decoded || !decoded.error().message.empty()) << name << " " << n;
    }
  }
}

TEST(BadInput, ToleratesNonsenseInExif) {
  auto file = picture_file("exif_6.jpg");
  constexpr std::string_view kMark{"Exif\0\0", 6};
  const auto mark = std::ranges::search(file, std::as_bytes(std::span(kMark))).begin();
  ASSERT_NE(mark, file.end());
  for (std::size_t i = 6; i < 32; ++i) {  // every byte of the header and of the first directory
    auto broken = file;
    (broken.begin() + (mark - file.begin()))[static_cast<std::ptrdiff_t>(i)] = std::byte{0xFF};
    EXPECT_TRUE(decode(broken)) << i;
  }
}

// Found by fuzzing: 64 x 32 outside, 65,088 x 63,777 in the grid's own data, 4 GB a plane.
TEST(BadInput, HoldsAHeifGridToTheSizeToldOutside) {
  const auto file = picture_file("grid_beyond_its_size.heic");
  if (!can_decode(sniff(file))) GTEST_SKIP() << "this build lacks HEIF";
  const auto decoded = decode(file);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kInvalidArgument) << decoded.error().message;
}

// Found by fuzzing: libheif starts a thread for each step of the recursion.
TEST(BadInput, RefusesAHeifGridMadeOfItself) {
  const auto file = picture_file("grid_of_itself.heic");
  if (!can_decode(sniff(file))) GTEST_SKIP() << "this build lacks HEIF";
  const auto decoded = decode(file);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kDecodeFailed);
}

// Found by fuzzing: 64 x 32 outside, 32,299 x 4,611 in the stream, which took 1.8 GB and 3 s.
TEST(BadInput, RefusesAnAvifWhoseCodedSizeContradictsItsHeader) {
  const auto file = picture_file("coded_size_bomb.avif");
  if (!can_decode(sniff(file))) GTEST_SKIP() << "this build lacks AVIF";
  const auto decoded = decode(file);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kDecodeFailed) << decoded.error().message;
}

// The numbers are the pictures': 64 x 32 coded as such by AV1 (once more for alpha), and by HEVC in
// blocks that make it 64 x 64.
TEST(HeifGuard, FindsTheCodedSizes) {
  EXPECT_EQ(estimate_heif_cost(picture_file("plain.avif")).pixels, 64 * 32);
  EXPECT_EQ(estimate_heif_cost(picture_file("alpha.avif")).pixels, 2 * 64 * 32);
  EXPECT_EQ(estimate_heif_cost(picture_file("plain.heic")).pixels, 64 * 64);
  EXPECT_EQ(estimate_heif_cost(picture_file("coded_size_bomb.avif")).pixels,
            32'299ULL * 4'611 + 64 * 32);
  EXPECT_TRUE(estimate_heif_cost(picture_file("grid_of_itself.heic")).endless);
  for (const char* name : {"plain.avif", "alpha.avif", "rotated_6.avif", "plain.heic"})
    EXPECT_FALSE(estimate_heif_cost(picture_file(name)).endless) << name;
}

TEST(HeifGuard, SurvivesEveryWrongByte) {
  for (const char* name : {"alpha.avif", "plain.heic", "grid_of_itself.heic"}) {
    auto file = picture_file(name);
    const std::uint64_t usual = estimate_heif_cost(file).pixels;
    std::size_t changed = 0;
    for (std::byte& byte : file) {
      const std::byte right = byte;
      for (const int wrong : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
        byte = static_cast<std::byte>(wrong);
        changed += estimate_heif_cost(file).pixels != usual ? 1U : 0U;
      }
      byte = right;
    }
    EXPECT_GT(changed, 0U) << name;  // it looked at something
  }
}

TEST(BadInput, SaysThatAFormatIsKnownButNotRead) {
  const auto rle = decode(picture_file("rle.bmp"));
  ASSERT_FALSE(rle);
  EXPECT_EQ(rle.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(rle.error().message, HasSubstr("run-length"));
}

}  // namespace
}  // namespace visavis::image
