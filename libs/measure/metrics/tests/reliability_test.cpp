#include <gtest/gtest.h>

#include <vector>
#include <visavis/metrics/reliability.hpp>

namespace visavis::metrics {
namespace {

// Of ten pairs four get .25, one of them genuine; six get .9 or 1, three of them genuine: what is
// said lies 0 and |(2 · .9 + 4) / 6 − .5| beside what happens, which counts 4/10 and 6/10.
TEST(Reliability, ByHand) {
  const std::vector<Forecast> forecasts{{.said = .25, .genuine = 1, .impostor = 3},
                                        {.said = .9, .genuine = 1, .impostor = 1},
                                        {.said = 1, .genuine = 2, .impostor = 2}};
  const Reliability found = reliability(forecasts, 2);
  ASSERT_EQ(found.bins.size(), 2U);
  EXPECT_DOUBLE_EQ(found.bins[0].said, .25);
  EXPECT_DOUBLE_EQ(found.bins[0].happened, .25);
  EXPECT_DOUBLE_EQ(found.bins[0].share, .4);
  EXPECT_DOUBLE_EQ(found.bins[1].low, .5);
  EXPECT_DOUBLE_EQ(found.bins[1].high, 1);
  EXPECT_NEAR(found.bins[1].said, 5.8 / 6, 1e-12);
  EXPECT_DOUBLE_EQ(found.bins[1].happened, .5);
  EXPECT_NEAR(found.expected_error, .6 * (5.8 / 6 - .5), 1e-12);
}

TEST(Reliability, LeavesOutBinsThatHoldNothing) {
  const Reliability found = reliability(std::vector<Forecast>{{.said = 0, .impostor = 5}});
  ASSERT_EQ(found.bins.size(), 1U);
  EXPECT_EQ(found.bins[0].low, 0);
  EXPECT_EQ(found.expected_error, 0);
}

}  // namespace
}  // namespace visavis::metrics
