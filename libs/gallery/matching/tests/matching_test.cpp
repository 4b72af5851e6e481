#include <gtest/gtest.h>

#include <cmath>
#include <vector>
#include <visavis/matching/matching.hpp>

namespace visavis::matching {
namespace {

TEST(Similarity, IsTheDotProductOfUnitVectors) {
  const std::vector<float> a{0.6F, 0.8F};
  const std::vector<float> b{0.8F, 0.6F};
  EXPECT_NEAR(similarity(a, b), 0.96, 1e-6);  // .48 + .48
  EXPECT_NEAR(similarity(a, std::vector<float>{-0.6F, -0.8F}), -1, 1e-6);
  EXPECT_NEAR(similarity(a, std::vector<float>{-0.8F, 0.6F}), 0, 1e-6);
}

TEST(Similarity, CountsEveryElementOfEveryLength) {
  // n equal elements 1/√n: the dot product with itself is 1 for every n, also beside the lanes.
  for (std::size_t n = 1; n < 70; ++n) {
    const std::vector<float> v(n, 1 / std::sqrt(static_cast<float>(n)));
    EXPECT_NEAR(similarity(v, v), 1, 1e-5) << n;
    EXPECT_LE(similarity(v, v), 1) << n;
  }
}

// By hand from the published constants of MagFace R100 (alpha .077428, beta .125926):
// alpha / beta = .6149, so a cosine above it is unchanged and one below is lowered by the quality.
TEST(QualityAwareScore, FollowsTheFormula) {
  constexpr double alpha = .077428;
  constexpr double beta = .125926;
  EXPECT_FLOAT_EQ(quality_aware_score(.7F, 20, 30, alpha, beta), .7F);
  // w = .125926 · .5 − .077428 = −.014465; · 20 = −.2893; + .5 = .2107
  EXPECT_NEAR(quality_aware_score(.5F, 20, 30, alpha, beta), .2107, 1e-5);
  EXPECT_NEAR(quality_aware_score(.5F, 30, 20, alpha, beta), .2107, 1e-5);
  // w = −.077428; · 25 = −1.9357: unbounded below
  EXPECT_NEAR(quality_aware_score(0, 25, 25, alpha, beta), -1.9357, 1e-5);
  // w = −.125926 · 1 − .077428 = −.203354; · 10 = −2.03354; − 1
  EXPECT_NEAR(quality_aware_score(-1, 10, 90, alpha, beta), -3.03354, 1e-5);
}

TEST(QualityAwareScore, IsTheCosineForAFaceOfNoNorm) {
  EXPECT_FLOAT_EQ(quality_aware_score(.2F, 0, 30, .077428, .125926), .2F);
}

// ‖a − b‖² = ‖a‖² + ‖b‖² − 2ab = 2 − 2ab for unit vectors.
TEST(Distance, IsOfUnitVectors) {
  // FaceAll's .6 is a squared distance, cosine .7; dlib's .6 a plain one, cosine 1 − .18 = .82.
  EXPECT_NEAR(distance(.7, ScoreKind::kSquaredL2), .6, 1e-12);
  EXPECT_NEAR(distance(.82, ScoreKind::kL2), .6, 1e-12);
  EXPECT_EQ(distance(1, ScoreKind::kL2), 0);
  EXPECT_EQ(distance(-1, ScoreKind::kL2), 2);
  EXPECT_EQ(distance(-1, ScoreKind::kSquaredL2), 4);
  EXPECT_EQ(distance(1.0000001, ScoreKind::kL2), 0) << "and not the root of something negative";
  EXPECT_EQ(distance(.3, ScoreKind::kCosine), .3);
  EXPECT_EQ(distance(-3.5, ScoreKind::kQualityAware), -3.5);
  EXPECT_TRUE(is_distance(ScoreKind::kL2) && is_distance(ScoreKind::kSquaredL2));
  EXPECT_FALSE(is_distance(ScoreKind::kCosine) || is_distance(ScoreKind::kQualityAware));
}

// The templates (1, 0) and (0, 1): their mean lies at 45°, weighted 3 to 1 it is (3, 1) / √10.
TEST(FusedTemplate, IsTheWeightedMeanMadeAUnitVector) {
  const std::vector<float> x{1, 0};
  const std::vector<float> y{0, 1};
  const auto fused = [&](float of_x, float of_y, const std::vector<float>& probe) {
    FusedTemplate templates(2);
    templates.add(x, of_x);
    templates.add(y, of_y);
    return templates.similarity(probe);
  };
  EXPECT_NEAR(fused(1, 1, x), std::sqrt(.5), 1e-6);
  EXPECT_NEAR(fused(.75F, .25F, x), 3 / std::sqrt(10), 1e-6);
  EXPECT_NEAR(fused(.75F, .25F, y), 1 / std::sqrt(10), 1e-6);
  EXPECT_NEAR(fused(.5F, 0, y), 0, 1e-6);
  EXPECT_NEAR(fused(0, 0, y), std::sqrt(.5), 1e-6) << "nothing is known of their worth";
  EXPECT_NEAR(fused(-1, .5F, y), 1, 1e-6);
}

TEST(FusedTemplate, HasNoDirectionWhereTemplatesCancelOut) {
  FusedTemplate templates(2);
  templates.add(std::vector<float>{1, 0}, 1);
  templates.add(std::vector<float>{-1, 0}, 1);
  EXPECT_EQ(templates.similarity(std::vector<float>{1, 0}), -1);
  EXPECT_EQ(FusedTemplate(2).similarity(std::vector<float>{1, 0}), -1);
}

TEST(ScoreKind, HasTheNamesOfTheContract) {
  EXPECT_EQ(to_string(ScoreKind::kCosine), "cosine");
  EXPECT_EQ(to_string(ScoreKind::kQualityAware), "quality_aware");
  EXPECT_EQ(to_string(ScoreKind::kSquaredL2), "squared_l2");
  EXPECT_EQ(parse_score_kind("l2"), ScoreKind::kL2);
  EXPECT_FALSE(parse_score_kind("L2"));
  EXPECT_FALSE(parse_score_kind(""));
}

}  // namespace
}  // namespace visavis::matching
