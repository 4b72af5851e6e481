#include "visavis/wire/json.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/wire/people.hpp>

#include "document.hpp"

namespace visavis::wire {
namespace {

TEST(JsonTest, FloatsAreAsShortAsTheyCanBe) {
  EXPECT_EQ(number(.1F).dump(), "0.1");
  EXPECT_EQ(number(16777216.F).dump(), "16777216.0");
  EXPECT_TRUE(number(std::numeric_limits<float>::infinity()).is_null());
}

TEST(JsonTest, FailureIsADocumentToo) {
  const std::string text = to_json(usecases::Failure({ErrorCode::kNotFound, "there is none"}));
  EXPECT_EQ(text,
            "{\"schema\":\"visavis.error/1\",\"errors\":[{\"path\":null,\"code\":\"not_found\","
            "\"message\":\"there is none\"}]}\n");
}

TEST(JsonTest, NamesThatAreNotUtf8DoNotBreakTheDocument) {
  usecases::Enrolment enrolment;
  enrolment.errors.push_back(
      usecases::problem("a\xFF", usecases::Failure({ErrorCode::kDecodeFailed, "x"})));
  const Json json = Json::parse(to_json(enrolment));
  EXPECT_EQ(json["errors"][0]["path"], "a\xEF\xBF\xBD");
}

TEST(JsonTest, UnansweredVerificationHasNulls) {
  usecases::Verification verification;
  verification.errors.push_back(usecases::no_face("a.jpg"));
  const Json json = Json::parse(to_json(verification));
  EXPECT_TRUE(json["same"].is_null());
  EXPECT_TRUE(json["a"].is_null());
  EXPECT_TRUE(json["promise"].is_null());
  EXPECT_EQ(json["errors"][0]["code"], "no_face");
}

usecases::EvaluatedPairs evaluated() {
  const metrics::FoldedAccuracy accuracy{
      .mean = .875, .std = .125, .folds = {1, .75}, .thresholds = {.5, .25}};
  const protocols::VerificationFigures all{.pairs = 6,
                                           .genuine = 3,
                                           .impostor = 3,
                                           .accuracy = accuracy,
                                           .eer = .25,
                                           .auc = .5,
                                           .points = {{.far = 1e-3, .tar = .75, .threshold = .5},
                                                      {.far = .025, .tar = 1, .threshold = .25}}};
  usecases::EvaluatedPairs answer{.run = {.recogniser = "r", .model = "0123456789abcdef"},
                                  .report = {.protocol = "lfw-view2",
                                             .score_kind = matching::ScoreKind::kQualityAware,
                                             .all = all,
                                             .without_failures = {},
                                             .images = 4,
                                             .failed_images = 2,
                                             .repeated_pairs = 3},
                                  .without_face = {"a/grey.png"},
                                  .errors = {}};
  answer.errors.push_back(
      usecases::problem("a/b.png", usecases::Failure({ErrorCode::kDecodeFailed, "x"})));
  return answer;
}

TEST(JsonTest, EvaluationHasRatesAsKeysAndFacelessPhotosBesideErrors) {
  const Json json = Json::parse(to_json(evaluated()));
  EXPECT_EQ(json["schema"], "visavis.evaluate-verification/1");
  EXPECT_EQ(json["protocol"], "lfw-view2");
  EXPECT_EQ(json["score_kind"], "quality_aware");
  EXPECT_EQ(json["pairs"], 6);
  EXPECT_EQ(json["accuracy"],
            (Json{{"mean", .875}, {"std", .125}, {"folds", Json::array({1., .75})}}));
  EXPECT_EQ(json["tar_at_far"], (Json{{"1e-3", .75}, {"0.025", 1.}}));
  EXPECT_EQ(json["thresholds"], (Json{{"1e-3", .5}, {"0.025", .25}}));
  EXPECT_EQ(json["images"], 4);
  EXPECT_EQ(json["failed_images"], 2);
  EXPECT_EQ(json["repeated_pairs"], 3);
  EXPECT_EQ(json["without_face"], Json::array({"a/grey.png"}));
  ASSERT_EQ(json["errors"].size(), 1U);
  EXPECT_EQ(json["errors"][0]["path"], "a/b.png");
  EXPECT_TRUE(json["without_failures"].is_null());
  EXPECT_EQ(json["model"], "0123456789abcdef");
}

TEST(JsonTest, EvaluationTooSmallToFoldHasNoAccuracy) {
  usecases::EvaluatedPairs answer = evaluated();
  answer.report.all.accuracy.reset();
  answer.report.without_failures = answer.report.all;
  answer.report.without_failures->pairs = 2;
  const Json json = Json::parse(to_json(answer));
  EXPECT_TRUE(json["accuracy"].is_null());
  EXPECT_EQ(json["without_failures"]["pairs"], 2);
  EXPECT_EQ(json["without_failures"]["tar_at_far"]["1e-3"], .75);
}

TEST(JsonTest, CalibrationTellsWhatWasPromisedAndObserved) {
  usecases::Calibrated answer;
  answer.path = "c.json";
  answer.calibration = {.model = ModelId{7},
                        .score_kind = matching::ScoreKind::kCosine,
                        .by_far = {{.far = .1, .threshold = .25, .frr = .5}},
                        .impostor_pairs = 300,
                        .genuine_pairs = 20,
                        .norm = std::nullopt,
                        .provenance = "made"};
  answer.observed = {{.far = .1,
                      .threshold = .25,
                      .observed_far = .125,
                      .observed_frr = 0,
                      .observed_far_interval = metrics::Interval{.low = .0625, .high = .25}},
                     {.far = .01, .threshold = .5, .observed_far = 0, .observed_frr = .5}};
  answer.without_face = {"a/grey.png"};
  const Json json = Json::parse(to_json(answer));
  EXPECT_EQ(json["schema"], "visavis.calibrate/1");
  EXPECT_EQ(json["path"], "c.json");
  EXPECT_EQ(json["calibration"]["by_far"][0]["threshold"], .25);
  EXPECT_EQ(json["calibration"]["impostor_pairs"], 300);
  EXPECT_EQ(json["observed"], Json::array({Json{{"far", .1},
                                                {"threshold", .25},
                                                {"observed_far", .125},
                                                {"observed_far_interval", {.0625, .25}},
                                                {"observed_frr", 0.}},
                                           Json{{"far", .01},
                                                {"threshold", .5},
                                                {"observed_far", 0.},
                                                {"observed_far_interval", nullptr},
                                                {"observed_frr", .5}}}));
  EXPECT_EQ(json["without_face"], Json::array({"a/grey.png"}));
  EXPECT_TRUE(json["errors"].empty());
}

}  // namespace
}  // namespace visavis::wire
