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

TEST(ScoreKind, HasTheNamesOfTheContract) {
  EXPECT_EQ(to_string(ScoreKind::kCosine), "cosine");
  EXPECT_EQ(to_string(ScoreKind::kQualityAware), "quality_aware");
}

}  // namespace
}  // namespace visavis::matching
