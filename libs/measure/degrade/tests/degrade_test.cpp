#include "visavis/degrade/degrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace visavis::degrade {
namespace {

using testing::ElementsAre;

/// Grey, row after row.
Image grey(int width, int height, const std::vector<int>& levels) {
  Image image(width, height);
  for (std::size_t i = 0; i < levels.size(); ++i)
    for (std::size_t c = 0; c < 3; ++c)
      image.bytes()[3 * i + c] = static_cast<std::uint8_t>(levels[i]);
  return image;
}

std::vector<int> reds(const Image& image) {
  std::vector<int> levels;
  for (std::size_t i = 0; i < image.bytes().size(); i += 3) levels.push_back(image.bytes()[i]);
  return levels;
}

Image flat(int side, int level) {
  return grey(side, side, std::vector<int>(static_cast<std::size_t>(side * side), level));
}

// By hand: halves are 10 and 50; enlarged with half-pixel centres, outputs lie at source −.25, .25,
// .75 and 1.25: 10, 20, 40, 50.
TEST(Downscale, AveragesAndEnlarges) {
  EXPECT_THAT(reds(downscale(grey(4, 1, {0, 20, 40, 60}).view(), 2)), ElementsAre(10, 20, 40, 50));
}

TEST(Downscale, LeavesAtLeastAPixel) {
  EXPECT_THAT(reds(downscale(grey(4, 1, {0, 20, 40, 60}).view(), 64)), ElementsAre(30, 30, 30, 30));
  EXPECT_EQ(downscale(flat(5, 7).view(), 1).bytes(), flat(5, 7).bytes());
}

// By hand: sigma 1/√(2 ln 2) gives weights 1/2 and 1/16 for one and two pixels (the next two are
// 2^-9 and 2^-16, of which 3 sigma = 2.55 px take in the first): sum 1 + 2 (1/2 + 1/16 + 1/512) =
// 2.1289. Of a line that is 213 in the middle: 213 / 2.1289 = 100.05, then 50.03, 6.25, .20.
TEST(Blur, WeighsByDistance) {
  const Image line = grey(9, 1, {0, 0, 0, 0, 213, 0, 0, 0, 0});
  EXPECT_THAT(reds(blur(line.view(), 1 / std::sqrt(2 * std::log(2.0)))),
              ElementsAre(0, 0, 6, 50, 100, 50, 6, 0, 0));
}

TEST(Blur, WorksInBothDirectionsAndRepeatsTheBorder) {
  Image upright = grey(1, 9, {0, 0, 0, 0, 213, 0, 0, 0, 0});
  EXPECT_THAT(reds(blur(upright.view(), 1 / std::sqrt(2 * std::log(2.0)))),
              ElementsAre(0, 0, 6, 50, 100, 50, 6, 0, 0));
  EXPECT_EQ(blur(flat(6, 91).view(), 5).bytes(), flat(6, 91).bytes());
}

TEST(Darken, MultipliesEveryLevel) {
  EXPECT_THAT(reds(darken(grey(4, 1, {0, 1, 101, 255}).view(), .25)), ElementsAre(0, 0, 25, 64));
  EXPECT_THAT(reds(darken(grey(1, 1, {77}).view(), 1)), ElementsAre(77));
}

// 64 · 64 · 3 numbers: their mean is within 4 standard errors of 0, their deviation within 4 of 10.
TEST(Noise, HasItsDeviationAndNoBias) {
  const Image noisy = noise(flat(64, 128).view(), 10, 1);
  double sum = 0;
  double squares = 0;
  for (const std::uint8_t level : noisy.bytes()) {
    sum += level - 128.0;
    squares += (level - 128.0) * (level - 128.0);
  }
  const auto n = static_cast<double>(noisy.bytes().size());
  EXPECT_NEAR(sum / n, 0, 4 * 10 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(squares / n), 10, 4 * 10 / std::sqrt(2 * n));
}

TEST(Noise, IsTheSeedsAlone) {
  EXPECT_EQ(noise(flat(8, 128).view(), 10, 7).bytes(), noise(flat(8, 128).view(), 10, 7).bytes());
  EXPECT_NE(noise(flat(8, 128).view(), 10, 7).bytes(), noise(flat(8, 128).view(), 10, 8).bytes());
}

// The C++ standard says what the 10,000th number of mt19937_64 with its default seed 5489 is; the
// first three, 14514284786278117030, 4620546740167642908 and 13109570281517897720, are in the
// authors' own list. Their twelve 16-bit words sum up to 402,543, which is 9,333 above the
// mean of 6 · 65,535: 128 + 60 · 9,333 / 65,536 = 136.54.
TEST(Noise, IsTheSameOnEveryMachine) {
  EXPECT_EQ(noise(flat(1, 128).view(), 60, 5489).bytes()[0], 137);
}

TEST(Jpeg, LosesMoreAtALowerQuality) {
  Image picture(64, 64);
  for (std::size_t i = 0; i < picture.bytes().size(); ++i)
    picture.bytes()[i] = static_cast<std::uint8_t>(i * i % 251);
  const auto loss = [&](int quality) {
    const Image changed = *jpeg(picture.view(), quality);
    long sum = 0;
    for (std::size_t i = 0; i < picture.bytes().size(); ++i)
      sum += std::abs(changed.bytes()[i] - picture.bytes()[i]);
    return sum;
  };
  EXPECT_LT(loss(95), loss(30));
  EXPECT_LT(loss(30), loss(5));
  // One colour is one coefficient of each block, which quality 95 keeps to within a level.
  const Image kept = *jpeg(flat(16, 100).view(), 95);
  for (const std::uint8_t level : kept.bytes()) EXPECT_NEAR(level, 100, 1);
}

TEST(Steps, AreReadAndWritten) {
  const auto steps = parse_steps("downscale:3,noise:12.5,jpeg:30,dark:0.25,blur:1.5");
  ASSERT_TRUE(steps) << steps.error().message;
  ASSERT_EQ(steps->size(), 5U);
  EXPECT_EQ((*steps)[1], (Step{.kind = Kind::kNoise, .strength = 12.5}));
  EXPECT_EQ(to_string(*steps), "downscale:3,noise:12.5,jpeg:30,dark:0.25,blur:1.5");
}

TEST(Steps, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "blur",
                           "blur:",
                           "blur:x",
                           "blur:1,",
                           ",blur:1",
                           "blur:1:2",
                           "blur:0",
                           "blur:-1",
                           "blur:nan",
                           "blur:inf",
                           "blur:65",
                           "jpeg:0",
                           "jpeg:101",
                           "jpeg:30.5",
                           "dark:0",
                           "dark:1.1",
                           "noise:0",
                           "noise:129",
                           "downscale:0.9",
                           "downscale:65",
                           "Blur:1",
                           "fog:1",
                           "blur: 1",
                           "blur:1,blur:1,blur:1,blur:1,blur:1,blur:1,blur:1,blur:1,blur:1"})
    EXPECT_EQ(parse_steps(text).error().code, ErrorCode::kInvalidArgument) << text;
}

// Darkened first, 200 is 50 and noise has room; noise of sigma 0.001 changes nothing.
TEST(Steps, AreDoneInTheirOrder) {
  const auto steps = parse_steps("dark:0.25,noise:0.001,dark:0.5");
  EXPECT_EQ(apply(flat(3, 200).view(), *steps, 1)->bytes(), flat(3, 25).bytes());
  EXPECT_EQ(apply(flat(3, 200).view(), std::vector<Step>(), 1).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(Recipe, IsReadAndWritten) {
  const auto recipe = parse_recipe("downscale:3;blur:2,noise:10", 7);
  ASSERT_TRUE(recipe) << recipe.error().message;
  EXPECT_EQ(recipe->ways.size(), 2U);
  EXPECT_EQ(to_string(*recipe), "downscale:3;blur:2,noise:10");
  EXPECT_EQ(to_string(*parse_recipe(default_ways(), 0)), default_ways());
  for (const char* text : {"", ";", "blur:1;", "blur:1;fog:1"})
    EXPECT_EQ(parse_recipe(text, 0).error().code, ErrorCode::kInvalidArgument) << text;
}

// Of 24,000 photos each of 24 ways gets about 1,000: within 5 standard deviations of 31.
TEST(Recipe, DrawsEveryWayAsOften) {
  const Recipe recipe = *parse_recipe(default_ways(), 3);
  ASSERT_EQ(recipe.ways.size(), 24U);
  std::vector<int> drawn(24);
  for (std::uint64_t photo = 0; photo < 24'000; ++photo)
    ++drawn[static_cast<std::size_t>(&way_of(recipe, photo) - recipe.ways.data())];
  for (const int count : drawn) EXPECT_NEAR(count, 1000, 5 * 31);
}

TEST(Recipe, GivesAPhotoTheSameEveryTime) {
  const Recipe recipe = *parse_recipe("noise:10;noise:20", 3);
  const Image photo = flat(8, 128);
  EXPECT_EQ(apply(photo.view(), recipe, 5)->bytes(), apply(photo.view(), recipe, 5)->bytes());
  EXPECT_NE(apply(photo.view(), recipe, 5)->bytes(), apply(photo.view(), recipe, 6)->bytes());
  const Recipe other = *parse_recipe("noise:10;noise:20", 4);
  EXPECT_NE(apply(photo.view(), recipe, 5)->bytes(), apply(photo.view(), other, 5)->bytes());
}

}  // namespace
}  // namespace visavis::degrade
