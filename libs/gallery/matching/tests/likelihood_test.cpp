#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <visavis/matching/likelihood.hpp>

namespace visavis::matching {
namespace {

/// Genuine pairs around .5, impostors around 0, both with a spread of .1, whatever the quality.
LikelihoodRatio plain() {
  LikelihoodRatio ratio;
  ratio.genuine.mean[0] = .5;
  ratio.genuine.log_variance[0] = std::log(.01);
  ratio.impostor.log_variance[0] = std::log(.01);
  return ratio;
}

constexpr FaceFacts kFace{.norm = 1, .quality = .5F};  // both facts are 0

// Two normal laws of one spread σ: (μ / σ²) · (s − μ / 2) = 50 · (s − .25).
TEST(LikelihoodRatio, OfEqualSpreadsIsStraight) {
  for (const float s : {-.2F, .25F, .7F})
    EXPECT_NEAR(log_likelihood_ratio(s, kFace, kFace, plain()), 50 * (s - .25), 1e-4);
}

// Genuine spread .2: log ratio = −(s − .5)² / .08 − log .2 + s² / .02 + log .1, which turns at
// s = −1/6: (.5 / .04) / (1/.04 − 1/.01).
TEST(LikelihoodRatio, NeverFallsWithTheSimilarity) {
  LikelihoodRatio wide = plain();
  wide.genuine.log_variance[0] = std::log(.04);
  EXPECT_NEAR(log_likelihood_ratio(.3F, kFace, kFace, wide),
              -.04 / .08 - std::log(.2) + .09 / .02 + std::log(.1), 1e-4);
  const float lowest = log_likelihood_ratio(-1.F / 6, kFace, kFace, wide);
  EXPECT_FLOAT_EQ(log_likelihood_ratio(-.9F, kFace, kFace, wide), lowest);
  // Narrower than the impostors: it turns at s = 2/3 above the mean, and stays there.
  LikelihoodRatio narrow = plain();
  narrow.impostor.log_variance[0] = std::log(.04);
  float before = -std::numeric_limits<float>::infinity();
  for (int i = -10; i <= 10; ++i) {
    const float now = log_likelihood_ratio(static_cast<float>(i) / 10, kFace, kFace, narrow);
    EXPECT_GE(now, before);
    before = now;
  }
}

// Log norms 1 and 2 around 1 in scales of .5: 0 and 2. Logits of .5 and .75: 0 and log 3.
TEST(LikelihoodRatio, TakesTheTermsOfAPairInEitherOrder) {
  LikelihoodRatio ratio = plain();
  ratio.centre = {1, 0};
  ratio.scale = {.5, 1};
  const FaceFacts a{.norm = std::exp(1.F), .quality = .75F};
  const FaceFacts b{.norm = std::exp(2.F), .quality = .5F};
  const PairTerms terms = pair_terms(a, b, ratio);
  const double l = std::log(3.0);
  const double expected[kPairTerms] = {1, 0, 2, 0, l, 0, 0, 0, 0, 4, 0, 2 * l, 0, 0, l * l};
  for (std::size_t k = 0; k < kPairTerms; ++k) EXPECT_NEAR(terms[k], expected[k], 1e-5) << k;
  EXPECT_EQ(pair_terms(b, a, ratio), terms);
}

TEST(LikelihoodRatio, HoldsWhatCannotBe) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const FaceFacts& odd :
       {FaceFacts{.norm = nan, .quality = nan}, FaceFacts{.norm = 0, .quality = 0},
        FaceFacts{.norm = 1e30F, .quality = 1}}) {
    const float score = log_likelihood_ratio(.5F, odd, kFace, plain());
    EXPECT_TRUE(std::isfinite(score));
    for (const double term : pair_terms(odd, kFace, plain())) EXPECT_LE(std::abs(term), 25);
  }
}

}  // namespace
}  // namespace visavis::matching
