#include <gtest/gtest.h>

#include <cmath>
#include <vector>
#include <visavis/metrics/quality_aware.hpp>

namespace visavis::metrics {
namespace {

// 100 impostors at .9 without a norm, 199,900 at .5 of norm 1; one genuine pair at .45 without a
// norm, one at .95 of norm 2. Up to 99 false matches the threshold is .9: no ω saves the first
// pair, and any costs the second, so ω is 0. From 100 on it is .5 + ω: the first ω that is tried
// below −.05 saves the first pair. Tried are −(k/60)², so −(14/60)²; the line goes through both.
TEST(QualityLine, ByHand) {
  std::vector<NormedPair> impostor(100, {.similarity = .9F, .norm = 0});
  impostor.resize(200'000, {.similarity = .5F, .norm = 1});
  const std::vector<NormedPair> genuine{{.similarity = .45F, .norm = 0},
                                        {.similarity = .95F, .norm = 2}};
  const auto line = fit_quality_line(genuine, impostor);
  ASSERT_TRUE(line);
  const double omega = -std::pow(14. / 60, 2);
  EXPECT_NEAR(line->beta, -omega / .4, 1e-6);
  EXPECT_NEAR(line->alpha, -omega / .4 * .9, 1e-6);
}

// Where all norms are equal, no ω changes the order: all are 0, and no line rises through them.
TEST(QualityLine, SaysNothingWhereTheNormSaysNothing) {
  std::vector<NormedPair> impostor;
  for (int i = 0; i < 20'000; ++i)
    impostor.push_back({.similarity = static_cast<float>(i) / 40'000, .norm = 1});
  const std::vector<NormedPair> genuine{{.similarity = .3F, .norm = 1},
                                        {.similarity = .6F, .norm = 1}};
  EXPECT_FALSE(fit_quality_line(genuine, impostor));
}

TEST(QualityLine, SaysNothingOfTooFewPairs) {
  const std::vector<NormedPair> few(900, {.similarity = .1F, .norm = 1});
  EXPECT_FALSE(fit_quality_line(few, few));
  EXPECT_FALSE(fit_quality_line({}, few));
}

}  // namespace
}  // namespace visavis::metrics
