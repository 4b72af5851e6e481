#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <visavis/protocols/verification.hpp>

namespace visavis::protocols {
namespace {

/// The unit vector in the plane at an angle: cosines are known by hand.
Embedding at_degrees(double degrees, float norm = 1) {
  const double angle = degrees * 3.14159265358979323846 / 180;
  return {.model = ModelId{1},
          .values = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))},
          .norm = norm};
}

/// Two folds; a and b are one person, so are c and d; d has no face.
PairList list() {
  return {.protocol = "pairs",
          .pairs = {{"a", "b", true, 0},
                    {"a", "c", false, 0},
                    {"c", "d", true, 1},
                    {"b", "c", false, 1},
                    {"a", "b", true, 1},
                    {"a", "d", false, 1}},
          .folds = 2};
}

Embeddings embeddings() {
  return {{"a", at_degrees(0)}, {"b", at_degrees(20)}, {"c", at_degrees(90)}, {"d", std::nullopt}};
}

TEST(VerifyPairs, NamesThePairsNearestToTheOtherKindAndCountsAll) {
  const auto report = verify_pairs(list(), embeddings(), {.worst = 1});
  ASSERT_TRUE(report);
  ASSERT_EQ(report->false_matches.size(), 1U);
  EXPECT_EQ(report->false_matches[0].a, "b");  // 70 degrees from c, where a is 90 away
  EXPECT_EQ(report->false_matches[0].b, "c");
  EXPECT_NEAR(report->false_matches[0].score, .3420201, 1e-6);
  ASSERT_EQ(report->false_non_matches.size(), 1U) << "a pair without a score is not shown";
  EXPECT_NEAR(report->false_non_matches[0].score, .9396926, 1e-6);
  // Bins of .02 from -1: a-b twice in that from .92 on, b-c from .34, a-c from 0.
  const Distribution& counted = report->all.distribution;
  EXPECT_EQ(counted.genuine[96], 2U);
  EXPECT_EQ(counted.impostor[67], 1U);
  EXPECT_EQ(counted.impostor[49] + counted.impostor[50], 1U);
  EXPECT_TRUE(verify_pairs(list(), embeddings())->false_matches.empty());
}

TEST(VerifyPairs, CountsAFacelessPhotoAsANonMatch) {
  const auto report = verify_pairs(list(), embeddings());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->images, 4U);
  EXPECT_EQ(report->failed_images, 1U);
  EXPECT_EQ(report->all.pairs, 6U);
  EXPECT_EQ(report->all.genuine, 3U);
  // Fold 1's threshold comes from fold 0 (cosines .94 and 0); of its four pairs only c-d is wrong.
  ASSERT_TRUE(report->all.accuracy);
  EXPECT_DOUBLE_EQ(report->all.accuracy->folds[1], .75);
  EXPECT_DOUBLE_EQ(report->all.accuracy->folds[0], 1);
  EXPECT_DOUBLE_EQ(report->all.accuracy->mean, .875);
  EXPECT_DOUBLE_EQ(report->all.accuracy->std, .125);
  ASSERT_TRUE(report->without_failures);
  EXPECT_EQ(report->without_failures->pairs, 4U);
  EXPECT_DOUBLE_EQ(report->without_failures->accuracy->mean, 1);
  EXPECT_DOUBLE_EQ(report->without_failures->auc, 1);
  EXPECT_TRUE(report->all.points.empty());  // three impostors support no rate
}

TEST(VerifyPairs, RefusesWhatItCannotJudge) {
  Embeddings missing = embeddings();
  missing.erase("c");
  EXPECT_EQ(verify_pairs(list(), missing).error().code, ErrorCode::kInvalidArgument);
  Embeddings mixed = embeddings();
  mixed["b"]->model = ModelId{2};
  EXPECT_EQ(verify_pairs(list(), mixed).error().code, ErrorCode::kModelMismatch);
  PairList genuine_only = list();
  std::erase_if(genuine_only.pairs, [](const Pair& pair) { return !pair.same; });
  EXPECT_EQ(verify_pairs(genuine_only, embeddings()).error().code, ErrorCode::kInvalidArgument);
}

TEST(VerifyPairs, ThresholdFromElsewhereIsOneFold) {
  VerificationOptions options{.threshold = .5};
  const auto report = verify_pairs(list(), embeddings(), options);
  ASSERT_TRUE(report);
  // Cosines .94, 0, none, .342, .94, none: only c-d, of one person, is wrong.
  ASSERT_TRUE(report->all.fixed);
  EXPECT_DOUBLE_EQ(report->all.fixed->accuracy.value, 5. / 6);
  EXPECT_DOUBLE_EQ(report->all.fixed->far.value, 0);
  EXPECT_DOUBLE_EQ(report->all.fixed->frr.value, 1. / 3);
  EXPECT_DOUBLE_EQ(report->all.accuracy->mean, 5. / 6);
  EXPECT_EQ(report->all.accuracy->folds.size(), 1U);
  options.threshold = .3;  // b-c, of two people, is accepted
  EXPECT_DOUBLE_EQ(verify_pairs(list(), embeddings(), options)->all.fixed->far.value, 1. / 3);
  // The best of this list: between .342 and .94.
  const auto best = best_threshold(list(), embeddings(), {});
  ASSERT_TRUE(best);
  EXPECT_GT(*best, .342);
  EXPECT_LT(*best, .94);
}

TEST(VerifyPairs, ScoreThatIsNotANumberIsRefused) {
  Embeddings broken = embeddings();
  broken["b"]->values[0] = std::nanf("");
  EXPECT_EQ(verify_pairs(list(), broken).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(best_threshold(list(), broken, {}).error().code, ErrorCode::kInvalidArgument);
}

/// Ten people on a circle, a pair of each and each with its neighbour; person 0's photos differ.
TEST(VerifyPairs, IntervalsComeFromDrawingPeople) {
  PairList circle{.protocol = "pairs", .pairs = {}, .folds = 0};
  Embeddings faces;
  const auto photo = [](int person, int k) {
    return "p" + std::to_string(person) + "/" + std::to_string(k);
  };
  for (int p = 0; p < 10; ++p) {
    faces[photo(p, 0)] = at_degrees(36 * p);
    faces[photo(p, 1)] = at_degrees(36 * p + (p == 0 ? 30 : 1));
    circle.pairs.push_back({photo(p, 0), photo(p, 1), true, 0});
    circle.pairs.push_back({photo(p, 0), photo((p + 1) % 10, 0), false, 0});
  }
  const auto report = verify_pairs(circle, faces, {.threshold = .9});  // 25.8 degrees
  ASSERT_TRUE(report);
  const RateWithInterval& frr = report->all.fixed->frr;
  EXPECT_DOUBLE_EQ(frr.value, .1);
  // The share of draws that are person 0: binomial with 10 trials of .1, over 10. Quantiles of that
  // distribution: P(0) = .349 > .025, and P(≤ 3) = .987 is the first at or above .975.
  ASSERT_TRUE(frr.interval);
  EXPECT_DOUBLE_EQ(frr.interval->low, 0);
  EXPECT_DOUBLE_EQ(frr.interval->high, .3);
  EXPECT_EQ(report->all.fixed->far.interval->high, 0);
  EXPECT_FALSE(verify_pairs(list(), embeddings())->all.accuracy_interval) << "two people";
}

TEST(VerifyPairs, LeavesOutTheSecondHalfIfNothingIsLeft) {
  const Embeddings none{
      {"a", std::nullopt}, {"b", std::nullopt}, {"c", std::nullopt}, {"d", std::nullopt}};
  const auto report = verify_pairs(list(), none);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->failed_images, 4U);
  EXPECT_FALSE(report->without_failures);
  EXPECT_DOUBLE_EQ(report->all.accuracy->mean, .5);  // every genuine pair is lost
}

TEST(Score, IsQualityAwareWhenTheRuleSaysSo) {
  const ScoreRule rule{
      .kind = matching::ScoreKind::kQualityAware, .alpha = .077428, .beta = .125926};
  // cos 60° = .5, the smaller norm 20: see the matching module's test.
  EXPECT_NEAR(score(at_degrees(0, 20), at_degrees(60, 30), rule), .2107, 1e-5);
  EXPECT_NEAR(score(at_degrees(0, 20), at_degrees(60, 30), {}), .5, 1e-6);
}

}  // namespace
}  // namespace visavis::protocols
