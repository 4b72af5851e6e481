#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <visavis/quality/quality.hpp>

namespace visavis::quality {
namespace {

constexpr Landmarks kTemplate{{{38.2946F, 51.6963F},
                               {73.5318F, 51.5014F},
                               {56.0252F, 71.7366F},
                               {41.5493F, 92.3655F},
                               {70.7299F, 92.2041F}}};

/// A chessboard of two levels with cells of `cell` pixels.
Image chessboard(int cell, std::uint8_t dark, std::uint8_t bright) {
  Image image(112, 112);
  for (int y = 0; y < 112; ++y)
    for (int x = 0; x < 112; ++x)
      for (int c = 0; c < 3; ++c)
        image.row(y)[3 * x + c] = (x / cell + y / cell) % 2 == 0 ? dark : bright;
  return image;
}

Quality assess_points(const Landmarks& points) {
  return assess({.box = {}, .confidence = 1, .landmarks = points}, chessboard(8, 80, 160).view());
}

Landmarks turned(double degrees) {
  Landmarks out = kTemplate;
  const double angle = degrees * std::numbers::pi / 180;
  for (Point& p : out)
    p = {static_cast<float>(p.x * std::cos(angle) - p.y * std::sin(angle)),
         static_cast<float>(p.x * std::sin(angle) + p.y * std::cos(angle))};
  return out;
}

/// Five points of a head in space, in eye distances, turned by yaw and pitch and projected.
Landmarks head(double yaw_deg, double pitch_deg) {
  struct P3 {
    double x, y, z;
  };
  constexpr P3 points[] = {
      {-.5, 0, 0}, {.5, 0, 0}, {0, .495 * 1.155, .6}, {-.4, 1.155, 0}, {.4, 1.155, 0}};
  const double yaw = yaw_deg * std::numbers::pi / 180;
  const double pitch = pitch_deg * std::numbers::pi / 180;
  Landmarks out;
  for (int i = 0; i < 5; ++i) {
    const P3 p = points[i];
    const double x = p.x * std::cos(yaw) + p.z * std::sin(yaw);
    const double z = p.z * std::cos(yaw) - p.x * std::sin(yaw);
    const double y = p.y * std::cos(pitch) + z * std::sin(pitch);
    out[static_cast<std::size_t>(i)] = {static_cast<float>(50 * x), static_cast<float>(50 * y)};
  }
  return out;
}

TEST(Pose, OfTheTemplateIsFrontal) {
  const Quality quality = assess_points(kTemplate);
  EXPECT_NEAR(quality.eye_distance_px, 35.24, .01);  // by Pythagoras
  EXPECT_NEAR(quality.yaw_deg, 0, 1);
  EXPECT_NEAR(quality.pitch_deg, 0, 1);
  EXPECT_NEAR(quality.roll_deg, 0, 1);
}

TEST(Pose, RollIsClockwiseInTheImage) {
  EXPECT_NEAR(assess_points(turned(30)).roll_deg, 30, 1);
  EXPECT_NEAR(assess_points(turned(-45)).roll_deg, -45, 1);
  EXPECT_NEAR(assess_points(turned(30)).yaw_deg, assess_points(kTemplate).yaw_deg, .01);
  EXPECT_NEAR(assess_points(turned(30)).pitch_deg, assess_points(kTemplate).pitch_deg, .01);
}

TEST(Pose, RecoversTheTurnOfAModelHead) {
  for (const double angle : {-40.0, -20.0, 0.0, 10.0, 30.0, 60.0}) {
    EXPECT_NEAR(assess_points(head(angle, 0)).yaw_deg, angle, .1) << angle;
    EXPECT_NEAR(assess_points(head(0, angle)).pitch_deg, angle, .1) << angle;
  }
}

TEST(Sharpness, OfAChessboardIsKnown) {
  // Cells of one pixel: the Laplacian is ±4 · 80 everywhere, its mean 0 on an even window (82 x
  // 82).
  EXPECT_NEAR(assess({}, chessboard(1, 80, 160).view()).sharpness, 102'400, 1);
  EXPECT_EQ(assess({}, chessboard(200, 80, 160).view()).sharpness, 0);
  EXPECT_GT(assess({}, chessboard(4, 80, 160).view()).sharpness,
            assess({}, chessboard(8, 80, 160).view()).sharpness);
}

TEST(Exposure, CountsUsableLevels) {
  EXPECT_FLOAT_EQ(assess({}, chessboard(1, 80, 160).view()).exposure, 1);
  EXPECT_FLOAT_EQ(assess({}, chessboard(1, 0, 160).view()).exposure, .5F);
  EXPECT_FLOAT_EQ(assess({}, chessboard(1, 0, 255).view()).exposure, 0);
}

Quality good() {
  return {.eye_distance_px = 30,
          .yaw_deg = 20,
          .pitch_deg = 10,
          .sharpness = 100,
          .exposure = .8F,
          .confidence = .9F,
          .norm = 15};
}

TEST(Combine, IsTheWeightedGeometricMean) {
  Quality quality = good();
  EXPECT_EQ(combine({.eye_distance_px = 40, .sharpness = 400, .exposure = 1, .confidence = 1}), 1);
  // By hand, all components 1 but size: (20 − 5) / 30 = .5; of weights 1 + 1 + 1 + .5 + .5 = 4.
  quality = {.eye_distance_px = 20, .sharpness = 400, .exposure = 1, .confidence = 1};
  EXPECT_NEAR(combine(quality), std::pow(.5, 1 / 4.), 1e-6);
  // With a norm half way, weight 2 of 6 beside it.
  quality.norm = 15;
  EXPECT_NEAR(combine(quality, {.has_meaning = true, .low = 10, .high = 20}),
              std::pow(.5, 1 / 6.) * std::pow(.5, 2 / 6.), 1e-6);
}

TEST(Combine, NeverFallsWhenAComponentImproves) {
  const NormScale scale{.has_meaning = true, .low = 5, .high = 25};
  const auto rises = [&](float Quality::* member, float from, float to) {
    float before = -1;
    for (int i = 0; i <= 50; ++i) {
      Quality quality = good();
      quality.*member = from + (to - from) * static_cast<float>(i) / 50;
      const float score = combine(quality, scale);
      EXPECT_GE(score, before);
      EXPECT_GE(score, 0);
      EXPECT_LE(score, 1);
      before = score;
    }
    EXPECT_GT(before, combine(good(), scale));  // the far end is better than where we started
  };
  rises(&Quality::eye_distance_px, 0, 100);
  rises(&Quality::yaw_deg, 90, 0);
  rises(&Quality::yaw_deg, -90, 0);
  rises(&Quality::pitch_deg, 90, 0);
  rises(&Quality::sharpness, 0, 1000);
  rises(&Quality::exposure, 0, 1);
  rises(&Quality::confidence, 0, 1);
  rises(&Quality::norm, 0, 40);
}

TEST(Combine, StaysInRangeForNumbersThatAreNone) {
  Quality quality = good();
  quality.eye_distance_px = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(combine(quality), 0);
}

TEST(Assess, KeepsTheNormOnlyWhereItHasAMeaning) {
  const Image chip = chessboard(8, 80, 160);
  const Face face{.box = {}, .confidence = 1, .landmarks = kTemplate};
  EXPECT_EQ(assess(face, chip.view(), 12).norm, 0);
  EXPECT_EQ(assess(face, chip.view(), 12, {.has_meaning = true, .low = 5, .high = 20}).norm, 12);
  Landmarks none{};
  EXPECT_EQ(assess({.box = {}, .confidence = 1, .landmarks = none}, chip.view()).score, 0);
}

}  // namespace
}  // namespace visavis::quality
