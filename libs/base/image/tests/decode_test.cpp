#include "visavis/image/decode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "pictures.hpp"
#include "visavis/image/encode.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Rgb = std::array<int, 3>;
/// What each field of the test pictures shows: see make_pictures.py.
struct Fields {
  Rgb upper_left{220, 40, 30}, upper_right{30, 180, 60};
  Rgb lower_left{40, 60, 210}, lower_right{230, 210, 50};
};
constexpr Rgb kWhite{255, 255, 255}, kBlack{0, 0, 0};
/// Yellow at alpha 128 of 255 over white: 255 - (255 - v) * 128 / 255, to nearest.
constexpr Rgb kHalfYellow{242, 232, 152};
constexpr Fields kPlain{};
constexpr Fields kAlpha{.lower_left = kWhite, .lower_right = kHalfYellow};
/// ITU-R BT.601 luma: .299 R + .587 G + .114 B, to nearest.
constexpr Fields kGrey{{93, 93, 93}, {121, 121, 121}, {71, 71, 71}, {198, 198, 198}};
constexpr Fields kGreyAlpha{{93, 93, 93}, {121, 121, 121}, kWhite, {226, 226, 226}};
constexpr Fields kRedChannel{{220, 220, 220}, {30, 30, 30}, {40, 40, 40}, {230, 230, 230}};
constexpr Fields kBits{kWhite, kBlack, kBlack, kWhite};

struct Case {
  std::string name;
  Format format;
  Fields fields = kPlain;
  int tolerance = 0;
  /// Pixels beside the fields' borders that are not looked at: smoothed from subsampled colour.
  int rim = 0;
  std::string warning{};  ///< A part of the only one, or empty for none.
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

void expect_fields(const Image& image, const Case& expected) {
  const auto& [fields, tolerance, rim] =
      std::tie(expected.fields, expected.tolerance, expected.rim);
  ASSERT_EQ(image.width(), 64);
  ASSERT_EQ(image.height(), 32);
  int wrong = 0;
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 64; ++x) {
      const int to_border = std::min(std::max(31 - x, x - 32), std::max(15 - y, y - 16));
      if (to_border < rim) continue;
      const Rgb& want = y < 16 ? (x < 32 ? fields.upper_left : fields.upper_right)
                               : (x < 32 ? fields.lower_left : fields.lower_right);
      for (std::size_t c = 0; c < 3; ++c) {
        const int got = image.row(y)[3 * x + static_cast<int>(c)];
        if (std::abs(got - want[c]) <= tolerance || ++wrong > 5) continue;
        ADD_FAILURE() << "at " << x << ", " << y << " channel " << c << ": " << got
                      << " instead of " << want[c];
      }
    }
  EXPECT_EQ(wrong, 0);
}

class DecodeTest : public testing::TestWithParam<Case> {};

TEST_P(DecodeTest, GivesTheKnownPixels) {
  const Case& c = GetParam();
  if (!can_decode(c.format)) GTEST_SKIP() << "this build lacks " << to_string(c.format);
  const auto decoded = decode(picture_file(c.name));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->format, c.format);
  EXPECT_EQ(decoded->full_width, 64);
  EXPECT_EQ(decoded->full_height, 32);
  expect_fields(decoded->image, c);
  if (c.warning.empty())
    EXPECT_THAT(decoded->warnings, IsEmpty());
  else
    EXPECT_THAT(decoded->warnings, ElementsAre(HasSubstr(c.warning)));
}

constexpr const char* kTransparent = "transparent parts were drawn over white";
constexpr const char* kFirst = "only the first frame";

// Fields begin and end on the borders of JPEG's blocks: what is left are errors of its colour space
// and of quantization, a few steps at quality 95.
INSTANTIATE_TEST_SUITE_P(
    Jpeg, DecodeTest,
    testing::Values(
        Case{"plain.jpg", Format::kJpeg, kPlain, 3},
        Case{"subsampled.jpg", Format::kJpeg, kPlain, 3, 1},
        Case{"progressive.jpg", Format::kJpeg, kPlain, 3, 1},
        Case{"arithmetic.jpg", Format::kJpeg, kPlain, 3},
        Case{"restarts.jpg", Format::kJpeg, kPlain, 3}, Case{"grey.jpg", Format::kJpeg, kGrey, 3},
        Case{"cmyk_adobe.jpg", Format::kJpeg, kPlain, 4},
        Case{"cmyk_plain.jpg", Format::kJpeg, kPlain, 4},
        Case{"ycck.jpg", Format::kJpeg, kPlain, 4}, Case{"exif_1.jpg", Format::kJpeg, kPlain, 3},
        Case{"exif_2.jpg", Format::kJpeg, kPlain, 3}, Case{"exif_3.jpg", Format::kJpeg, kPlain, 3},
        Case{"exif_4.jpg", Format::kJpeg, kPlain, 3}, Case{"exif_5.jpg", Format::kJpeg, kPlain, 3},
        Case{"exif_6.jpg", Format::kJpeg, kPlain, 3}, Case{"exif_7.jpg", Format::kJpeg, kPlain, 3},
        Case{"exif_8.jpg", Format::kJpeg, kPlain, 3},
        Case{"icc_srgb.jpg", Format::kJpeg, kPlain, 3, 1},
        Case{"icc_lab.jpg", Format::kJpeg, kPlain, 3, 1, "colour profile was ignored"}));

INSTANTIATE_TEST_SUITE_P(
    Png, DecodeTest,
    testing::Values(
        Case{"plain.png", Format::kPng}, Case{"interlaced.png", Format::kPng},
        Case{"palette_2.png", Format::kPng}, Case{"palette_4.png", Format::kPng},
        Case{"palette_8.png", Format::kPng}, Case{"grey.png", Format::kPng, kGrey},
        Case{"bits_1.png", Format::kPng, kBits}, Case{"exif_6.png", Format::kPng},
        Case{"rgb_16.png", Format::kPng}, Case{"grey_16.png", Format::kPng, kRedChannel},
        Case{"rgba_16.png", Format::kPng, kAlpha, 0, 0, kTransparent},
        Case{"alpha.png", Format::kPng, kAlpha, 0, 0, kTransparent},
        Case{"interlaced_alpha.png", Format::kPng, kAlpha, 0, 0, kTransparent},
        Case{"grey_alpha.png", Format::kPng, kGreyAlpha, 0, 0, kTransparent},
        Case{"palette_trns.png", Format::kPng, {.lower_left = kWhite}, 0, 0, kTransparent},
        Case{"trns_key.png", Format::kPng, {.lower_left = kWhite}, 0, 0, kTransparent},
        Case{"animated.png", Format::kPng, kPlain, 0, 0, kFirst}));

INSTANTIATE_TEST_SUITE_P(
    WebpAndGif, DecodeTest,
    testing::Values(
        Case{"lossless.webp", Format::kWebp}, Case{"lossy.webp", Format::kWebp, kPlain, 6, 1},
        Case{"alpha.webp", Format::kWebp, kAlpha, 0, 0, kTransparent},
        Case{"lossy_alpha.webp", Format::kWebp, kAlpha, 8, 1, kTransparent},
        Case{"animated.webp", Format::kWebp, kPlain, 0, 0, kFirst},
        Case{"exif_8.webp", Format::kWebp}, Case{"plain.gif", Format::kGif},
        Case{"interlaced.gif", Format::kGif},
        Case{"animated.gif", Format::kGif, kPlain, 0, 0, kFirst},
        Case{"transparent.gif", Format::kGif, {.lower_left = kWhite}, 0, 0, kTransparent},
        Case{"offset.gif",
             Format::kGif,
             {.upper_left = kWhite, .lower_left = kWhite},
             0,
             0,
             kTransparent}));

INSTANTIATE_TEST_SUITE_P(
    BmpAndPnm, DecodeTest,
    testing::Values(Case{"plain.bmp", Format::kBmp}, Case{"palette.bmp", Format::kBmp},
                    Case{"bits_1.bmp", Format::kBmp, kBits}, Case{"rgba.bmp", Format::kBmp},
                    Case{"v5.bmp", Format::kBmp}, Case{"rgb_555.bmp", Format::kBmp, kPlain, 8},
                    Case{"p1.pbm", Format::kPnm, kBits}, Case{"p2.pgm", Format::kPnm, kRedChannel},
                    Case{"p3.ppm", Format::kPnm}, Case{"p4.pbm", Format::kPnm, kBits},
                    Case{"p5.pgm", Format::kPnm, kRedChannel}, Case{"p6.ppm", Format::kPnm},
                    Case{"p6_16.ppm", Format::kPnm},
                    Case{"p5_maximum_100.pgm",
                         Format::kPnm,
                         {{102, 102, 102}, {102, 102, 102}, {102, 102, 102}, {102, 102, 102}}}));

// rotated_6 carries the rotation as the format's own property and again as EXIF.
INSTANTIATE_TEST_SUITE_P(Heif, DecodeTest,
                         testing::Values(Case{"plain.avif", Format::kAvif, kPlain, 4},
                                         Case{"rotated_6.avif", Format::kAvif, kPlain, 4},
                                         Case{"alpha.avif", Format::kAvif, kAlpha, 4, 0,
                                              kTransparent},
                                         Case{"plain.heic", Format::kHeif, kPlain, 12, 1}));

TEST(Decode, ReadsASinglePixel) {
  const auto decoded = decode(picture_file("one_pixel.png"));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->image.bytes(), (std::vector<std::uint8_t>{220, 40, 30}));
}

TEST(Decode, GoesByContentNotByName) {
  const auto png = picture_file("plain.png");
  EXPECT_EQ(sniff(png), Format::kPng);  // nobody passed a name
  EXPECT_EQ(sniff(picture_file("plain.heic")), Format::kHeif);
  EXPECT_EQ(sniff(picture_file("plain.avif")), Format::kAvif);
}

TEST(Decode, ScalesBigJpegsDownToTheTarget) {
  const Image image(1000, 700);
  const auto jpeg = encode_jpeg(image.view());
  ASSERT_TRUE(jpeg);
  struct Want {
    int target, width, height;
  };
  for (const Want want : {Want{0, 1000, 700},
                          {351, 1000, 700},
                          {350, 500, 350},
                          {176, 500, 350},
                          {175, 250, 175},
                          {88, 250, 175},
                          {87, 125, 88},
                          {1, 125, 88}}) {
    const auto decoded = decode(*jpeg, {.target_short_side = want.target});
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->image.width(), want.width) << want.target;
    EXPECT_EQ(decoded->image.height(), want.height) << want.target;
    EXPECT_EQ(decoded->full_width, 1000);
    EXPECT_EQ(decoded->full_height, 700);
  }
}

TEST(Decode, TellsTheUprightFullSizeOfATurnedScaledJpeg) {
  const auto decoded = decode(picture_file("exif_6.jpg"), {.target_short_side = 16});
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->image.width(), 32);
  EXPECT_EQ(decoded->image.height(), 16);
  EXPECT_EQ(decoded->full_width, 64);
  EXPECT_EQ(decoded->full_height, 32);
}

}  // namespace
}  // namespace visavis::image
