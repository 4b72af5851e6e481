#include "criterion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace visavis::usecases {
namespace {

using testing::HasSubstr;

/// A model of no network: what is asked of it here is its calibration, made by hand.
Workbench::Impl bench_with_points() {
  Workbench::Impl bench(models::Store::open({}, std::filesystem::temp_directory_path()).value());
  bench.facts.recogniser = "made";
  bench.calibration = matching::Calibration{
      .by_far = {{.far = .01, .threshold = .25}, {.far = .001, .threshold = .5}},
      .by_fpir = {{.persons = 10, .fpir = .1, .threshold = .5},
                  {.persons = 1000, .fpir = .1, .threshold = .68}}};
  return bench;
}

TEST(Criterion, FpirDependsOnHowManyAreSearched) {
  const Workbench::Impl bench = bench_with_points();
  const auto few = find_bar(bench, {.fpir = .2}, 3);
  ASSERT_TRUE(few);
  EXPECT_EQ(few->threshold, .5);
  EXPECT_EQ(few->promise->kind, "fpir");
  EXPECT_EQ(few->promise->value, .1);
  EXPECT_EQ(few->promise->gallery_size, 10U);
  EXPECT_EQ(find_bar(bench, {.fpir = .2}, 11)->threshold, .68);
  const auto beyond = find_bar(bench, {.fpir = .2}, 1001);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().cause, Cause::kUsage);
  EXPECT_THAT(beyond.error().error.message, HasSubstr("0.1 for 10, 0.1 for 1000"));
  EXPECT_EQ(find_bar(bench, {.fpir = .01}, 3).error().cause, Cause::kUsage);
}

TEST(Criterion, ASearchPromisesAnFpirUnlessToldOtherwise) {
  Workbench::Impl bench = bench_with_points();
  EXPECT_EQ(find_bar(bench, {}, 3).error().cause, Cause::kUsage);  // .1 is not .01
  bench.calibration->by_fpir = {{.persons = 10, .fpir = .01, .threshold = .6},
                                {.persons = 1000, .fpir = .01, .threshold = .7}};
  const auto search = find_bar(bench, {}, 500);
  ASSERT_TRUE(search);
  EXPECT_EQ(search->promise->kind, "fpir");
  EXPECT_EQ(search->promise->value, .01);
  EXPECT_EQ(search->threshold, .7);
  EXPECT_EQ(find_bar(bench, {.far = .01}, 500)->threshold, .25);
  EXPECT_EQ(find_bar(bench, {})->promise->kind, "far");
  bench.calibration->by_fpir.clear();
  EXPECT_EQ(find_bar(bench, {}, 500)->promise->kind, "far");
}

TEST(Criterion, DistancesAreAcceptedUpToTheirThreshold) {
  const Workbench::Impl bench = bench_with_points();
  const auto cosine = find_bar(bench, {.far = .001});
  EXPECT_TRUE(cosine->accepts(.5));
  EXPECT_FALSE(cosine->accepts(.49));
  const auto l2 = find_bar(bench, {.far = .001, .metric = matching::ScoreKind::kL2});
  EXPECT_EQ(l2->threshold, 1);  // √(2 − 2 · .5)
  EXPECT_TRUE(l2->accepts(1));
  EXPECT_FALSE(l2->accepts(1.01));
  const auto squared =
      find_bar(bench, {.fpir = .1, .metric = matching::ScoreKind::kSquaredL2}, 1000);
  EXPECT_NEAR(squared->threshold, .64, 1e-12);  // 2 − 2 · .68
  const auto given = find_bar(bench, {.threshold = .6, .metric = matching::ScoreKind::kSquaredL2});
  EXPECT_EQ(given->threshold, .6) << "in the metric's own numbers";
  EXPECT_FALSE(given->promise);
  EXPECT_TRUE(given->accepts(.3));
}

TEST(Criterion, ACalibrationOfAnotherScoreHelpsNoMetric) {
  Workbench::Impl bench = bench_with_points();
  bench.rule.kind = matching::ScoreKind::kQualityAware;
  bench.calibration->score_kind = matching::ScoreKind::kQualityAware;
  EXPECT_EQ(find_bar(bench, {.far = .01})->threshold, .25);
  EXPECT_EQ(rule_of(bench, {}).kind, matching::ScoreKind::kQualityAware);
  const Criterion cosine{.far = .01, .metric = matching::ScoreKind::kCosine};
  EXPECT_EQ(rule_of(bench, cosine).kind, matching::ScoreKind::kCosine);
  EXPECT_EQ(find_bar(bench, cosine).error().cause, Cause::kUsage);
}

}  // namespace
}  // namespace visavis::usecases
