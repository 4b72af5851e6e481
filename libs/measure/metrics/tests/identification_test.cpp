#include <gtest/gtest.h>

#include <cmath>
#include <vector>
#include <visavis/metrics/identification.hpp>

namespace visavis::metrics {
namespace {

const std::vector<MatedSearch> kMated{
    {.rank = 1, .score = .9F}, {.rank = 2, .score = .8F}, {.rank = 0}, {.rank = 1, .score = .4F}};
const std::vector<float> kUnmated{.3F, .6F, .7F, -INFINITY};

TEST(CumulativeMatch, ByHand) {
  EXPECT_EQ(cumulative_match(kMated, 3), (std::vector<double>{.5, .75, .75}));
}

TEST(Fnir, CountsTheThresholdAndTheRank) {
  EXPECT_DOUBLE_EQ(fnir(kMated, .5), .75);
  EXPECT_DOUBLE_EQ(fnir(kMated, .5, 2), .5);
  EXPECT_DOUBLE_EQ(fnir(kMated, .3), .5);
}

TEST(Fpir, CountsSearchesOfStrangers) {
  EXPECT_DOUBLE_EQ(fpir(kUnmated, .6), .5);
  EXPECT_DOUBLE_EQ(fpir(kUnmated, -2), .75);  // one had no face
}

TEST(FnirAtFpir, ByHand) {
  const auto point = fnir_at_fpir(kMated, kUnmated, .25);
  EXPECT_GT(point.threshold, .6F);
  EXPECT_LT(point.threshold, .6F + 1e-6);
  EXPECT_DOUBLE_EQ(point.fpir, .25);
  EXPECT_DOUBLE_EQ(point.fnir, .75);
  EXPECT_DOUBLE_EQ(fnir_at_fpir(kMated, kUnmated, .25, 2).fnir, .5);
}

TEST(IdentificationCurve, AgreesWithItsPoints) {
  const auto curve = identification_curve(kMated, kUnmated);
  ASSERT_GE(curve.size(), 4U);
  EXPECT_EQ(curve.front().fpir, 0);
  for (const auto& point : curve) {
    EXPECT_DOUBLE_EQ(point.fpir, fpir(kUnmated, point.threshold));
    EXPECT_DOUBLE_EQ(point.fnir, fnir(kMated, point.threshold));
  }
}

}  // namespace
}  // namespace visavis::metrics
