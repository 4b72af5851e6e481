#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/metrics/curves.hpp>
#include <visavis/metrics/verification.hpp>
#include <visavis/protocols/all_pairs.hpp>

#include "resampled.hpp"

namespace visavis::protocols {
namespace {

double radians(double degrees) { return degrees * 3.14159265358979323846 / 180; }

LabelledFace face(const std::string& person, double degrees) {
  return {person,
          {.model = ModelId{7},
           .values = {static_cast<float>(std::cos(radians(degrees))),
                      static_cast<float>(std::sin(radians(degrees)))},
           .norm = 1}};
}

/// Twenty people ten degrees apart, two photos each, one degree apart.
std::vector<LabelledFace> fan() {
  std::vector<LabelledFace> faces;
  for (int i = 0; i < 20; ++i) {
    faces.push_back(face(std::to_string(i), 10 * i));
    faces.push_back(face(std::to_string(i), 10 * i + 1));
  }
  return faces;
}

TEST(CompareAll, CountsAKnownFan) {
  const auto executor = make_thread_pool(2);
  const auto report = compare_all(fan(), {}, {}, *executor);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->people, 20U);
  EXPECT_EQ(report->images, 40U);
  EXPECT_EQ(report->all.genuine, 20U);
  EXPECT_EQ(report->all.impostor, 760U);  // 780 pairs of 40 photos
  EXPECT_FALSE(report->without_failures);
  // One degree within, nine between at least.
  EXPECT_EQ(report->all.eer.low, 0);
  EXPECT_EQ(report->all.eer.high, 0);
  EXPECT_EQ(report->all.auc.low, 1);
  // 190 pairs of people: no rate of 1e-2 (1.9 expected).
  EXPECT_TRUE(report->all.points.empty());
}

TEST(CompareAll, NamesThePairsNearestToTheOtherKindAndCountsAll) {
  auto faces = fan();
  faces.push_back(face("3", 34));  // 4 degrees from the nearer photo of person 3, 6 from person 4
  for (const int threads : {1, 2}) {
    const auto executor = make_thread_pool(threads);
    AllPairsOptions options;
    options.worst = 2;
    const auto report = compare_all(faces, {}, options, *executor);
    ASSERT_TRUE(report);
    ASSERT_EQ(report->false_matches.size(), 2U);
    EXPECT_EQ(report->false_matches[0].a, 8U);  // person 4 at 40 degrees
    EXPECT_EQ(report->false_matches[0].b, 40U);
    EXPECT_NEAR(report->false_matches[0].score, std::cos(radians(6)), 1e-6);
    EXPECT_NEAR(report->false_matches[1].score, std::cos(radians(7)), 1e-6);
    ASSERT_EQ(report->false_non_matches.size(), 2U);
    EXPECT_EQ(report->false_non_matches[0].a, 6U);  // at 30 degrees
    EXPECT_NEAR(report->false_non_matches[0].score, std::cos(radians(4)), 1e-6);
    EXPECT_NEAR(report->false_non_matches[1].score, std::cos(radians(3)), 1e-6);
    // 41 photos: cosines from 1 down to that of 191 degrees; 22 genuine pairs above .98.
    const Distribution& counted = report->all.distribution;
    EXPECT_EQ(std::accumulate(counted.genuine.begin(), counted.genuine.end(), 0U), 22U);
    EXPECT_EQ(counted.genuine[99], 22U);
    EXPECT_EQ(std::accumulate(counted.impostor.begin(), counted.impostor.end(), 0U),
              41U * 40 / 2 - 22);
  }
}

TEST(CompareAll, RateIsMeasuredWhereThreePairsOfPeopleAreExpected) {
  const auto executor = make_thread_pool(2);
  AllPairsOptions options;
  options.fars = {.05, .02, .01};  // 9.5, 3.8 and 1.9
  const auto report = compare_all(fan(), {}, options, *executor);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->all.points.size(), 2U);
  // .05 allows 38 pairs: the 19 at 9°, and not a part of the 38 at 10°. No genuine pair is lost.
  EXPECT_NEAR(report->all.points[0].threshold, std::cos(radians(10)), 1e-5);
  EXPECT_EQ(report->all.points[0].tar, 1);
  ASSERT_TRUE(report->all.points[0].tar_interval);
  EXPECT_EQ(report->all.points[0].tar_interval->low, 1);
}

TEST(CompareAll, PhotosWithoutAFaceAreNonMatches) {
  const auto executor = make_thread_pool(2);
  AllPairsOptions options;
  options.fars = {.05};
  const std::vector<std::string> failed{"0", "0", "nobody else"};
  const auto report = compare_all(fan(), failed, options, *executor);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->people, 21U);
  EXPECT_EQ(report->failed_images, 3U);
  // Person 0 has four photos, hence six pairs of which one has two faces.
  EXPECT_EQ(report->all.genuine, 25U);
  EXPECT_EQ(report->all.impostor, 43U * 42 / 2 - 25);
  EXPECT_DOUBLE_EQ(report->all.points[0].tar, 20. / 25);
  EXPECT_FALSE(report->all.d_prime);
  EXPECT_FALSE(report->all.d_prime_interval);
  EXPECT_TRUE(report->all.auc_interval);
  ASSERT_TRUE(report->without_failures);
  EXPECT_EQ(report->without_failures->genuine, 20U);
  EXPECT_EQ(report->without_failures->impostor, 760U);
  EXPECT_EQ(report->without_failures->points[0].tar, 1);
}

/// The same pairs, each judged by the functions that keep every score.
TEST(CompareAll, IsWhatTheListOfAllPairsGives) {
  std::mt19937 random(3);
  std::normal_distribution<double> spread(0, 12);
  std::vector<LabelledFace> faces;
  for (int i = 0; i < 30; ++i)
    for (int k = 0; k < 3; ++k) faces.push_back(face(std::to_string(i), 12. * i + spread(random)));
  std::vector<float> genuine;
  std::vector<float> impostor;
  for (std::size_t i = 0; i < faces.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      (faces[i].person == faces[j].person ? genuine : impostor)
          .push_back(score(faces[i].embedding, faces[j].embedding, {}));
  const metrics::Scores scores{.genuine = genuine, .impostor = impostor};
  const auto executor = make_thread_pool(2);
  AllPairsOptions options;
  options.fars = {.1, .02};
  const auto report = compare_all(faces, {}, options, *executor);
  ASSERT_TRUE(report);
  const AllPairsFigures& all = report->all;
  EXPECT_LE(all.auc.low, metrics::area_under_curve(scores));
  EXPECT_GE(all.auc.high, metrics::area_under_curve(scores));
  EXPECT_NEAR(all.auc.low, all.auc.high, 1e-4);
  EXPECT_NEAR((all.eer.low + all.eer.high) / 2, metrics::equal_error_rate(scores), 1. / 90);
  EXPECT_NEAR(*all.d_prime, metrics::d_prime(scores), 1e-5);
  ASSERT_TRUE(all.auc_interval && all.d_prime_interval);
  EXPECT_LT(all.auc_interval->low, all.auc.low);
  EXPECT_GT(all.auc_interval->high, all.auc.high);
  EXPECT_LT(all.d_prime_interval->low, *all.d_prime);
  EXPECT_GT(all.d_prime_interval->high, *all.d_prime);
  ASSERT_EQ(all.points.size(), 2U);
  for (const OperatingPoint& point : all.points) {
    const double exact = metrics::threshold_at_far(impostor, point.far);
    EXPECT_GE(point.threshold, exact - 1e-7);  // never laxer
    EXPECT_NEAR(point.threshold, exact, 1e-6 + 1e-7);
    EXPECT_EQ(point.tar, metrics::accepted_share(genuine, point.threshold));
    ASSERT_TRUE(point.tar_interval);
    EXPECT_LT(point.tar_interval->low, point.tar);
    EXPECT_GT(point.tar_interval->high, point.tar);
  }
  // The curve's rates at the points' thresholds.
  for (const metrics::ErrorRates& rates : all.curve) {
    if (!std::isfinite(rates.threshold)) continue;
    EXPECT_NEAR(rates.fmr, metrics::accepted_share(impostor, rates.threshold), 1e-12);
    EXPECT_NEAR(1 - rates.fnmr, metrics::accepted_share(genuine, rates.threshold), 1e-12);
  }
  const auto alone = make_inline_executor();
  const auto again = compare_all(faces, {}, options, *alone);
  EXPECT_EQ(again->all.points[1].tar_interval->low, all.points[1].tar_interval->low);
  EXPECT_EQ(again->all.d_prime, all.d_prime);
}

/// Of more impostors than are kept, intervals are simplified: they are near those of all pairs.
TEST(CompareAll, IntervalsOfVeryManyPairsAreNearThoseOfAll) {
  std::mt19937 random(4);
  std::normal_distribution<float> spread(0, 1);
  const auto vector = [&] {
    std::vector<float> values(8);
    for (float& value : values) value = spread(random);
    return values;
  };
  std::vector<LabelledFace> faces;
  for (int i = 0; i < 500; ++i) {
    const std::vector<float> person = vector();
    const float likeness = .7F + .2F * spread(random);  // some people look alike less
    for (int k = 0; k < 3; ++k) {
      std::vector<float> values = vector();
      double squares = 0;
      for (std::size_t d = 0; d < values.size(); ++d) {
        values[d] = likeness * values[d] + person[d];
        squares += values[d] * values[d];
      }
      for (float& value : values) value /= static_cast<float>(std::sqrt(squares));
      faces.push_back({std::to_string(i), {.model = ModelId{7}, .values = values, .norm = 1}});
    }
  }
  std::vector<ScoredPair> genuine;
  std::vector<ScoredPair> impostor;
  for (std::uint32_t i = 0; i < faces.size(); ++i)
    for (std::uint32_t j = 0; j < i; ++j)
      (i / 3 == j / 3 ? genuine : impostor)
          .push_back(
              {.score = score(faces[i].embedding, faces[j].embedding, {}), .a = i / 3, .b = j / 3});
  ASSERT_GT(impostor.size(), 1'000'000U);
  AllPairsOptions options;
  options.replicates = 60;
  const auto executor = make_thread_pool(2);
  const auto report = compare_all(faces, {}, options, *executor);
  ASSERT_TRUE(report);
  const ResampledPairs exact(500, genuine, impostor);
  const auto expect_near = [](const std::optional<metrics::Interval>& found,
                              const std::optional<metrics::Interval>& wanted) {
    ASSERT_TRUE(found && wanted);
    const double width = wanted->high - wanted->low;
    EXPECT_GT(width, 0);
    EXPECT_NEAR(found->low, wanted->low, .1 * width);
    EXPECT_NEAR(found->high, wanted->high, .1 * width);
  };
  expect_near(report->all.auc_interval, exact.area_under_curve(60));
  expect_near(report->all.d_prime_interval, exact.d_prime(60));
}

TEST(CompareAll, RefusesWhatItCannotJudge) {
  const auto executor = make_inline_executor();
  EXPECT_EQ(compare_all({}, {}, {}, *executor).error().code, ErrorCode::kInvalidArgument);
  const std::vector<LabelledFace> one{face("a", 0), face("a", 1)};
  EXPECT_EQ(compare_all(one, {}, {}, *executor).error().code, ErrorCode::kInvalidArgument);
  const std::vector<LabelledFace> strangers{face("a", 0), face("b", 1)};
  EXPECT_EQ(compare_all(strangers, {}, {}, *executor).error().code, ErrorCode::kInvalidArgument);
  std::vector<LabelledFace> mixed = fan();
  mixed[3].embedding.model = ModelId{8};
  EXPECT_EQ(compare_all(mixed, {}, {}, *executor).error().code, ErrorCode::kModelMismatch);
  std::vector<LabelledFace> broken = fan();
  broken[3].embedding.values[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(compare_all(broken, {}, {}, *executor).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis::protocols
