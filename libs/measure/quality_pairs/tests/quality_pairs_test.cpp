#include "visavis/quality_pairs/quality_pairs.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

namespace visavis::quality_pairs {
namespace {

/// On the unit circle, so that a cosine is that of the difference of two angles.
Look look(const std::string& path, const std::string& person, double degrees, float quality = 1,
          float norm = 1) {
  const double angle = degrees * std::numbers::pi / 180;
  Look result{.path = path, .person = person};
  result.embedding = Embedding{
      .model = ModelId{1},
      .values = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))},
      .norm = norm};
  result.quality.score = quality;
  return result;
}

Look faceless(const std::string& path, const std::string& person) {
  return {.path = path, .person = person};
}

const Scorer kCosine = scorer_of(protocols::ScoreRule{});

class QualityPairsTest : public testing::Test {
 protected:
  std::unique_ptr<Executor> executor_ = make_thread_pool(2);
  Pairs pairs(const std::vector<Look>& a, const std::vector<Look>& b,
              const protocols::ScoreRule& rule = {}) {
    auto result = all_pairs(a, b, scorer_of(rule), *executor_);
    EXPECT_TRUE(result) << result.error().message;
    return *std::move(result);
  }
};

TEST_F(QualityPairsTest, OneListIsComparedWithItselfOnce) {
  const std::vector<Look> looks{look("1", "ada", 0), look("2", "ada", 60), look("3", "bob", 90),
                                look("4", "bob", 90)};
  const Pairs all = pairs(looks, looks);
  ASSERT_EQ(all.genuine.size(), 2U);
  EXPECT_EQ(all.people, 2U);
  EXPECT_NEAR(all.genuine[0].score, .5, 1e-6);
  EXPECT_NEAR(all.genuine[1].score, 1, 1e-6);
  EXPECT_EQ(all.impostor.count(), 4U);
  EXPECT_EQ(all.failed, 0U);
}

TEST_F(QualityPairsTest, LooksAtOnePhotoAreNeverCompared) {
  const std::vector<Look> low{look("1", "ada", 10), look("2", "ada", 70), faceless("3", "bob")};
  const std::vector<Look> high{look("1", "ada", 0), look("2", "ada", 60), look("3", "bob", 90)};
  const Pairs all = pairs(low, high);
  // ada: 1 with 2 and 2 with 1; others: ada's two with bob's photo, bob's (no face) with ada's two.
  ASSERT_EQ(all.genuine.size(), 2U);
  EXPECT_NEAR(all.genuine[0].score, std::cos(50 * std::numbers::pi / 180), 1e-6);
  EXPECT_EQ(all.impostor.count(), 4U);
  EXPECT_EQ(all.failed, 2U);
}

TEST_F(QualityPairsTest, RefusesWhatGivesNoFigure) {
  const std::vector<Look> alone{look("1", "ada", 0), look("2", "ada", 1)};
  EXPECT_EQ(all_pairs(alone, alone, kCosine, *executor_).error().code, ErrorCode::kInvalidArgument);
  const std::vector<Look> strangers{look("1", "ada", 0), look("2", "bob", 1)};
  EXPECT_EQ(all_pairs(strangers, strangers, kCosine, *executor_).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_FALSE(all_pairs({}, {}, kCosine, *executor_));
  std::vector<Look> mixed{look("1", "ada", 0), look("2", "ada", 1), look("3", "bob", 2)};
  mixed[2].embedding->model = ModelId{2};
  EXPECT_EQ(all_pairs(mixed, mixed, kCosine, *executor_).error().code, ErrorCode::kModelMismatch);
}

/// Genuine scores as given, each of a person of its own, and 1,000 impostors spread over [0, .999].
Pairs made(const std::vector<float>& genuine) {
  Pairs pairs;
  pairs.people = genuine.size();
  std::vector<float> impostor;
  for (int i = 0; i < 1000; ++i) impostor.push_back(static_cast<float>(i) / 1000);
  pairs.impostor.add(impostor);
  for (std::uint32_t i = 0; i < genuine.size(); ++i)
    pairs.genuine.push_back({.person = i, .a = i, .b = i, .score = genuine[i]});
  return pairs;
}

// At FAR .1 the threshold lies just above the 101st best impostor, .899; at .01 it would rest on
// ten.
TEST(MatchPoints, AreToldAsFarAsImpostorsGo) {
  const auto points = match_points(made({.95F, .9F, .8F, -INFINITY}));
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].far, 1e-1);
  EXPECT_NEAR(points[0].threshold, .899, 1e-5);
  EXPECT_EQ(points[0].tar.value, .5);
  ASSERT_TRUE(points[0].tar.interval);
  EXPECT_LT(points[0].tar.interval->low, .5);
  EXPECT_GT(points[0].tar.interval->high, .5);
}

// At the lowest threshold all 1,000 impostors and 2 of 3 genuine pairs are accepted.
TEST(Curves, EndWhereEverythingWithAFaceIsAccepted) {
  const Curves curves = curves_of(made({1, .4995F, -INFINITY}));
  ASSERT_EQ(curves.rates.size(), curves.precision_recall.size());
  EXPECT_DOUBLE_EQ(curves.rates.back().fmr, 1);
  EXPECT_NEAR(curves.rates.back().fnmr, 1. / 3, 1e-12);
  EXPECT_NEAR(curves.precision_recall.back().recall, 2. / 3, 1e-12);
  EXPECT_NEAR(curves.precision_recall.back().precision, 2. / 1002, 1e-12);
  EXPECT_EQ(curves.distribution.impostor[51], 20U) << ".02 to .039: a hundred bins from -1 to 1";
  EXPECT_EQ(curves.distribution.genuine[74], 1U);
}

// By hand: one genuine pair above all impostors has precision 1; one above 500 and below 500 has
// precision 2/502; the mean of both recalls' steps.
TEST(AveragePrecision, WeighsEachStepOfRecall) {
  EXPECT_NEAR(average_precision(made({1, .4995F})), (1 + 2.0 / 502) / 2, 1e-9);
}

// By hand, at FMR .1 (threshold .899): pairs 0 to 3 score .95 .95 .5 .5. Refusing a quarter of the
// pairs by a quality that knows which are bad leaves 1 miss of 3; by a norm that is wrong, 2 of 3.
TEST(Reject, TellsScoreFromNorm) {
  const Pairs pairs = made({.95F, .95F, .5F, .5F});
  const std::vector<Look> looks{look("0", "a", 0, .9F, 1), look("1", "b", 0, .8F, 2),
                                look("2", "c", 0, .1F, 3), look("3", "d", 0, .2F, 4)};
  const auto points = reject(pairs, looks, looks, .1, std::array{0.0, .25, .5, .375});
  ASSERT_EQ(points.size(), 4U);
  EXPECT_NEAR(points[0].by_quality, .5, 1e-12);
  EXPECT_NEAR(points[0].by_norm, .5, 1e-12);
  EXPECT_NEAR(points[1].by_quality, 1.0 / 3, 1e-12);
  EXPECT_NEAR(points[1].by_norm, 2.0 / 3, 1e-12);
  EXPECT_NEAR(points[2].by_quality, 0, 1e-12);
  EXPECT_NEAR(points[2].by_norm, 1, 1e-12);
  // One and a half pairs refused of four: half a miss is left among 2.5.
  EXPECT_NEAR(points[3].by_quality, .5 / 2.5, 1e-12);
  ASSERT_TRUE(points[1].gain);
  EXPECT_GE(points[1].gain->high, points[1].gain->low);
}

// The lower of both photos counts; a pair without a face is no matter of rating.
TEST(Reject, TakesTheWorseOfBoth) {
  Pairs pairs = made({.95F, .5F, -INFINITY});
  const std::vector<Look> a{look("0", "a", 0, .9F), look("1", "b", 0, .9F), faceless("2", "c")};
  const std::vector<Look> b{look("3", "a", 0, .5F), look("4", "b", 0, .1F), look("5", "c", 0, 1)};
  const auto points = reject(pairs, a, b, .1, std::array{0.0, .5});
  EXPECT_NEAR(points[0].by_quality, .5, 1e-9);
  EXPECT_NEAR(points[1].by_quality, 0, 1e-9);
}

// Two of four missed before, one after: half of them. Whichever people are drawn, no more are
// missed.
TEST(LoweredTest, IsAShareOfTheMisses) {
  const Lowered answer = lowered(made({.95F, .95F, .5F, .5F}), made({.95F, .95F, .95F, .5F}), .1);
  EXPECT_EQ(answer.before.value, .5);
  EXPECT_EQ(answer.after.value, .25);
  EXPECT_TRUE(answer.before.interval && answer.after.interval);
  EXPECT_EQ(answer.share.value, .5);
  ASSERT_TRUE(answer.share.interval);
  EXPECT_GE(answer.share.interval->low, 0);
  EXPECT_LE(answer.share.interval->high, 1);
  EXPECT_EQ(lowered(made({.95F}), made({.95F}), .1).share.value, 0);
}

// Of a thousand impostor pairs 500 show no face: of the others, a fifth scores .9 or more, and the
// genuine pair without a face is no matter of scores.
TEST(LoweredTest, LeavesOutPairsWithoutAFace) {
  Pairs pairs = made({.95F, .85F, -INFINITY});
  const std::vector<float> never(1000, -INFINITY);
  pairs.impostor.add(never);
  pairs.failed = 1001;
  const Lowered answer = lowered(pairs, pairs, .1);
  EXPECT_EQ(answer.before.value, .5);
  EXPECT_EQ(answer.share.value, 0);
}

// The same laws for all: a straight line in the cosine, here 50 · (cos 60° − .25).
TEST(Scorers, KnowOfQuality) {
  matching::LikelihoodRatio ratio;
  ratio.genuine.mean[0] = .5;
  ratio.genuine.log_variance[0] = ratio.impostor.log_variance[0] = std::log(.01);
  const Look a = look("1", "a", 0);
  const Look b = look("2", "a", 60);
  EXPECT_NEAR(scorer_of(ratio).score(a, b), 12.5, 1e-4);
  EXPECT_NEAR(scorer_of(protocols::ScoreRule{}).score(a, b), .5, 1e-6);
}

// ada's first photo is in the gallery, her second is searched for and found; bob has one photo and
// stands for strangers.
TEST_F(QualityPairsTest, SearchesTheOtherPhotosOfThoseInTheGallery) {
  const std::vector<Look> looks{look("1", "ada", 0), look("2", "ada", 10), look("3", "bob", 120),
                                look("4", "cyd", 200), look("5", "cyd", 205)};
  const auto report = search(looks, looks, {}, *executor_);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->people, 2U);
  EXPECT_EQ(report->mated, 2U);
  EXPECT_EQ(report->non_mated, 1U);
  EXPECT_EQ(report->ranks.front(), 1);
}

}  // namespace
}  // namespace visavis::quality_pairs
