#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>
#include <visavis/metrics/normal_law.hpp>

namespace visavis::metrics {
namespace {

// Where the circumstance is 0 the values are 1 ± 1, where it is 1 they are 5 ± 2: mean 1 + 4x,
// variance 1 at 0 and 4 at 1.
TEST(NormalLaw, OfTwoCircumstancesByHand) {
  const std::vector<double> terms{1, 0, 1, 0, 1, 1, 1, 1};
  const std::vector<double> values{0, 2, 3, 7};
  const std::vector<double> weights{1, 1, 1, 1};
  const auto law =
      fit_normal_law({.width = 2, .terms = terms, .values = values, .weights = weights});
  ASSERT_TRUE(law);
  EXPECT_NEAR(law->mean[0], 1, 1e-4);
  EXPECT_NEAR(law->mean[1], 4, 1e-4);
  EXPECT_NEAR(law->log_variance[0], 0, 1e-4);
  EXPECT_NEAR(law->log_variance[1], std::log(4.0), 1e-4);
}

// The value 4 weighs three times the 0: mean 3, variance (9 + 3 · 1) / 4 = 3.
TEST(NormalLaw, HeedsWeights) {
  const std::vector<double> terms{1, 1};
  const std::vector<double> values{0, 4};
  const std::vector<double> weights{1, 3};
  const auto law =
      fit_normal_law({.width = 1, .terms = terms, .values = values, .weights = weights});
  ASSERT_TRUE(law);
  EXPECT_NEAR(law->mean[0], 3, 1e-4);
  EXPECT_NEAR(law->log_variance[0], std::log(3.0), 1e-4);
}

TEST(NormalLaw, FindsAKnownLaw) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> terms;
  std::vector<double> values;
  for (int i = 0; i < 50000; ++i) {
    const double x = normal(random);
    terms.insert(terms.end(), {1, x});
    values.push_back(.3 - .1 * x + std::exp(.5 * (-3 + .7 * x)) * normal(random));
  }
  const std::vector<double> weights(values.size(), 1);
  const auto law =
      fit_normal_law({.width = 2, .terms = terms, .values = values, .weights = weights});
  ASSERT_TRUE(law);
  EXPECT_NEAR(law->mean[0], .3, .01);
  EXPECT_NEAR(law->mean[1], -.1, .01);
  EXPECT_NEAR(law->log_variance[0], -3, .05);
  EXPECT_NEAR(law->log_variance[1], .7, .05);
}

TEST(NormalLaw, SaysNothingOfTooLittle) {
  const std::vector<double> terms{1, 0};
  const std::vector<double> one{.5};
  EXPECT_FALSE(fit_normal_law({.width = 2, .terms = terms, .values = one, .weights = one}));
  const std::vector<double> ones{1, 1};
  EXPECT_FALSE(fit_normal_law({.width = 1, .terms = ones, .values = ones, .weights = ones}));
}

}  // namespace
}  // namespace visavis::metrics
