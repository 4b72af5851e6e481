#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>
#include <visavis/metrics/curves.hpp>

#include "sklearn_golden.hpp"

namespace visavis::metrics {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const std::vector<float> kGenuine{.9F, .5F};
const std::vector<float> kImpostor{.5F, .1F};

TEST(ErrorRates, HaveOnePointForEachScore) {
  const auto curve = error_rates({kGenuine, kImpostor});
  ASSERT_EQ(curve.size(), 4U);
  const double expected[4][3] = {{kInfinity, 0, 1}, {.9F, 0, .5}, {.5, .5, 0}, {.1F, 1, 0}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(curve[i].threshold, expected[i][0]);
    EXPECT_DOUBLE_EQ(curve[i].fmr, expected[i][1]);
    EXPECT_DOUBLE_EQ(curve[i].fnmr, expected[i][2]);
  }
}

// A photo without a face is never matched: the curve ends before the false non-match rate is 0.
TEST(ErrorRates, NeverAcceptWhatHasNoFace) {
  const auto curve = error_rates({std::vector<float>{.9F, -INFINITY}, kImpostor});
  EXPECT_DOUBLE_EQ(curve.back().fnmr, .5);
}

// Four bins of a half from -1 on: the impostors are in [0, .5) and [.5, 1).
TEST(ErrorRates, OfCountedImpostorsHaveOnePointForEachBin) {
  ScoreHistogram impostor(-1, 1, 4);
  impostor.add(std::vector<float>{.1F, .2F, .6F, -INFINITY});
  const auto curve = error_rates(std::vector<float>{-INFINITY, .3F, .5F, .9F}, impostor);
  ASSERT_EQ(curve.size(), 3U);
  const double expected[3][3] = {{kInfinity, 0, 1}, {.5, .25, .5}, {0, .75, .25}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(curve[i].threshold, expected[i][0]);
    EXPECT_DOUBLE_EQ(curve[i].fmr, expected[i][1]);
    EXPECT_DOUBLE_EQ(curve[i].fnmr, expected[i][2]);
  }
}

TEST(PrecisionRecall, ByHand) {
  const auto curve = precision_recall_curve({kGenuine, kImpostor});
  ASSERT_EQ(curve.size(), 4U);
  EXPECT_DOUBLE_EQ(curve[0].precision, 1);
  EXPECT_DOUBLE_EQ(curve[2].precision, 2. / 3);
  EXPECT_DOUBLE_EQ(curve[2].recall, 1);
  EXPECT_DOUBLE_EQ(average_precision({kGenuine, kImpostor}), .5 + .5 * 2 / 3);
}

// Two of 4 genuine and 1 of 100 impostor pairs accepted: 2 of 3 are right. Then all: 4 of 104.
TEST(PrecisionRecall, FromErrorRatesDependsOnHowManyPairsThereAre) {
  const std::vector<ErrorRates> rates{{.threshold = kInfinity, .fmr = 0, .fnmr = 1},
                                      {.threshold = .5, .fmr = .01, .fnmr = .5},
                                      {.threshold = -1, .fmr = 1, .fnmr = 0}};
  const auto curve = precision_recall_curve(rates, 4, 100);
  ASSERT_EQ(curve.size(), 3U);
  EXPECT_EQ(curve[0].precision, 1);
  EXPECT_EQ(curve[0].recall, 0);
  EXPECT_DOUBLE_EQ(curve[1].precision, 2. / 3);
  EXPECT_DOUBLE_EQ(curve[1].recall, .5);
  EXPECT_EQ(curve[1].threshold, .5);
  EXPECT_DOUBLE_EQ(curve[2].precision, 4. / 104);
}

TEST(PrecisionRecall, FromErrorRatesIsThatOfTheScores) {
  const Scores scores{.genuine = kGoldenGenuine, .impostor = kGoldenImpostor};
  const auto exact = precision_recall_curve(scores);
  const auto curve =
      precision_recall_curve(error_rates(scores), kGoldenGenuine.size(), kGoldenImpostor.size());
  ASSERT_EQ(curve.size(), exact.size());
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_NEAR(curve[i].precision, exact[i].precision, 1e-12);
    EXPECT_NEAR(curve[i].recall, exact[i].recall, 1e-12);
  }
}

// Means .7 and .3, both variances .04.
TEST(DPrime, ByHand) { EXPECT_NEAR(d_prime({kGenuine, kImpostor}), 2, 1e-6); }

TEST(Golden, CurvesAgreeWithScikitLearn) {
  const Scores scores{.genuine = kGoldenGenuine, .impostor = kGoldenImpostor};
  const auto curve = error_rates(scores);
  ASSERT_EQ(curve.size(), kGoldenFpr.size());
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_NEAR(curve[i].fmr, kGoldenFpr[i], 1e-12);
    EXPECT_NEAR(1 - curve[i].fnmr, kGoldenTpr[i], 1e-12);
  }
  EXPECT_NEAR(average_precision(scores), kGoldenAveragePrecision, 1e-12);
  EXPECT_NEAR(d_prime(scores), kGoldenDPrime, 1e-6);
}

TEST(Thinned, KeepsTheEndsAndSomeOfEachDecade) {
  std::vector<float> impostor;
  for (int i = 0; i < 10000; ++i) impostor.push_back(static_cast<float>(i));
  const auto curve = error_rates({kGenuine, impostor});
  const auto few = thinned(curve, 10);
  EXPECT_LE(few.size(), 10U * 4 + 3);
  EXPECT_GE(few.size(), 25U);
  EXPECT_EQ(few.front().threshold, kInfinity);
  EXPECT_EQ(few.back().fmr, 1);
}

}  // namespace
}  // namespace visavis::metrics
