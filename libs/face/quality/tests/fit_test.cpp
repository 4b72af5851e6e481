#include "visavis/quality/fit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <visavis/quality/quality.hpp>

namespace visavis::quality {
namespace {

// By hand: e² has logarithm 2; eyes beyond the chip's 35 px count as 35; a Laplacian of variance 6
// where levels spread by 10 is ln(7/100); √(27² + 36²) = 45°, half a right angle; a confidence of
// .9995 leaves a doubt of .001.
TEST(Measures, AreWhatTheirNamesSay) {
  const Quality quality{.eye_distance_px = 60,
                        .yaw_deg = 27,
                        .pitch_deg = -36,
                        .sharpness = 6,
                        .contrast = 10,
                        .exposure = .75F,
                        .confidence = .9995F,
                        .norm = std::exp(2.0F)};
  const Measures measures = measures_of(quality);
  EXPECT_NEAR(measures[0], 2, 1e-6);
  EXPECT_NEAR(measures[1], std::log(35), 1e-6);
  EXPECT_NEAR(measures[2], std::log(.07), 1e-6);
  EXPECT_NEAR(measures[3], -.5, 1e-6);
  EXPECT_NEAR(measures[4], .75, 1e-6);
  EXPECT_NEAR(measures[5], -std::log(.001), 1e-3);
  EXPECT_NEAR(measures[6], -std::log(10), 1e-6);
}

TEST(Measures, OfWhatIsNotMeasuredAreTheLeast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Quality nothing{.eye_distance_px = nan,
                        .yaw_deg = nan,
                        .sharpness = nan,
                        .contrast = nan,
                        .exposure = nan,
                        .confidence = nan,
                        .norm = nan};
  for (const double measure : measures_of(nothing)) EXPECT_TRUE(std::isfinite(measure));
  EXPECT_EQ(measures_of(nothing)[3], -1);
  EXPECT_NEAR(measures_of(nothing)[6], -std::log(127.5), 1e-6);
}

// 1 / (1 + e^-(−3 + 1.5 · 2)) = 1/2, and a norm e times as large adds 1.5 to the logit.
TEST(Foretell, IsLogistic) {
  const Fit fit{.bias = -3, .weights = {1.5, 0, 0, 0, 0, 0}};
  EXPECT_NEAR(foretell({.norm = std::exp(2.0F)}, fit), .5, 1e-6);
  EXPECT_NEAR(foretell({.norm = std::exp(3.0F)}, fit), 1 / (1 + std::exp(-1.5)), 1e-6);
}

TEST(Foretell, IsTheScoreWhereARecogniserHasAFit) {
  NormScale scale{.has_meaning = true, .low = 1, .high = 2};
  scale.fit = Fit{.bias = -3, .weights = {1.5, 0, 0, 0, 0, 0}};
  EXPECT_NEAR(combine({.norm = std::exp(2.0F)}, scale), .5, 1e-6);
}

}  // namespace
}  // namespace visavis::quality
