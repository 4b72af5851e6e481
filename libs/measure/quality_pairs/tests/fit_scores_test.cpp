#include "visavis/quality_pairs/fit_scores.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace visavis::quality_pairs {
namespace {

constexpr std::size_t kDimension = 64;

struct Photos {
  std::vector<Look> high;
  std::vector<Look> low;
};

/// 200 people in random directions, three photos each: as they are with noise of .3, made worse
/// with noise of 1, in units of the direction's own length.
Photos crowd() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const auto look = [&](int person, int photo, const std::vector<float>& centre, float noise) {
    std::vector<float> values = centre;
    double squares = 0;
    for (float& x : values) {
      x += noise * normal(random);
      squares += static_cast<double>(x) * x;
    }
    for (float& x : values) x /= static_cast<float>(std::sqrt(squares));
    Look result{.path = std::to_string(person) + "/" + std::to_string(photo),
                .person = std::to_string(person)};
    const bool is_high = noise < 1;
    result.embedding =
        Embedding{.model = ModelId{1}, .values = values, .norm = is_high ? 2.F : 1.F};
    result.quality.score = is_high ? .9F : .2F;
    return result;
  };
  Photos photos;
  for (int person = 0; person < 200; ++person) {
    std::vector<float> centre(kDimension);
    for (float& x : centre) x = normal(random);
    for (int photo = 0; photo < 3; ++photo) {
      photos.high.push_back(look(person, photo, centre, .3F));
      photos.low.push_back(look(person, photo, centre, 1));
    }
  }
  return photos;
}

double at(const matching::PairTerms& coefficients, const Look& a, const Look& b,
          const matching::LikelihoodRatio& ratio) {
  const auto terms =
      matching::pair_terms({.norm = a.embedding->norm, .quality = a.quality.score},
                           {.norm = b.embedding->norm, .quality = b.quality.score}, ratio);
  return std::inner_product(terms.begin(), terms.end(), coefficients.begin(), 0.0);
}

// Of vectors c + n and c + m with noises of σ and τ the cosine is 1 / √((1 + σ²)(1 + τ²)) on
// average; of random directions in d dimensions it is 0 with variance 1 / d.
TEST(FitRatio, FindsTheLawsOfACrowd) {
  const Photos photos = crowd();
  const auto ratio = fit_ratio(photos.high, photos.low);
  ASSERT_TRUE(ratio);
  const Look& good = photos.high[0];
  const Look& bad = photos.low[0];
  EXPECT_NEAR(at(ratio->genuine.mean, good, good, *ratio), 1 / 1.09, .01);
  EXPECT_NEAR(at(ratio->genuine.mean, bad, good, *ratio), 1 / std::sqrt(1.09 * 2), .01);
  EXPECT_NEAR(at(ratio->genuine.mean, bad, bad, *ratio), .5, .02);
  for (const Look* one : {&good, &bad}) {
    EXPECT_NEAR(at(ratio->impostor.mean, *one, good, *ratio), 0, .01);
    EXPECT_NEAR(at(ratio->impostor.log_variance, *one, good, *ratio), -std::log(kDimension), .1);
  }
  EXPECT_LT(at(ratio->genuine.log_variance, good, good, *ratio),
            at(ratio->genuine.log_variance, bad, bad, *ratio));
}

TEST(FitRatio, PassesOverLooksWithoutAFace) {
  Photos photos = crowd();
  photos.low[5].embedding.reset();
  photos.high[7].embedding.reset();
  EXPECT_TRUE(fit_ratio(photos.high, photos.low));
  for (Look& look : photos.low) look.embedding.reset();
  EXPECT_TRUE(fit_ratio(photos.high, photos.low));
}

TEST(FitRatio, SaysNothingOfNobody) {
  EXPECT_FALSE(fit_ratio({}, {}));
  EXPECT_FALSE(fit_line({}, {}));
  const Photos photos = crowd();
  const std::vector<Look> alone(photos.high.begin(), photos.high.begin() + 3);
  EXPECT_FALSE(fit_ratio(alone, alone));
}

}  // namespace
}  // namespace visavis::quality_pairs
