#include <gtest/gtest.h>

#include <vector>
#include <visavis/metrics/reject.hpp>

namespace visavis::metrics {
namespace {

// At .5 the first and the third are missed.
const std::vector<RatedPair> kPairs{{.score = .2F, .quality = .1F},
                                    {.score = .8F, .quality = .2F},
                                    {.score = .3F, .quality = .2F},
                                    {.score = .9F, .quality = .9F}};

TEST(ErrorVersusReject, ByHand) {
  const auto curve = error_versus_reject(kPairs, .5);
  ASSERT_EQ(curve.size(), 3U);
  const double expected[3][2] = {{0, .5}, {.25, 1. / 3}, {.75, 0}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_DOUBLE_EQ(curve[i].rejected, expected[i][0]);
    EXPECT_DOUBLE_EQ(curve[i].fnmr, expected[i][1]);
  }
}

// Half: the first, and one of the two of equal quality, which is wrong in half of all draws.
TEST(FnmrAfterReject, RejectsPartOfATie) {
  EXPECT_DOUBLE_EQ(fnmr_after_reject(kPairs, .5, 0), .5);
  EXPECT_DOUBLE_EQ(fnmr_after_reject(kPairs, .5, .5), .5 / 2);
  EXPECT_DOUBLE_EQ(fnmr_after_reject(kPairs, .5, .75), 0);
}

}  // namespace
}  // namespace visavis::metrics
