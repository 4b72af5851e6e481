#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>
#include <visavis/metrics/verification.hpp>

#include "sklearn_golden.hpp"

namespace visavis::metrics {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

TEST(AcceptedShare, CountsFromTheThresholdUp) {
  const std::vector<float> scores{.1F, .5F, .5F, .9F};
  EXPECT_DOUBLE_EQ(accepted_share(scores, .5), .75);
  EXPECT_DOUBLE_EQ(accepted_share(scores, .51), .25);
  EXPECT_DOUBLE_EQ(accepted_share({}, 0), 0);
}

TEST(ThresholdAtFar, IsJustAboveTheBestRefusedScore) {
  const std::vector<float> impostor{.1F, .2F, .3F, .4F, .5F, .6F, .7F, .8F, .9F, 1.F};
  const std::vector<std::pair<double, float>> cases{
      {.1, .9F}, {.3, .7F}, {.39, .7F}, {.05, 1.F}, {0, 1.F}};
  for (const auto& [far, refused] : cases) {
    EXPECT_GT(threshold_at_far(impostor, far), refused);
    EXPECT_LT(threshold_at_far(impostor, far), refused + 1e-6);
  }
  EXPECT_FLOAT_EQ(static_cast<float>(threshold_at_far(impostor, 1)), .1F);
}

TEST(ThresholdAtFar, NeverSplitsATie) {
  const std::vector<float> impostor{.1F, .5F, .5F, .5F};
  EXPECT_EQ(accepted_share(impostor, threshold_at_far(impostor, .5)), 0);  // not two of three
  EXPECT_EQ(accepted_share(impostor, threshold_at_far(impostor, .75)), .75);
}

TEST(ThresholdAtFar, CountsExactly) {
  std::vector<float> impostor;
  for (int i = 1; i <= 3000; ++i) impostor.push_back(static_cast<float>(i));
  const double threshold = threshold_at_far(impostor, 1e-3);
  EXPECT_DOUBLE_EQ(accepted_share(impostor, threshold), 1e-3);  // three of 3000
}

// By hand: at .5 one of four impostors is accepted and one of four genuine refused.
TEST(EqualErrorRate, IsWhereTheErrorsMeet) {
  const std::vector<float> genuine{.3F, .6F, .7F, .8F};
  const std::vector<float> impostor{.1F, .2F, .25F, .5F};
  EXPECT_DOUBLE_EQ(equal_error_rate({genuine, impostor}), .25);
}

// By hand: steps (FAR, FRR): (0, 1), (0, .5) at .9, (1, .5) at .5, (1, 0) at .1. Between the second
// and the third FAR rises from 0 to 1 at FRR .5: they meet at .5.
TEST(EqualErrorRate, InterpolatesBetweenSteps) {
  const std::vector<float> genuine{.9F, .1F};
  const std::vector<float> impostor{.5F};
  EXPECT_DOUBLE_EQ(equal_error_rate({genuine, impostor}), .5);
}

TEST(EqualErrorRate, OfPerfectAndOfReversedScores) {
  const std::vector<float> high{.8F, .9F};
  const std::vector<float> low{.1F, .2F};
  EXPECT_DOUBLE_EQ(equal_error_rate({high, low}), 0);
  EXPECT_DOUBLE_EQ(equal_error_rate({low, high}), 1);
}

// By hand: of the 3 x 2 comparisons genuine wins 4 and ties 1: 4.5 / 6.
TEST(AreaUnderCurve, CountsTiesHalf) {
  const std::vector<float> genuine{.9F, .5F, .4F};
  const std::vector<float> impostor{.5F, .1F};
  EXPECT_DOUBLE_EQ(area_under_curve({genuine, impostor}), 4.5 / 6);
}

TEST(BestThreshold, LiesBetweenTheKinds) {
  const std::vector<float> genuine{.6F, .8F, .2F};
  const std::vector<float> impostor{.1F, .3F, .4F};
  // .2 costs one mistake whatever is chosen; between .4 and .6 it is the only one.
  EXPECT_NEAR(best_threshold({genuine, impostor}), .5, 1e-6);
}

TEST(BestThreshold, NeverAcceptsWhatHasNoFace) {
  const std::vector<float> genuine{.6F, kNever};
  const std::vector<float> impostor{.1F, kNever};
  const double threshold = best_threshold({genuine, impostor});
  EXPECT_NEAR(threshold, .35, 1e-6);
  EXPECT_GT(best_threshold({std::vector<float>{kNever, kNever}, std::vector<float>{kNever}}),
            kNever);
}

// By hand. Fold 1's threshold is .5 (from fold 2), which makes one of its four pairs wrong; fold
// 2's is .625 (half way between .55 and .7), which is right for all of its pairs.
TEST(FoldedAccuracy, JudgesEachFoldByTheOthers) {
  const std::vector<float> genuine1{.7F, .9F};
  const std::vector<float> impostor1{.2F, .55F};
  const std::vector<float> genuine2{.8F, .7F};
  const std::vector<float> impostor2{.1F, .3F};
  const std::vector<Scores> folds{{genuine1, impostor1}, {genuine2, impostor2}};
  const FoldedAccuracy result = folded_accuracy(folds);
  EXPECT_NEAR(result.thresholds[0], .5, 1e-6);
  EXPECT_NEAR(result.thresholds[1], .625, 1e-6);
  EXPECT_DOUBLE_EQ(result.folds[0], .75);
  EXPECT_DOUBLE_EQ(result.folds[1], 1);
  EXPECT_DOUBLE_EQ(result.mean, .875);
  EXPECT_DOUBLE_EQ(result.std, .125);
}

TEST(Golden, AgreesWithScikitLearn) {
  const Scores scores{.genuine = kGoldenGenuine, .impostor = kGoldenImpostor};
  EXPECT_NEAR(area_under_curve(scores), kGoldenAuc, 1e-12);
  EXPECT_NEAR(equal_error_rate(scores), kGoldenEer, 1e-9);
  EXPECT_NEAR(tar_at_far(scores, 1e-1), kGoldenTarAt1e1, 1e-12);
  EXPECT_NEAR(tar_at_far(scores, 5e-2), kGoldenTarAt5e2, 1e-12);
  EXPECT_NEAR(tar_at_far(scores, 1e-2), kGoldenTarAt1e2, 1e-12);
}

}  // namespace
}  // namespace visavis::metrics
