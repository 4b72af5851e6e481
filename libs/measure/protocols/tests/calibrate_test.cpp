#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/protocols/calibrate.hpp>

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

TEST(People, ReadsLfwsLists) {
  EXPECT_THAT(parse_people("2\nA\t4\nB\t1\n").value(), ElementsAre("A", "B"));
  EXPECT_THAT(parse_people("2\n1\nA\t4\n2\nB\t1\nC\t1\n").value(), ElementsAre("A", "B", "C"));
  EXPECT_THAT(parse_people("A\nB\n").value(), ElementsAre("A", "B"));
}

TEST(People, RefusesWhatDoesNotAddUp) {
  for (const char* bad : {"", "3\nA\t1\nB\t1\n", "2\nA\t1\nA\t2\n", "1\n2\nA\t1\n", "A\t1\t2\n"}) {
    const auto people = parse_people(bad);
    ASSERT_FALSE(people) << bad;
    EXPECT_EQ(people.error().code, ErrorCode::kDecodeFailed);
  }
}

}  // namespace
}  // namespace visavis::protocols
