#include <gtest/gtest.h>

#include <cmath>
#include <vector>
#include <visavis/models/prepare.hpp>

namespace visavis::models {
namespace {

/// Two pixels: (10, 20, 30) and (255, 0, 128).
Image two_pixels() {
  Image image(2, 1);
  image.bytes() = {10, 20, 30, 255, 0, 128};
  return image;
}

std::vector<float> prepared(const Preparation& preparation) {
  const Image image = two_pixels();
  std::vector<float> out(static_cast<std::size_t>(2 * channels(preparation)));
  prepare(image.view(), preparation, out);
  return out;
}

TEST(Prepare, WritesPlanesInTheColourOrder) {
  Preparation p{.width = 2,
                .height = 1,
                .mean = {127.5F, 127.5F, 127.5F},
                .scale = {.0078125F, .0078125F, .0078125F}};
  // (10 − 127.5) / 128 = −.91796875, exactly; and so on.
  const std::vector<float> rgb = {-.91796875F, .99609375F,  -.83984375F,
                                  -.99609375F, -.76171875F, .00390625F};
  EXPECT_EQ(prepared(p), rgb);
  p.colour = ColourOrder::kBgr;
  EXPECT_EQ(prepared(p), (std::vector<float>{rgb[4], rgb[5], rgb[2], rgb[3], rgb[0], rgb[1]}));
}

TEST(Prepare, AppliesMeanAndScaleByOutputChannel) {
  const Preparation p{
      .width = 2, .height = 1, .colour = ColourOrder::kBgr, .mean = {1, 2, 3}, .scale = {1, 2, 4}};
  EXPECT_EQ(prepared(p), (std::vector<float>{29, 127, 36, -4, 28, 1008}));
}

TEST(Prepare, MakesGreyAsRec601) {
  const Preparation p{.width = 2,
                      .height = 1,
                      .colour = ColourOrder::kGrey,
                      .mean = {0, 0, 0},
                      .scale = {.5F, 0, 0}};
  // .299 · 10 + .587 · 20 + .114 · 30 = 18.15; .299 · 255 + .114 · 128 = 90.84
  EXPECT_EQ(prepared(p), (std::vector<float>{9, 45.5F}));
}

// davidsandberg/facenet, facenet.py, prewhiten(), worked out in numpy for these six bytes:
// mean 73.8333, std 91.3791.
TEST(Prepare, Prewhitens) {
  const Preparation p{.width = 2, .height = 1, .prewhiten = true};
  const std::vector<float> expected = {-0.6985551F, 1.9825833F,  -0.5891209F,
                                       -0.8079893F, -0.4796867F, 0.5927687F};
  const std::vector<float> got = prepared(p);
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6) << i;
}

TEST(Prepare, PrewhitensAFlatPictureToZero) {
  const Image flat(3, 3);
  std::vector<float> out(27, 5);
  prepare(flat.view(), {.width = 3, .height = 3, .prewhiten = true}, out);
  EXPECT_EQ(out, std::vector<float>(27, 0));
}

}  // namespace
}  // namespace visavis::models
