// Streams built bit by bit after the AV1 Bitstream Specification (version 1.0.0 with errata 1); the
// sizes are those that were written.

#include "av1_size.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "heif_guard.hpp"
#include "visavis/core/result.hpp"
#include "visavis/image/decode.hpp"

namespace visavis::image {
namespace {

using Stream = std::vector<std::byte>;

class Writer {
 public:
  Writer& put(std::uint64_t value, int bits) {
    for (int i = bits - 1; i >= 0; --i) {
      if (at_ % 8 == 0) bytes_.push_back(std::byte{0});
      if ((value >> i & 1U) != 0) bytes_.back() |= std::byte(0x80U >> at_ % 8);
      ++at_;
    }
    return *this;
  }
  [[nodiscard]] const Stream& bytes() const { return bytes_; }

 private:
  Stream bytes_;
  std::size_t at_ = 0;
};

enum class Unit : std::uint8_t { kSequence = 1, kFrame = 6 };

Stream operator+(Stream a, const Stream& b) {
  for (const std::byte byte : b) a.push_back(byte);
  return a;
}

/// open_bitstream_unit(), 5.3.1, of less than 128 bytes.
Stream unit(Unit type, const Writer& payload, std::size_t padding = 0) {
  Writer head;
  head.put(static_cast<unsigned>(type) << 3 | 2U, 8).put(payload.bytes().size() + padding, 8);
  return head.bytes() + payload.bytes() + Stream(padding, std::byte{0xAA});
}

struct Timing {
  bool equal_interval = false;
  bool decoder_model = false;
};

/// timing_info() and decoder_model_info(): delays of 7 bits, presentation times of 10.
void put_timing(Writer& bits, const Timing& timing) {
  bits.put(1, 32).put(50, 32).put(timing.equal_interval ? 1 : 0, 1);
  if (timing.equal_interval) bits.put(0b00101, 5);  // uvlc() of 4
  bits.put(timing.decoder_model ? 1 : 0, 1);
  if (timing.decoder_model) bits.put(6, 5).put(1, 32).put(9, 5).put(9, 5);
}

/// sequence_header_obu() in its long form: 64 x 32 in fields of 16 bits, frame ids of 4 + 3 bits.
Writer sequence(const Timing* timing) {
  Writer bits;
  bits.put(0, 3).put(0, 1).put(0, 1);  // profile, no still picture, not reduced
  bits.put(timing != nullptr ? 1 : 0, 1);
  if (timing != nullptr) put_timing(bits, *timing);
  bits.put(0, 1).put(0, 5);             // no display delay, one operating point
  bits.put(0, 12).put(8, 5).put(1, 1);  // a level that has a tier
  if (timing != nullptr && timing->decoder_model) bits.put(1, 1).put(5, 7).put(6, 7).put(0, 1);
  bits.put(15, 4).put(15, 4).put(63, 16).put(31, 16);
  bits.put(1, 1).put(2, 4).put(2, 3);               // frame ids: 2 + 2 and 2 + 1 bits more
  bits.put(0, 3).put(0b1111, 4);                    // tools
  bits.put(1, 1).put(0b11, 2).put(1, 1).put(1, 1);  // order hints; screen content by frame
  return bits.put(4, 3);
}

/// uncompressed_header() of a shown key frame up to frame_size(), which tells 40,000 x 30,000.
Writer frame(bool overrides, const Timing* timing) {
  Writer bits;
  bits.put(0, 1).put(0, 2).put(1, 1);
  if (timing != nullptr && timing->decoder_model && !timing->equal_interval) bits.put(77, 10);
  bits.put(0, 1);            // disable_cdf_update
  bits.put(1, 1).put(0, 1);  // screen content tools, and so force_integer_mv
  bits.put(0b101'0101, 7);   // current_frame_id
  bits.put(overrides ? 1 : 0, 1);
  bits.put(0, 5);  // order_hint
  if (timing != nullptr && timing->decoder_model) bits.put(0, 1);
  if (overrides) bits.put(39'999, 16).put(29'999, 16);
  return bits;
}

constexpr std::uint64_t kTold = 64 * 32;
constexpr std::uint64_t kMostOf16Bits = std::uint64_t{1} << 32U;

TEST(Av1Size, IsFoundBehindTimingInformation) {
  EXPECT_EQ(av1_stream_pixels(unit(Unit::kSequence, sequence(nullptr))), kTold);
  for (const bool equal : {false, true}) {
    for (const bool model : {false, true}) {
      const Timing timing{.equal_interval = equal, .decoder_model = model};
      EXPECT_EQ(av1_stream_pixels(unit(Unit::kSequence, sequence(&timing))), kTold)
          << equal << model;
    }
  }
}

TEST(Av1Size, OfAFrameThatOverridesTheSequenceIsBounded) {
  const auto stream = [](bool overrides, const Timing* timing) {
    return unit(Unit::kSequence, sequence(timing)) +
           unit(Unit::kFrame, frame(overrides, timing), 20);
  };
  EXPECT_EQ(av1_stream_pixels(stream(false, nullptr)), kTold);
  EXPECT_EQ(av1_stream_pixels(stream(true, nullptr)), kMostOf16Bits);
  for (const bool equal : {false, true}) {
    for (const bool model : {false, true}) {
      const Timing timing{.equal_interval = equal, .decoder_model = model};
      EXPECT_EQ(av1_stream_pixels(stream(false, &timing)), kTold) << equal << model;
      EXPECT_EQ(av1_stream_pixels(stream(true, &timing)), kMostOf16Bits) << equal << model;
    }
  }
}

TEST(Av1Size, FrameWithoutASequenceTellsNothing) {
  EXPECT_EQ(av1_stream_pixels(unit(Unit::kFrame, frame(true, nullptr), 20)), 0U);
  EXPECT_EQ(av1_stream_pixels({}), 0U);
}

/// A box of ISO/IEC 14496-12.
Stream box(std::string_view type, const Stream& content) {
  Writer bits;
  bits.put(content.size() + 8, 32);
  for (const char letter : type) bits.put(static_cast<unsigned char>(letter), 8);
  return bits.bytes() + content;
}

Stream numbers(const std::vector<std::pair<std::uint64_t, int>>& fields) {
  Writer bits;
  for (const auto& [value, size] : fields) bits.put(value, 8 * size);
  return bits.bytes();
}

Stream letters(std::string_view text) {
  Stream bytes;
  for (const char letter : text) bytes.push_back(static_cast<std::byte>(letter));
  return bytes;
}

/// An AVIF file of one picture, told as 64 x 32.
Stream avif(const Stream& config, const Stream& data) {
  const Stream type = box("ftyp", letters("avif") + numbers({{0, 4}}) + letters("avifmif1"));
  const Stream handler = box("hdlr", numbers({{0, 8}}) + letters("pict") + Stream(13));
  const Stream primary = box("pitm", numbers({{0, 4}, {1, 2}}));
  const Stream entry =
      box("infe", numbers({{2, 1}, {0, 3}, {1, 2}, {0, 2}}) + letters("av01") + Stream(1));
  const Stream types = box("iinf", numbers({{0, 4}, {1, 2}}) + entry);
  const Stream size = box("ispe", numbers({{0, 4}, {64, 4}, {32, 4}}));
  const Stream pixels = box("pixi", numbers({{0, 4}, {3, 1}, {8, 1}, {8, 1}, {8, 1}}));
  const Stream codec = box("av1C", numbers({{0x81, 1}, {0, 1}, {0x0C, 1}, {0, 1}}) + config);
  const Stream properties =
      box("iprp",
          box("ipco", size + pixels + codec) +
              box("ipma", numbers({{0, 4}, {1, 4}, {1, 2}, {3, 1}, {1, 1}, {2, 1}, {0x83, 1}})));
  const auto located = [&](std::size_t offset) {
    return box("meta", numbers({{0, 4}}) + handler + primary + types + properties +
                           box("iloc", numbers({{0, 4},
                                                {0x44, 1},
                                                {0, 1},
                                                {1, 2},
                                                {1, 2},
                                                {0, 2},
                                                {1, 2},
                                                {offset, 4},
                                                {data.size(), 4}})));
  };
  const std::size_t offset = type.size() + located(0).size() + 8;
  return type + located(offset) + box("mdat", data);
}

TEST(Av1Size, FileWhoseFrameOverridesItsSizeIsRefused) {
  const Stream file = avif(
      {}, unit(Unit::kSequence, sequence(nullptr)) + unit(Unit::kFrame, frame(true, nullptr), 60));
  EXPECT_EQ(estimate_heif_cost(file).pixels, kMostOf16Bits);
  if (!can_decode(sniff(file))) GTEST_SKIP() << "this build lacks AVIF";
  const auto decoded = decode(file);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kDecodeFailed) << decoded.error().message;
}

TEST(Av1Size, SequenceInTheConfigurationCountsToo) {
  const Stream config = unit(Unit::kSequence, sequence(nullptr));
  EXPECT_EQ(estimate_heif_cost(avif(config, {})).pixels, kTold);
  EXPECT_EQ(estimate_heif_cost(avif(config, unit(Unit::kFrame, frame(true, nullptr), 60))).pixels,
            kMostOf16Bits);
}

}  // namespace
}  // namespace visavis::image
