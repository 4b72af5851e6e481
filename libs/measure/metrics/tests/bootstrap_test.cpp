#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>
#include <visavis/metrics/bootstrap.hpp>

namespace visavis::metrics {
namespace {

// A person drawn twice counts twice, a pair of two people as often as both were drawn:
// (2 · 1 + 2 · 1) errors of (2 · 2 + 2 · 4) trials.
TEST(ErrorShare, ByHand) {
  const std::vector<PairTrials> pairs{{.a = 0, .b = 0, .errors = 1, .trials = 2},
                                      {.a = 0, .b = 1, .errors = 1, .trials = 4}};
  EXPECT_DOUBLE_EQ(*error_share(pairs, std::vector<std::uint32_t>{2, 1}), 4. / 12);
  EXPECT_EQ(error_share(pairs, std::vector<std::uint32_t>{0, 2}), std::nullopt);
}

// People of 2, 3 and 1 faces, drawn once, twice and never: 1 · 2 · 2 · 3 = 12 pairs, of which
// 1 · 2 · 3 are wrong.
TEST(ErrorShareOfAllPairs, ByHand) {
  const std::vector<PairTrials> errors{{.a = 0, .b = 1, .errors = 3},
                                       {.a = 1, .b = 2, .errors = 1}};
  const std::vector<std::uint32_t> faces{2, 3, 1};
  EXPECT_DOUBLE_EQ(*error_share_of_all_pairs(errors, faces, std::vector<std::uint32_t>{1, 2, 0}),
                   .5);
  EXPECT_EQ(error_share_of_all_pairs(errors, faces, std::vector<std::uint32_t>{0, 3, 0}),
            std::nullopt);
}

// For the mean of independent people the bootstrap must give what the normal law gives:
// p ± 1.96 √(p (1 − p) / n).
TEST(Bootstrap, AgreesWithTheNormalLaw) {
  constexpr std::size_t kPeople = 2000;
  std::vector<PairTrials> trials;
  for (std::uint32_t i = 0; i < kPeople; ++i)
    trials.push_back({.a = i, .b = i, .errors = i % 5 == 0 ? 1U : 0U, .trials = 1});
  const auto interval =
      bootstrap_people(kPeople, [&](Draw draw) { return error_share(trials, draw); });
  ASSERT_TRUE(interval);
  const double half = 1.96 * std::sqrt(.2 * .8 / kPeople);
  EXPECT_NEAR(interval->low, .2 - half, .2 * half);
  EXPECT_NEAR(interval->high, .2 + half, .2 * half);
}

/// Ten people of a hundred pairs each, all wrong for one of them: by pairs the share of errors
/// would seem to be known to ±2 %, by people it is not known at all.
TEST(Bootstrap, DrawsPeopleAndNotPairs) {
  std::vector<PairTrials> trials;
  for (std::uint32_t i = 0; i < 10; ++i)
    trials.push_back({.a = i, .b = i, .errors = i == 0 ? 100U : 0U, .trials = 100});
  const auto interval = bootstrap_people(10, [&](Draw draw) { return error_share(trials, draw); });
  ASSERT_TRUE(interval);
  EXPECT_EQ(interval->low, 0);
  EXPECT_GE(interval->high, .3);
}

TEST(Bootstrap, DrawsAsManyPeopleAsThereAreAndTheSameForTheSameSeed) {
  std::vector<double> first;
  const auto note = [&](std::vector<double>& to) {
    return [&](Draw draw) -> std::optional<double> {
      EXPECT_EQ(std::reduce(draw.begin(), draw.end()), 7U);
      to.push_back(draw[0]);
      return draw[0];
    };
  };
  (void)bootstrap_people(7, note(first), {.replicates = 50});
  std::vector<double> again;
  (void)bootstrap_people(7, note(again), {.replicates = 50});
  std::vector<double> other;
  (void)bootstrap_people(7, note(other), {.replicates = 50, .seed = 1});
  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
}

TEST(Bootstrap, SaysNothingWhereTheFigureHasNoValue) {
  EXPECT_EQ(bootstrap_people(3, [](Draw) { return std::optional<double>(); }), std::nullopt);
}

}  // namespace
}  // namespace visavis::metrics
