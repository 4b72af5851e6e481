#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "visavis/report/report.hpp"

namespace visavis::report {
namespace {

Report sample() {
  Report report{.protocol = "lfw-view-2",
                .dataset = "LFW",
                .date = "2026-11-26T12:00:00Z",
                .score_kind = "cosine",
                .subject = {.recogniser = "faceplugin-512",
                            .model = "ab1eed1147f2f986",
                            .flip = true,
                            .engine = "openvino",
                            .engine_version = "2026.4.1",
                            .precision = "f32",
                            .detector = "mtcnn",
                            .program = "0.1.0"},
                .histogram = {.low = -1, .high = 1, .genuine = {0, 7}, .impostor = {9, 1}}};
  report.figures = {{.name = "accuracy", .value = .9945, .interval = metrics::Interval{.99, .998}},
                    {.name = "d'", .value = 6.5, .interval = {}}};
  report.rates = {{.threshold = HUGE_VAL, .fmr = 0, .fnmr = 1},
                  {.threshold = .25, .fmr = .001, .fnmr = .0125}};
  report.precision_recall = {{.threshold = .25, .precision = .75, .recall = .9875}};
  report.points = {{.rate = .001, .missed = .0125, .threshold = .25, .interval = {}}};
  report.ranks = {.98, .99};
  report.open_set = {{.threshold = .3, .fpir = .01, .fnir = .05}};
  report.open_set_points = {
      {.rate = .01, .missed = .05, .threshold = .3, .interval = metrics::Interval{.04, .06}}};
  report.reject = {{.share = .05, .by_quality = .02, .by_norm = .03}};
  report.false_matches = {
      {.a = "x/1.jpg", .b = "y/1.jpg", .score = .5},
      {.a = "x/2.jpg", .b = "y/2.jpg", .score = .4, .a_template = "17", .b_template = "18"}};
  return report;
}

TEST(ReportJson, ReadsBackWhatWasWritten) {
  const auto read = parse_report(to_json(sample()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->protocol, "lfw-view-2");
  EXPECT_EQ(read->subject.model, "ab1eed1147f2f986");
  EXPECT_TRUE(read->subject.flip);
  ASSERT_EQ(read->figures.size(), 2U);
  EXPECT_EQ(read->figures[0].value, .9945);
  ASSERT_TRUE(read->figures[0].interval);
  EXPECT_EQ(read->figures[0].interval->high, .998);
  EXPECT_FALSE(read->figures[1].interval);
  ASSERT_EQ(read->rates.size(), 2U);
  EXPECT_TRUE(std::isinf(read->rates[0].threshold)) << "a threshold that nothing reaches";
  EXPECT_EQ(read->rates[1].fnmr, .0125);
  ASSERT_EQ(read->precision_recall.size(), 1U);
  EXPECT_EQ(read->precision_recall[0].precision, .75);
  EXPECT_EQ(read->precision_recall[0].recall, .9875);
  EXPECT_EQ(read->precision_recall[0].threshold, .25);
  EXPECT_EQ(read->histogram.genuine, (std::vector<std::uint64_t>{0, 7}));
  EXPECT_EQ(read->ranks, (std::vector<double>{.98, .99}));
  ASSERT_EQ(read->open_set_points.size(), 1U);
  EXPECT_EQ(read->open_set_points[0].interval->low, .04);
  ASSERT_EQ(read->reject.size(), 1U);
  EXPECT_EQ(read->reject[0].share, .05);
  EXPECT_EQ(read->reject[0].by_quality, .02);
  EXPECT_EQ(read->reject[0].by_norm, .03);
  ASSERT_EQ(read->false_matches.size(), 2U);
  EXPECT_EQ(read->false_matches[0].b, "y/1.jpg");
  EXPECT_EQ(read->false_matches[0].a_template, "");
  EXPECT_EQ(read->false_matches[1].b_template, "18");
  EXPECT_TRUE(read->false_non_matches.empty());
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ReportJson, SaysWhichFieldIsWrong) {
  const std::string good = to_json(sample());
  const auto message = [](const std::string& text) {
    const auto read = parse_report(text);
    EXPECT_FALSE(read);
    return read ? "" : read.error().message;
  };
  EXPECT_NE(message("{}").find("visavis.report/1"), std::string::npos);
  EXPECT_NE(message("not JSON").find("no report"), std::string::npos);
  EXPECT_NE(message("[]").find("no report"), std::string::npos);
  EXPECT_NE(message(good.substr(0, good.size() / 2)).find("no report"), std::string::npos);
  EXPECT_NE(message(replaced(good, "\"protocol\": \"lfw-view-2\"", "\"protocol\": 2"))
                .find("\"protocol\""),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "\"fnmr\": 0.0125", "\"fnmr\": 1.5")).find("\"fnmr\""),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "\"recall\": 0.9875", "\"recall\": -1")).find("\"recall\""),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "\"flip\": true", "\"flip\": 1")).find("\"flip\""),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "\"low\": -1.0", "\"low\": 1.0")).find("\"histogram\""),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "7\n", "7, 8\n")).find("\"histogram\""), std::string::npos);
  EXPECT_NE(message(replaced(good, "0.98,", "\"x\",")).find("\"ranks\""), std::string::npos);
}

TEST(ReportJson, KeepsADocumentWhereANameIsNotUtf8) {
  Report report = sample();
  report.dataset = "caf\xE9";
  const auto read = parse_report(to_json(report));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->dataset, "caf\xEF\xBF\xBD");
}

}  // namespace
}  // namespace visavis::report
