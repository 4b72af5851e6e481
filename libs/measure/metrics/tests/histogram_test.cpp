#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>
#include <visavis/metrics/histogram.hpp>
#include <visavis/metrics/verification.hpp>

namespace visavis::metrics {
namespace {

std::vector<float> normal(std::size_t count, float mean, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> score(mean, .15F);
  std::vector<float> scores(count);
  for (float& s : scores) s = score(random);
  return scores;
}

ScoreHistogram histogram_of(const std::vector<float>& scores) {
  ScoreHistogram histogram(-1, 1, 4000);
  histogram.add(scores);
  return histogram;
}

TEST(ScoreHistogram, BracketsTheExactFigures) {
  const auto genuine = normal(5000, .5F, 1);
  const auto impostor = normal(40000, .1F, 2);
  const auto g = histogram_of(genuine);
  const auto i = histogram_of(impostor);
  for (const double threshold : {-.3, 0., .1234, .4, .77}) {
    const Bounds bounds = i.accepted_share(threshold);
    const double exact = accepted_share(impostor, threshold);
    EXPECT_LE(bounds.low, exact);
    EXPECT_GE(bounds.high, exact);
  }
  for (const double far : {.5, 1e-2, 1e-3, 0.}) {
    const double exact = threshold_at_far(impostor, far);
    EXPECT_GE(i.threshold_at_far(far), exact - 1e-6);
    EXPECT_LE(i.threshold_at_far(far), exact + i.resolution());
    EXPECT_LE(accepted_share(impostor, i.threshold_at_far(far)), far);
  }
  const Bounds auc = ScoreHistogram::area_under_curve(g, i);
  EXPECT_LE(auc.low, area_under_curve({genuine, impostor}));
  EXPECT_GE(auc.high, area_under_curve({genuine, impostor}));
  EXPECT_LT(auc.high - auc.low, 1e-3);
  const Bounds eer = ScoreHistogram::equal_error_rate(g, i);
  EXPECT_LE(eer.low, equal_error_rate({genuine, impostor}));
  EXPECT_GE(eer.high, equal_error_rate({genuine, impostor}));
}

TEST(ScoreHistogram, MergesToTheSame) {
  const auto scores = normal(1000, .2F, 3);
  ScoreHistogram parts = histogram_of({scores.begin(), scores.begin() + 400});
  parts.merge(histogram_of({scores.begin() + 400, scores.end()}));
  EXPECT_EQ(parts.count(), 1000U);
  EXPECT_EQ(parts.threshold_at_far(.1), histogram_of(scores).threshold_at_far(.1));
}

// A cosine of exactly 1 lies at the end of the range; nothing at all may be accepted at a rate of
// 0.
TEST(ScoreHistogram, RefusesTheLargestScore) {
  const std::vector<float> scores{.5F, 1.F, 1.25F};
  const auto histogram = histogram_of(scores);
  EXPECT_EQ(accepted_share(scores, histogram.threshold_at_far(0)), 0);
}

TEST(ScoreHistogram, CountsWhatIsNeverAccepted) {
  const auto genuine = histogram_of({.8F, -INFINITY});
  const auto impostor = histogram_of({.2F, -INFINITY});
  EXPECT_EQ(genuine.accepted_share(-1).high, .5);
  // .8 wins both comparisons, the other loses one and ties one: 2.5 of 4.
  EXPECT_EQ(ScoreHistogram::area_under_curve(genuine, impostor).low, 2.5 / 4);
}

}  // namespace
}  // namespace visavis::metrics
