#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/metrics/histogram.hpp>
#include <visavis/protocols/calibrate.hpp>

#include "probability.hpp"

namespace visavis::protocols {
namespace {

using testing::ElementsAre;

LabelledFace face(const std::string& person, double degrees, float norm = 1) {
  const double angle = degrees * 3.14159265358979323846 / 180;
  return {person,
          {.model = ModelId{7},
           .values = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))},
           .norm = norm}};
}

/// Twenty people ten degrees apart, two photos each, one degree apart. Of the 760 impostor pairs
/// the 19 neighbours give 9, 10, 10 and 11 degrees: 19 pairs at 9°, 38 at 10°, 19 at 11°.
std::vector<LabelledFace> fan() {
  std::vector<LabelledFace> faces;
  for (int i = 0; i < 20; ++i) {
    faces.push_back(face(std::to_string(i), 10 * i, 10));
    faces.push_back(face(std::to_string(i), 10 * i + 1, 20));
  }
  return faces;
}

TEST(Calibrate, FindsTheThresholdsOfAKnownFan) {
  const auto executor = make_thread_pool(2);
  CalibrationOptions options;
  options.fars = {.1, .03, .001};
  options.min_expected = 5;
  options.norm_is_quality = true;
  options.provenance = "A fan.";
  const auto calibration = calibrate(fan(), options, *executor);
  ASSERT_TRUE(calibration) << calibration.error().message;
  EXPECT_EQ(calibration->impostor_pairs, 760U);
  EXPECT_EQ(calibration->genuine_pairs, 20U);
  EXPECT_EQ(calibration->model, ModelId{7});
  // 190 pairs of people: .1 and .03 give 19 and 5.7 expected events, .001 gives .19: no promise.
  ASSERT_EQ(calibration->by_far.size(), 2U);
  // .1 allows 76 pairs, which the neighbours fill; 72 pairs at 19° … 21° follow, the first at 19°.
  EXPECT_NEAR(calibration->by_far[0].threshold, std::cos(19 * 3.14159265358979323846 / 180), 1e-5);
  // .03 allows 22 pairs: the 19 at 9°, and not a part of the 38 at 10°.
  EXPECT_NEAR(calibration->by_far[1].threshold, std::cos(10 * 3.14159265358979323846 / 180), 1e-5);
  EXPECT_EQ(calibration->by_far[1].frr, 0);
  EXPECT_EQ(calibration->norm->low, 10);
  EXPECT_EQ(calibration->provenance, "A fan. (40 faces of 20 people)");
}

TEST(Calibrate, PromisesNothingThatTheDataCannotSupport) {
  const auto executor = make_inline_executor();
  CalibrationOptions options;
  options.fars = {.1};
  const auto answer = calibrate(fan(), options, *executor);
  ASSERT_FALSE(answer);  // 19 expected events are below the default of 30
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(calibrate({}, {}, *executor));
  EXPECT_FALSE(calibrate(std::vector{face("a", 0), face("a", 5)}, {}, *executor));
  std::vector<LabelledFace> mixed = fan();
  mixed[3].embedding.model = ModelId{8};
  EXPECT_EQ(calibrate(mixed, {}, *executor).error().code, ErrorCode::kModelMismatch);
}

TEST(Observe, MeasuresThresholdsOnOtherFaces) {
  const auto executor = make_inline_executor();
  matching::Calibration calibration;
  calibration.model = ModelId{7};
  calibration.by_far = {{.far = .1, .threshold = .5}};
  // cos 30° = .866 for the pair of one person; b is 90° and 60° from them: cos 60° = .5 rounds
  // below or above, so 59° stands for it.
  const auto rates =
      observe(std::vector{face("a", 0), face("a", 30), face("b", 89)}, calibration, {}, *executor);
  ASSERT_TRUE(rates) << rates.error().message;
  EXPECT_DOUBLE_EQ(rates->at(0).observed_far, .5);
  EXPECT_DOUBLE_EQ(rates->at(0).observed_frr, 0);
}

// Five people, three photos of a and one of each other; b looks like a. Of the 18 pairs of two
// people 3 match. If the five draws hold a u times and b v times, 3·u·v pairs do. Counted over all
// 5⁵ draws the share is 0 in 58 %, below .6 in 94.2 % and at most .6 in 98.5 %.
TEST(Observe, TellsHowFarARateWouldMoveWithOtherPeople) {
  const auto executor = make_inline_executor();
  matching::Calibration calibration;
  calibration.model = ModelId{7};
  calibration.by_far = {{.far = .1, .threshold = .9}, {.far = .01, .threshold = 1.1}};
  std::vector faces{face("a", 0),  face("a", 0),   face("a", 0),  face("b", 0),
                    face("c", 90), face("d", 180), face("e", 270)};
  const auto rates = observe(faces, calibration, {}, *executor, 3000);
  ASSERT_TRUE(rates) << rates.error().message;
  EXPECT_DOUBLE_EQ(rates->at(0).observed_far, 1. / 6);
  ASSERT_TRUE(rates->at(0).observed_far_interval);
  EXPECT_DOUBLE_EQ(rates->at(0).observed_far_interval->low, 0);
  EXPECT_DOUBLE_EQ(rates->at(0).observed_far_interval->high, .6);
  ASSERT_TRUE(rates->at(1).observed_far_interval);
  EXPECT_DOUBLE_EQ(rates->at(1).observed_far_interval->high, 0);
  EXPECT_FALSE(observe(faces, calibration, {}, *executor, 0)->at(0).observed_far_interval);
  faces.pop_back();  // four people say too little
  EXPECT_FALSE(observe(faces, calibration, {}, *executor)->at(0).observed_far_interval);
  calibration.by_far = {};
  EXPECT_TRUE(observe(faces, calibration, {}, *executor)->empty());
}

// One genuine pair at cos 0 = 1, two impostor pairs at cos 90° = 0: with this map 1 / (1 + e^−2) is
// said of the one and 1 / (1 + e^2) of the others.
TEST(ObserveProbability, ByHand) {
  const auto executor = make_inline_executor();
  const std::vector faces{face("a", 0), face("a", 0), face("b", 90)};
  EXPECT_FALSE(observe_probability(faces, {}, {}, *executor));
  matching::Calibration calibration;
  calibration.probability = matching::ProbabilityMap{.slope = 4, .intercept = -2};
  const auto found = observe_probability(faces, calibration, {}, *executor);
  ASSERT_TRUE(found);
  const double miss = 1 / (1 + std::exp(2.0));
  EXPECT_NEAR(found->expected_error, miss, 1e-5);
  ASSERT_EQ(found->bins.size(), 2U);
  EXPECT_NEAR(found->bins[1].said, 1 - miss, 1e-5);
  EXPECT_EQ(found->bins[1].happened, 1);
  EXPECT_EQ(found->bins[1].share, .5);
  EXPECT_FALSE(observe_probability(std::vector{face("a", 0)}, calibration, {}, *executor));
}

/// People in random directions of 24 dimensions, three photos each around theirs.
std::vector<LabelledFace> crowd(int people, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<LabelledFace> faces;
  for (int i = 0; i < people; ++i) {
    std::vector<float> centre(24);
    for (float& x : centre) x = normal(random);
    for (int k = 0; k < 3; ++k) {
      std::vector<float> values = centre;
      float squares = 0;
      for (float& x : values) {
        x += 0.3F * normal(random);
        squares += x * x;
      }
      for (float& x : values) x /= std::sqrt(squares);
      faces.push_back({.person = std::to_string(i),
                       .embedding = {.model = ModelId{7}, .values = values, .norm = 1}});
    }
  }
  return faces;
}

/// The chances that are summed up against galleries that are drawn.
TEST(Calibrate, PromisesOfSearchesAreKeptByRandomGalleries) {
  const auto executor = make_thread_pool(2);
  CalibrationOptions options;
  options.gallery_sizes = {10, 100, 1000};
  options.fpirs = {.2, .1, .01};
  const auto faces = crowd(400, 1);
  const auto calibration = calibrate(faces, options, *executor);
  ASSERT_TRUE(calibration) << calibration.error().message;
  // .01 of 400 people are fewer than the 30 events that a promise takes.
  ASSERT_EQ(calibration->by_fpir.size(), 6U);
  const auto observed = observe_fpir(faces, *calibration, {}, *executor, 200);
  ASSERT_EQ(observed.size(), 4U);  // galleries of 10 and 100
  for (const ObservedFpir& one : observed) {
    EXPECT_NEAR(one.mean, one.promised.fpir, .1 * one.promised.fpir);
    EXPECT_FALSE(one.promised.extrapolated);
    EXPECT_LT(one.low, one.mean);
    EXPECT_GT(one.high, one.mean);
  }
  // Tenfold the people, the same rise again.
  const auto& points = calibration->by_fpir;
  EXPECT_TRUE(points[4].extrapolated);
  EXPECT_NEAR(points[4].threshold - points[2].threshold, points[2].threshold - points[0].threshold,
              1e-9);
}

TEST(Calibrate, TellsHowFarARateWouldMoveWithOtherPeople) {
  const auto executor = make_thread_pool(2);
  CalibrationOptions options;
  options.fars = {.05};
  options.gallery_sizes = {};
  const auto calibration = calibrate(crowd(200, 2), options, *executor);
  ASSERT_TRUE(calibration);
  const auto& point = calibration->by_far.at(0);
  ASSERT_TRUE(point.far_interval);
  EXPECT_LT(point.far_interval->low, .05);
  EXPECT_GT(point.far_interval->high, .05);
  // Were the 179,100 pairs independent, ±.001 would do; the 200 people of them say less.
  EXPECT_GT(point.far_interval->high - point.far_interval->low, .002);
  // The same threshold on other people of the same kind.
  const auto others = observe(crowd(200, 3), *calibration, {}, *executor);
  ASSERT_TRUE(others);
  EXPECT_NEAR(others->at(0).observed_far, .05,
              2 * (point.far_interval->high - point.far_interval->low));
  EXPECT_TRUE(calibration->by_fpir.empty());
}

// For scores of two normal laws of variance 1 around ±1 the odds are e^(2 s): slope 2, intercept 0.
TEST(Probability, FindsTheLogisticMapOfTwoNormalLaws) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  std::vector<float> genuine(20000);
  std::vector<float> impostor(60000);
  for (float& s : genuine) s = 1 + normal(random);
  for (float& s : impostor) s = -1 + normal(random);
  metrics::ScoreHistogram counted(-6, 6, 1 << 16);
  counted.add(impostor);
  const auto map = fit_probability(genuine, counted);
  ASSERT_TRUE(map);
  EXPECT_NEAR(map->slope, 2, .06);
  EXPECT_NEAR(map->intercept, 0, .04);
  EXPECT_NEAR((*map)(0), .5, .01);
}

TEST(Probability, SaysNothingOfScoresThatFall) {
  metrics::ScoreHistogram high(-1, 1, 1000);
  high.add(std::vector<float>{.8F, .9F});
  EXPECT_FALSE(fit_probability(std::vector<float>{.1F, .2F}, high));
  EXPECT_FALSE(fit_probability({}, high));
}

// Two of four people look the same; a gallery of one of the two names the other, one of three
// searches; so do half of all galleries.
TEST(ObserveFpir, ByHand) {
  const auto executor = make_inline_executor();
  matching::Calibration calibration;
  calibration.by_fpir = {{.persons = 1, .fpir = .1, .threshold = .9},
                         {.persons = 3, .fpir = .1, .threshold = .9}};
  const auto observed =
      observe_fpir(std::vector{face("a", 0), face("b", 0), face("c", 90), face("d", 180)},
                   calibration, {}, *executor, 600);
  ASSERT_EQ(observed.size(), 1U);  // three of four leave too few outside
  EXPECT_NEAR(observed[0].mean, 1. / 6, .03);
  EXPECT_DOUBLE_EQ(observed[0].low, 0);
  EXPECT_DOUBLE_EQ(observed[0].high, 1. / 3);
}

TEST(People, ReadsLfwsLists) {
  EXPECT_THAT(parse_people("2\nA\t4\nB\t1\n").value(), ElementsAre("A", "B"));
  EXPECT_THAT(parse_people("2\n1\nA\t4\n2\nB\t1\nC\t1\n").value(), ElementsAre("A", "B", "C"));
  EXPECT_THAT(parse_people("A\nB\n").value(), ElementsAre("A", "B"));
  EXPECT_THAT(parse_people("2\nA\nB\n").value(), ElementsAre("A", "B"));
}

TEST(People, MayBeCalledByNumbers) {
  EXPECT_THAT(parse_people("17\n4\n2937\n").value(), ElementsAre("17", "2937", "4"));
  EXPECT_THAT(parse_people("2\n17\n4\n").value(), ElementsAre("17", "2", "4"));
  EXPECT_THAT(parse_people("17\n").value(), ElementsAre("17"));
  EXPECT_THAT(parse_people("A\n17\n").value(), ElementsAre("17", "A"));
  EXPECT_THAT(parse_people("2\n17\t3\n4\t1\n").value(), ElementsAre("17", "4"));
}

TEST(People, RefusesWhatDoesNotAddUp) {
  for (const char* bad : {"", "3\nA\t1\nB\t1\n", "2\nA\t1\nA\t2\n", "1\n2\nA\t1\n", "A\t1\t2\n",
                          "3\nA\nB\n", "7\n7\n", "A\t1\n7\n"}) {
    const auto people = parse_people(bad);
    ASSERT_FALSE(people) << bad;
    EXPECT_EQ(people.error().code, ErrorCode::kDecodeFailed);
  }
}

}  // namespace
}  // namespace visavis::protocols
