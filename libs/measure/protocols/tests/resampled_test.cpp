#include "resampled.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>
#include <span>
#include <vector>
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/metrics/curves.hpp>
#include <visavis/metrics/verification.hpp>

#include "pair_people.hpp"

namespace visavis::protocols {
namespace {

/// Every pair written down as often as it was drawn.
std::vector<float> written_out(std::span<const ScoredPair> pairs, metrics::Draw draw) {
  std::vector<float> scores;
  for (const ScoredPair& pair : pairs) {
    const auto times = pair.a == pair.b ? draw[pair.a] : draw[pair.a] * draw[pair.b];
    scores.insert(scores.end(), times, pair.score);
  }
  return scores;
}

class ResampledTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kPeople = 12;

  ResampledTest() {
    std::mt19937 random(5);
    // Few distinct values, so that there are ties within and between the kinds.
    const auto score = [&](int low, int high) {
      return static_cast<float>(std::uniform_int_distribution(low, high)(random)) / 16;
    };
    for (std::uint32_t a = 0; a < kPeople; ++a) {
      for (int k = 0; k < 3; ++k) genuine_.push_back({.score = score(4, 16), .a = a, .b = a});
      for (std::uint32_t b = 0; b < a; ++b)
        impostor_.push_back({.score = score(-8, 8), .a = a, .b = b});
    }
    genuine_.push_back({.score = -INFINITY, .a = 3, .b = 3});
  }
  /// What the library of metrics says of draws that are written out.
  template <class Figure>
  [[nodiscard]] std::optional<metrics::Interval> slowly(Figure figure) const {
    return metrics::bootstrap_people(
        kPeople,
        [&](metrics::Draw draw) -> std::optional<double> {
          const auto genuine = written_out(genuine_, draw);
          const auto impostor = written_out(impostor_, draw);
          if (genuine.empty() || impostor.empty()) return std::nullopt;
          return figure(metrics::Scores{.genuine = genuine, .impostor = impostor});
        },
        {.replicates = 200});
  }
  static void expect_equal(const std::optional<metrics::Interval>& a,
                           const std::optional<metrics::Interval>& b) {
    ASSERT_TRUE(a && b);
    EXPECT_NEAR(a->low, b->low, 1e-12);
    EXPECT_NEAR(a->high, b->high, 1e-12);
    EXPECT_LT(a->low, a->high);
  }

  std::vector<ScoredPair> genuine_;
  std::vector<ScoredPair> impostor_;
};

TEST_F(ResampledTest, WeightsStandForPairsWrittenDownSoOften) {
  const ResampledPairs resampled(kPeople, genuine_, impostor_);
  for (const double far : {.2, .1, .05})
    expect_equal(resampled.tar_at_far(far, 200), slowly([&](const metrics::Scores& scores) {
                   return metrics::tar_at_far(scores, far);
                 }));
  expect_equal(resampled.equal_error_rate(200), slowly([](const metrics::Scores& scores) {
                 return metrics::equal_error_rate(scores);
               }));
  expect_equal(resampled.area_under_curve(200), slowly([](const metrics::Scores& scores) {
                 return metrics::area_under_curve(scores);
               }));
  genuine_.pop_back();  // the one that has no score
  expect_equal(ResampledPairs(kPeople, genuine_, impostor_).d_prime(200),
               slowly([](const metrics::Scores& scores) { return metrics::d_prime(scores); }));
}

TEST_F(ResampledTest, BestImpostorsDoWhereTheWeightOfAllIsKnown) {
  const auto all = [this](metrics::Draw draw) {
    return static_cast<double>(written_out(impostor_, draw).size());
  };
  std::vector<ScoredPair> best;
  for (const ScoredPair& pair : impostor_)
    if (pair.score >= 0) best.push_back(pair);
  const ResampledPairs few(kPeople, genuine_, best, {.weight_of_all = all});
  const ResampledPairs whole(kPeople, genuine_, impostor_);
  expect_equal(few.tar_at_far(.1, 200), whole.tar_at_far(.1, 200));
  EXPECT_FALSE(few.tar_at_far(.9, 200)) << "that many were not kept";
  EXPECT_FALSE(few.area_under_curve(200)) << "nothing is known of the others' scores";
  EXPECT_FALSE(few.d_prime(200));
}

// No genuine pair but the one without a face is below the impostors that are kept, so of the others
// nothing but their number matters; of that one, that all of them are above it.
TEST_F(ResampledTest, AreaNeedsOfTheOtherImpostorsTheirWeightAndShape) {
  const auto all = [this](metrics::Draw draw) {
    return static_cast<double>(written_out(impostor_, draw).size());
  };
  std::vector<ScoredPair> best;
  for (const ScoredPair& pair : impostor_)
    if (pair.score >= .25) best.push_back(pair);
  const auto share_above = [](float score) { return score == -INFINITY ? 1.0 : 0.0; };
  const ResampledPairs few(kPeople, genuine_, best,
                           {.weight_of_all = all, .share_above = share_above});
  const ResampledPairs whole(kPeople, genuine_, impostor_);
  expect_equal(few.area_under_curve(200), whole.area_under_curve(200));
}

TEST_F(ResampledTest, FewPeopleGiveNoInterval) {
  std::vector<ScoredPair> genuine{{.score = 1, .a = 0, .b = 0}};
  std::vector<ScoredPair> impostor{{.score = 0, .a = 0, .b = 1}};
  EXPECT_FALSE(ResampledPairs(2, genuine, impostor).tar_at_far(.1, 200));
}

TEST(PeopleOf, AreFoldersWhereThePairsAgree) {
  const PairList list{.protocol = "pairs",
                      .pairs = {{"ada/1", "ada/2", true, 0}, {"ada/1", "x/bob/1", false, 0}},
                      .folds = 0};
  const PairPeople people = people_of(list);
  EXPECT_EQ(people.count, 2U);
  EXPECT_EQ(people.a, (std::vector<std::uint32_t>{0, 0}));
  EXPECT_EQ(people.b, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(people.names, (std::vector<std::string>{"ada", "bob"}));
}

TEST(PeopleOf, AreLinkedPhotosWhereTheyDoNot) {
  // A folder a day: 1 and 2 are one person, 2 and 3 too, 4 is another.
  const PairList list{.protocol = "pairs",
                      .pairs = {{"monday/1", "tuesday/2", true, 0},
                                {"monday/1", "monday/4", false, 0},
                                {"monday/3", "tuesday/2", true, 0},
                                {"monday/3", "monday/4", false, 0}},
                      .folds = 0};
  const PairPeople people = people_of(list);
  EXPECT_EQ(people.count, 2U);
  EXPECT_EQ(people.a, (std::vector<std::uint32_t>{0, 0, 0, 0}));
  EXPECT_EQ(people.b, (std::vector<std::uint32_t>{0, 1, 0, 1}));
  EXPECT_TRUE(people.names.empty());
}

}  // namespace
}  // namespace visavis::protocols
