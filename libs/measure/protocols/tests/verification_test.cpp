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
