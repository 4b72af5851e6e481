#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <visavis/align/align.hpp>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/image/decode.hpp>

#include "arcface_golden.hpp"
#include "facenet_golden.hpp"

namespace visavis::align {
namespace {

/// Steep and without symmetry: a shift by a hundredth of a pixel shows. The goldens' formula.
Image synthetic(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.row(y) + std::ptrdiff_t{3} * x;
      pixel[0] = static_cast<std::uint8_t>((x * x + 3 * y) % 256);
      pixel[1] = static_cast<std::uint8_t>((7 * x + y * y) % 256);
      pixel[2] = static_cast<std::uint8_t>((x * y + 31 * x) % 256);
    }
  }
  return image;
}

std::string hash_of(const Image& image) {
  return to_hex(sha256(std::as_bytes(std::span(image.bytes()))));
}

/// NASA's portrait from scikit-image's package, where it was fetched.
std::optional<Image> astronaut() {
  const char* cache = std::getenv("VISAVIS_CACHE");
  const char* home = std::getenv("HOME");
  const std::filesystem::path root =
      cache != nullptr ? std::filesystem::path(cache)
                       : std::filesystem::path(home != nullptr ? home : "/") / ".cache/visavis";
  const auto bytes = read_file(root / "photos/astronaut.png", 1 << 24);
  if (!bytes) return std::nullopt;
  return image::decode(*bytes).value().image;
}

void check_facenet(const FacenetGolden& golden, const Image& picture) {
  const Box box{.x = golden.x1,
                .y = golden.y1,
                .width = golden.x2 - golden.x1,
                .height = golden.y2 - golden.y1};
  const auto chip = align_facenet(picture.view(), box, golden.size, golden.margin);
  ASSERT_TRUE(chip) << chip.error().message;
  EXPECT_EQ(chip->side(), golden.size);
  EXPECT_EQ(hash_of(chip->image), golden.sha256)
      << golden.picture << " " << golden.size << " " << golden.margin;
}

TEST(AlignFacenet, IsExtractFaceBitForBit) {
  const Image picture = synthetic(97, 61);
  int checked = 0;
  for (const FacenetGolden& golden : kFacenetGolden) {
    if (golden.picture != "synthetic") continue;
    check_facenet(golden, picture);
    ++checked;
  }
  EXPECT_EQ(checked, 6);
}

TEST(AlignFacenet, IsExtractFaceOnAPhotograph) {
  const auto picture = astronaut();
  if (!picture) GTEST_SKIP() << "astronaut.png is not in the cache's folder photos";
  for (const FacenetGolden& golden : kFacenetGolden)
    if (golden.picture == "astronaut") check_facenet(golden, *picture);
}

TEST(AlignFacenet, RefusesWhatIsNoCrop) {
  const Image picture = synthetic(40, 30);
  const ImageView view = picture.view();
  const Box inside{.x = 5, .y = 5, .width = 20, .height = 20};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(align_facenet(view, inside, 15));
  EXPECT_FALSE(align_facenet(view, inside, 1025));
  EXPECT_FALSE(align_facenet(view, inside, 160, -1));
  EXPECT_FALSE(align_facenet(view, inside, 160, 160));
  for (const Box& box : {Box{-30, 5, 20, 20}, Box{5, -30, 20, 20}, Box{40, 5, 20, 20},
                         Box{5, 30, 20, 20}, Box{5, 5, 0, 20}, Box{5, 5, -3, 20}, Box{},
                         Box{nan, 5, 20, 20}, Box{5, 5, nan, 20}, Box{-1e30F, 0, 1e-3F, 10}}) {
    const auto chip = align_facenet(view, box);
    ASSERT_FALSE(chip);
    EXPECT_EQ(chip.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(align_facenet(view, {-1e30F, -1e30F, 2e30F, 2e30F}));
}

TEST(AlignArcface, AgreesWithScikitImage) {
  const Image picture = synthetic(200, 160);
  for (const ArcfaceGolden& golden : kArcfaceGolden) {
    const auto chip = align_arcface(picture.view(), golden.points);
    ASSERT_TRUE(chip) << chip.error().message;
    ASSERT_EQ(chip->side(), 112);
    for (std::size_t i = 0; i < golden.bytes.size(); ++i)
      EXPECT_NEAR(chip->image.bytes()[997 * i], golden.bytes[i], 1) << i;
  }
}

// A chip of three times the size shows the same cut: its middle pixels are the small chip's pixels.
TEST(AlignArcface, GrowsAboutTheCorner) {
  const Image picture = synthetic(200, 160);
  const auto small = align_arcface(picture.view(), kArcfaceGolden[0].points);
  const auto large = align_arcface(picture.view(), kArcfaceGolden[0].points, 112 * 3);
  ASSERT_TRUE(small && large);
  for (int y = 0; y < 112; y += 7)
    for (int x = 0; x < 112; x += 5)
      EXPECT_NEAR(large->image.row(3 * y + 1)[3 * (3 * x + 1)], small->image.row(y)[3 * x], 1);
}

TEST(AlignArcface, RefusesPointsWithoutATransform) {
  const Image picture = synthetic(40, 30);
  Landmarks same;
  same.fill({.x = 3, .y = 3});
  EXPECT_EQ(align_arcface(picture.view(), same).error().code, ErrorCode::kInvalidArgument);
  Landmarks bad = kArcfaceGolden[0].points;
  bad[2].x = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(align_arcface(picture.view(), bad));
  EXPECT_FALSE(align_arcface(picture.view(), kArcfaceGolden[0].points, 8));
}

// By hand: (p + .25) / 1.5 · 150 of dlib's mean face; such a face is its own chip.
TEST(AlignDlib, LeavesTheMeanFaceWhereItIs) {
  const Image image = synthetic(150, 150);
  const Landmarks points{{{.x = 47.5492F, .y = 46.599F},
                          {.x = 100.4761F, .y = 46.599F},
                          {.x = 74.0127F, .y = 76.5625F},
                          {.x = 50.4149F, .y = 103.0233F},
                          {.x = 97.6104F, .y = 103.0233F}}};
  const auto chip = align_dlib(image.view(), points);
  ASSERT_TRUE(chip);
  ASSERT_EQ(chip->side(), 150);
  int most = 0;
  for (int y = 1; y < 149; ++y)
    for (int x = 0; x < 3 * 149; ++x)
      most = std::max(most, std::abs(chip->image.row(y)[x] - image.row(y)[x]));
  EXPECT_LE(most, 1);
}

TEST(AlignDlib, RefusesWhatCannotBe) {
  const Image image = synthetic(20, 20);
  EXPECT_FALSE(align_dlib(image.view(), Landmarks{}));
  EXPECT_FALSE(align_dlib(image.view(), Landmarks{}, 15));
}

}  // namespace
}  // namespace visavis::align
