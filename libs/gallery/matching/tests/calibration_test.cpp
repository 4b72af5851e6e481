#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <visavis/matching/matching.hpp>

namespace visavis::matching {
namespace {

using testing::HasSubstr;

Calibration sample() {
  return {.model = ModelId{0x00ab'cdef'0123'4567},
          .score_kind = ScoreKind::kCosine,
          .by_far = {{.far = 1e-1, .threshold = .11, .frr = .001},
                     {.far = 1e-2, .threshold = .22},
                     {.far = 1e-3, .threshold = .33, .frr = .02}},
          .impostor_pairs = 45'000'000,
          .genuine_pairs = 1'200,
          .norm = NormRange{.low = 10.5, .high = 25},
          .provenance = "Made up for a test."};
}

/// The sample as text with one piece replaced.
std::string with(const std::string& piece, const std::string& instead) {
  std::string text = to_json(sample());
  const auto at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return text.replace(at, piece.size(), instead);
}

std::string error_of(const std::string& text) {
  const auto parsed = parse_calibration(text);
  if (parsed) return "no error";
  EXPECT_EQ(parsed.error().code, ErrorCode::kDecodeFailed);
  return parsed.error().message;
}

TEST(ModelIdText, IsSixteenDigits) {
  EXPECT_EQ(to_text(ModelId{0x00ab'cdef'0123'4567}), "00abcdef01234567");
  EXPECT_EQ(parse_model_id("00abcdef01234567"), ModelId{0x00ab'cdef'0123'4567});
  EXPECT_EQ(parse_model_id("ffffffffffffffff"), ModelId{0xffff'ffff'ffff'ffff});
  for (const char* bad : {"", "0abcdef01234567", "00ABCDEF01234567", "00abcdef0123456g",
                          "000abcdef01234567", " 0abcdef01234567"})
    EXPECT_FALSE(parse_model_id(bad)) << bad;
}

/// The sample with scores that know of quality.
Calibration aware_sample() {
  Calibration calibration = sample();
  QualityAware aware{.line = QualityLine{.alpha = .1, .beta = .2}, .provenance = "Made up."};
  aware.ratio.centre = {3, 1.5};
  aware.ratio.scale = {.25, 2};
  aware.ratio.genuine.mean[0] = .6;
  aware.ratio.impostor.log_variance[14] = -.125;
  calibration.quality_aware = aware;
  return calibration;
}

TEST(Calibration, KeepsScoresThatKnowOfQuality) {
  const auto back = parse_calibration(to_json(aware_sample()));
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_TRUE(back->quality_aware);
  EXPECT_EQ(back->quality_aware->line->alpha, .1);
  EXPECT_EQ(back->quality_aware->line->beta, .2);
  EXPECT_EQ(back->quality_aware->ratio.scale[0], .25);
  EXPECT_EQ(back->quality_aware->ratio.genuine.mean[0], .6);
  EXPECT_EQ(back->quality_aware->ratio.impostor.log_variance[14], -.125);
  EXPECT_EQ(back->quality_aware->provenance, "Made up.");
  EXPECT_FALSE(parse_calibration(to_json(sample()))->quality_aware);
}

TEST(Calibration, RefusesScoresThatAreNotWhole) {
  const std::string good = to_json(aware_sample());
  const auto broken = [&](const std::string& piece, const std::string& instead) {
    std::string text = good;
    const auto at = text.find(piece);
    EXPECT_NE(at, std::string::npos) << piece;
    return error_of(text.replace(at, piece.size(), instead));
  };
  EXPECT_THAT(broken("\"beta\"", "\"betta\""), HasSubstr("both"));
  EXPECT_THAT(broken("0.25", "-0.25"), HasSubstr("scale"));
  EXPECT_THAT(broken("-0.125", "\"much\""), HasSubstr("impostor.log_variance"));
  EXPECT_THAT(broken("1.5", "1.5, 7"), HasSubstr("centre"));
  EXPECT_THAT(broken("\"impostor\":", "\"impostors\":"), HasSubstr("likelihood_ratio.impostor"));
}

TEST(Calibration, SurvivesItsOwnText) {
  const auto back = parse_calibration(to_json(sample()));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->model, sample().model);
  EXPECT_EQ(back->score_kind, ScoreKind::kCosine);
  ASSERT_EQ(back->by_far.size(), 3U);
  EXPECT_EQ(back->by_far[2].far, 1e-3);
  EXPECT_EQ(back->by_far[2].threshold, .33);
  EXPECT_EQ(back->by_far[2].frr, .02);
  EXPECT_EQ(back->by_far[1].frr, -1);
  EXPECT_EQ(back->impostor_pairs, 45'000'000U);
  EXPECT_EQ(back->genuine_pairs, 1'200U);
  ASSERT_TRUE(back->norm);
  EXPECT_EQ(back->norm->low, 10.5);
  EXPECT_EQ(back->norm->high, 25);
  EXPECT_EQ(back->provenance, "Made up for a test.");
}

TEST(Calibration, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(error_of(""), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("\"schema\""));
  EXPECT_THAT(error_of(with("calibration/1", "calibration/2")), HasSubstr("\"schema\""));
  EXPECT_THAT(error_of(with("00abcdef", "00ABCDEF")), HasSubstr("\"model\""));
  EXPECT_THAT(error_of(with("\"cosine\"", "\"sine\"")), HasSubstr("\"score_kind\""));
  EXPECT_THAT(error_of(with("45000000", "-1")), HasSubstr("\"impostor_pairs\""));
  EXPECT_THAT(error_of(with("0.33", "\"x\"")), HasSubstr("\"by_far[2].threshold\""));
  EXPECT_THAT(error_of(with("0.33", "0.21")), HasSubstr("\"by_far[2].threshold\""));
  EXPECT_THAT(
      error_of(with("0.001,\n      \"threshold\": 0.33", "0.01,\n      \"threshold\": 0.33")),
      HasSubstr("\"by_far[2].far\""));
  EXPECT_THAT(error_of(with("10.5", "30")), HasSubstr("\"norm\""));
  EXPECT_THAT(error_of(with("Made up for a test.", "")), HasSubstr("\"provenance\""));
}

/// Made by hand: more people need more.
constexpr const char* kFpir =
    R"json({"schema": "visavis.calibration/1", "model": "00abcdef01234567",
 "score_kind": "cosine", "by_far": [], "provenance": "Made up for a test.",
 "by_fpir": [{"gallery_size": 100, "fpir": 0.1, "threshold": 0.30},
             {"gallery_size": 100, "fpir": 0.01, "threshold": 0.40},
             {"gallery_size": 5000, "fpir": 0.1, "threshold": 0.45},
             {"gallery_size": 5000, "fpir": 0.01, "threshold": 0.55}]})json";

std::string fpir_with(const std::string& piece, const std::string& instead) {
  std::string text = kFpir;
  const auto at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return text.replace(at, piece.size(), instead);
}

TEST(ThresholdAtFpir, RoundsThePersonsUpAndTakesTheNextStricterPoint) {
  const auto calibration = parse_calibration(kFpir);
  ASSERT_TRUE(calibration) << calibration.error().message;
  const auto at = [&](double fpir, std::uint64_t persons) {
    return threshold_at_fpir(*calibration, fpir, persons).value();
  };
  EXPECT_EQ(at(.1, 1).threshold, .30);
  EXPECT_EQ(at(.1, 100).threshold, .30);
  EXPECT_EQ(at(.05, 100).threshold, .40);
  EXPECT_EQ(at(.05, 100).fpir, .01);
  EXPECT_EQ(at(.1, 101).threshold, .45);
  EXPECT_EQ(at(.1, 101).persons, 5000U);
  EXPECT_EQ(at(.01, 5000).threshold, .55);
  EXPECT_EQ(at(.9, 7).threshold, .30);
}

TEST(ThresholdAtFpir, PromisesNothingBeyondTheCalibratedRange) {
  const Calibration calibration = parse_calibration(kFpir).value();
  for (const auto& [fpir, persons] :
       {std::pair{.001, 50U}, {.1, 5001U}, {.005, 5000U}, {.1, 1'000'000U}}) {
    const auto answer = threshold_at_fpir(calibration, fpir, persons);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(answer.error().message,
                HasSubstr("0.1 for 100, 0.01 for 100, 0.1 for 5000, 0.01 for 5000"));
  }
  for (const double bad : {0., 1., -1., std::nan("")})
    EXPECT_FALSE(threshold_at_fpir(calibration, bad, 10));
  EXPECT_THAT(threshold_at_fpir(sample(), .1, 10).error().message, HasSubstr("no FPIR points"));
}

TEST(ThresholdAtFpir, PointsSurviveTheirOwnText) {
  const auto back = parse_calibration(to_json(parse_calibration(kFpir).value()));
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->by_fpir.size(), 4U);
  EXPECT_EQ(back->by_fpir[2].persons, 5000U);
  EXPECT_EQ(back->by_fpir[2].fpir, .1);
  EXPECT_EQ(back->by_fpir[2].threshold, .45);
  EXPECT_TRUE(parse_calibration(to_json(sample()))->by_fpir.empty());
}

TEST(ThresholdAtFpir, NamesThePointThatIsWrong) {
  EXPECT_THAT(error_of(fpir_with("0.40", "0.29")), HasSubstr("\"by_fpir[1].threshold\""));
  EXPECT_THAT(error_of(fpir_with("\"fpir\": 0.01", "\"fpir\": 0.1")),
              HasSubstr("\"by_fpir[1].fpir\""));
  EXPECT_THAT(error_of(fpir_with("\"fpir\": 0.1", "\"fpir\": 1")),
              HasSubstr("\"by_fpir[0].fpir\""));
  EXPECT_THAT(error_of(fpir_with("5000", "50")), HasSubstr("\"by_fpir[2].gallery_size\""));
  EXPECT_THAT(error_of(fpir_with("100", "0")), HasSubstr("\"by_fpir[0].gallery_size\""));
  EXPECT_THAT(error_of(fpir_with("100", "\"100\"")), HasSubstr("\"by_fpir[0].gallery_size\""));
  EXPECT_THAT(error_of(fpir_with("0.30", "null")), HasSubstr("\"by_fpir[0].threshold\""));
}

TEST(ThresholdAt, TakesTheNextStricterPoint) {
  EXPECT_EQ(threshold_at(sample(), 1e-2)->threshold, .22);
  EXPECT_EQ(threshold_at(sample(), 5e-2)->far, 1e-2);
  EXPECT_EQ(threshold_at(sample(), .5)->far, 1e-1);
  EXPECT_EQ(threshold_at(sample(), 1e-3)->far, 1e-3);
}

TEST(ThresholdAt, PromisesNothingBeyondTheCalibratedRange) {
  const auto answer = threshold_at(sample(), 1e-4);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(answer.error().message, HasSubstr("0.1, 0.01, 0.001"));
  EXPECT_FALSE(threshold_at(sample(), 0));
  EXPECT_FALSE(threshold_at(sample(), 1));
  EXPECT_FALSE(threshold_at(sample(), -1));
  EXPECT_FALSE(threshold_at({}, .1));
}

/// The sample with a member more.
std::string with(const std::string& member) {
  std::string text = to_json(sample());
  text.insert(text.find('{') + 1, member + ",");
  return text;
}

TEST(Probability, IsReadAndWritten) {
  Calibration calibration = sample();
  calibration.probability = ProbabilityMap{.slope = 20, .intercept = -6};
  const auto back = parse_calibration(to_json(calibration));
  ASSERT_TRUE(back);
  ASSERT_TRUE(back->probability);
  EXPECT_DOUBLE_EQ((*back->probability)(.3), .5);
  EXPECT_NEAR((*back->probability)(.4), 1 / (1 + std::exp(-2.)), 1e-12);
  EXPECT_FALSE(parse_calibration(to_json(sample()))->probability);
}

TEST(Probability, RefusesAMapThatFalls) {
  for (const char* bad : {R"("probability": 3)", R"("probability": {"slope": -1, "intercept": 0})",
                          R"("probability": {"slope": 2})"})
    EXPECT_THAT(error_of(with(bad)), HasSubstr("\"probability\""));
}

TEST(Calibration, KeepsIntervalsAndWhatIsExtrapolated) {
  Calibration calibration = sample();
  calibration.by_far.at(0).far_interval = RateInterval{.low = .25, .high = .5};
  calibration.by_fpir = {{.persons = 10, .fpir = .1, .threshold = .5},
                         {.persons = 100, .fpir = .1, .threshold = .6, .extrapolated = true}};
  const auto back = parse_calibration(to_json(calibration));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->by_far.at(0).far_interval->low, .25);
  EXPECT_EQ(back->by_far.at(0).far_interval->high, .5);
  EXPECT_FALSE(back->by_fpir.at(0).extrapolated);
  EXPECT_TRUE(back->by_fpir.at(1).extrapolated);
}

TEST(Calibration, RefusesIntervalsThatAreNone) {
  for (const char* bad : {"[0.5, 0.25]", "[0.5]", "\"wide\"", "[-1, 0]", "[0, 2]"}) {
    Calibration calibration = sample();
    calibration.by_far.at(0).far_interval = RateInterval{.low = .125, .high = .25};
    std::string text = to_json(calibration);
    const auto at = text.find("\"far_interval\": ") + 16;
    text.replace(at, text.find(']', at) + 1 - at, bad);
    EXPECT_THAT(error_of(text), HasSubstr("far_interval")) << bad;
  }
}

}  // namespace
}  // namespace visavis::matching
