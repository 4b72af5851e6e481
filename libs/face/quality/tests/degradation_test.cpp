#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>
#include <visavis/align/align.hpp>
#include <visavis/core/file.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/quality/quality.hpp>

namespace visavis::quality {
namespace {

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

image::Window whole(const Image& image) {
  return {.x = 0, .y = 0, .width = image.width(), .height = image.height()};
}

/// The photo at 1/n and back: what a camera of fewer pixels would have seen, enlarged.
Image softened(const Image& photo, int n) {
  const Image small =
      image::resize_area(photo.view(), whole(photo), photo.width() / n, photo.height() / n);
  return image::resize_bilinear(small.view(), whole(small), photo.width(), photo.height());
}

Image levels(const Image& photo, const std::function<int(int)>& curve) {
  Image out = photo;
  for (std::uint8_t& level : out.bytes()) level = static_cast<std::uint8_t>(curve(level));
  return out;
}

class Degradation : public testing::Test {
 protected:
  void SetUp() override {
    photo_ = astronaut();
    if (!photo_) GTEST_SKIP() << "astronaut.png is not in the cache's folder photos";
  }
  float score(const Image& image, float scale = 1) const {
    // Points of an independent MTCNN in Python.
    Landmarks points{{{204.463F, 101.298F},
                      {246.953F, 103.325F},
                      {225.050F, 129.087F},
                      {202.150F, 139.801F},
                      {245.492F, 141.984F}}};
    for (Point& p : points) p = {(p.x + .5F) * scale - .5F, (p.y + .5F) * scale - .5F};
    const Chip chip = align::align_arcface(image.view(), points).value();
    return assess({.box = {}, .confidence = .99F, .landmarks = points}, chip.image.view()).score;
  }
  std::optional<Image> photo_;
};

TEST_F(Degradation, ByBlurLowersTheScoreStepByStep) {
  float before = score(*photo_);
  EXPECT_GT(before, .8F);
  for (const int n : {2, 4, 8}) {
    const float now = score(softened(*photo_, n));
    EXPECT_LT(now, before) << n;
    before = now;
  }
  EXPECT_LT(before, .7F);
}

TEST_F(Degradation, BySizeLowersTheScoreStepByStep) {
  float before = score(*photo_);
  for (const int n : {2, 4, 8}) {
    const Image small = image::resize_area(photo_->view(), whole(*photo_), photo_->width() / n,
                                           photo_->height() / n);
    const float now = score(small, 1 / static_cast<float>(n));
    EXPECT_LT(now, before) << n;
    before = now;
  }
  EXPECT_LT(before, .3F);
}

TEST_F(Degradation, ByExposureLowersTheScore) {
  const float good = score(*photo_);
  const Image bright = levels(*photo_, [](int v) { return v > 127 ? 255 : 2 * v; });
  const Image dark = levels(*photo_, [](int v) { return v / 32; });
  EXPECT_LT(score(bright), good);
  EXPECT_LT(score(dark), score(bright));
}

}  // namespace
}  // namespace visavis::quality
