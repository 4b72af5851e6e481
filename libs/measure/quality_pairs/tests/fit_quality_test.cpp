#include "visavis/quality_pairs/fit_quality.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace visavis::quality_pairs {
namespace {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// Shares that follow a logistic law of the first measure; the second says the opposite, the others
/// nothing.
std::vector<Sample> lawful(double bias, double weight) {
  std::vector<Sample> samples;
  for (int i = 0; i < 4000; ++i) {
    const double x = i / 1000.0;
    samples.push_back({.measures = {x, 4 - x + .3 * std::sin(i), 7, 0, 0, 0},
                       .accepted = logistic(bias + weight * x)});
  }
  return samples;
}

// The law itself is what fits best; the ridge of one sample among 4,000 moves it by less than 1 %.
TEST(FitQuality, FindsTheLawOfItsSamples) {
  const auto fit = fit_quality(lawful(-2, 1.5));
  ASSERT_TRUE(fit);
  EXPECT_NEAR(fit->weights[0], 1.5, .02);
  EXPECT_NEAR(fit->bias, -2, .05);
}

TEST(FitQuality, NeverWeighsAMeasureBelowNothing) {
  const auto fit = fit_quality(lawful(-2, 1.5));
  EXPECT_EQ(fit->weights[1], 0) << "it falls where recognition rises";
  EXPECT_EQ(fit->weights[2], 0) << "it is always the same";
  const auto turned = fit_quality(lawful(2, -1.5));
  EXPECT_EQ(turned->weights[0], 0);
  EXPECT_GT(turned->weights[1], 0);
}

TEST(FitQuality, NeedsPhotosThatDiffer) {
  std::vector<Sample> samples(10);
  EXPECT_FALSE(fit_quality(samples));
  for (Sample& sample : samples) sample.accepted = 1;
  EXPECT_FALSE(fit_quality(samples));
  EXPECT_FALSE(fit_quality({}));
}

// ada's first look is accepted with one of her two others, her second with none; who has no face
// gives no sample.
TEST(SamplesOf, CountsAcceptedPairsOfEachLook) {
  Pairs pairs;
  pairs.people = 1;
  const std::vector<float> impostor(100, 0.5F);
  pairs.impostor.add(impostor);
  pairs.genuine = {{.person = 0, .a = 0, .b = 1, .score = .9F},
                   {.person = 0, .a = 0, .b = 2, .score = .1F},
                   {.person = 0, .a = 1, .b = 2, .score = .1F}};
  std::vector<Look> looks(3);
  for (Look& look : looks) look.embedding = Embedding{};
  const auto samples = samples_of(pairs, looks, 1e-3);
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].accepted, .5);
  EXPECT_EQ(samples[1].accepted, 0);
  looks[1].embedding.reset();
  EXPECT_EQ(samples_of(pairs, looks, 1e-3).size(), 1U);
}

}  // namespace
}  // namespace visavis::quality_pairs
