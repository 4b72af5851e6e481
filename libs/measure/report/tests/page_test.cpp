#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/report/report.hpp"

namespace visavis::report {
namespace {

std::size_t times(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

Report verification(const std::string& recogniser) {
  Report report{.protocol = "pairs",
                .subject = {.recogniser = recogniser, .engine = "openvino", .precision = "f32"},
                .histogram = {.low = -1, .high = 1, .genuine = {0, 3}, .impostor = {3, 0}}};
  report.figures = {{.name = "EER", .value = .0125, .interval = metrics::Interval{.01, .015}}};
  report.rates = {{.threshold = .9, .fmr = 0, .fnmr = .5},
                  {.threshold = .5, .fmr = 1e-3, .fnmr = .1},
                  {.threshold = -1, .fmr = 1, .fnmr = 0}};
  return report;
}

TEST(ReportPage, HasThePlotsThatTheReportHasPointsFor) {
  const std::string page = to_html(std::vector{verification("a")});
  EXPECT_EQ(times(page, "<svg"), 3U) << "ROC, DET, scores";
  EXPECT_NE(page.find("0.0125 (0.01 to 0.015)"), std::string::npos);
  EXPECT_EQ(page.find("CMC"), std::string::npos);
  Report search{.protocol = "search"};
  search.ranks = {.9, 1};
  search.open_set = {{.threshold = .5, .fpir = .01, .fnir = .1}};
  EXPECT_EQ(times(to_html(std::vector{search}), "<svg"), 2U) << "CMC, FNIR";
}

// Recall from 0 to 1 on 66 … 546, precision on 350 … 34.
TEST(ReportPage, DrawsPrecisionAgainstRecall) {
  Report report = verification("a");
  report.precision_recall = {{.threshold = 1, .precision = 1, .recall = 0},
                             {.threshold = .5, .precision = .5, .recall = .5},
                             {.threshold = -1, .precision = .25, .recall = 1}};
  const std::string page = to_html(std::vector{report});
  EXPECT_EQ(times(page, "<svg"), 4U) << "ROC, DET, precision and recall, scores";
  EXPECT_NE(page.find("d=\"M66.0 34.0L306.0 192.0L546.0 271.0\""), std::string::npos);
}

TEST(ReportPage, BeginsACurveWithTheBestPointThatHasNoFalseMatch) {
  Report report = verification("a");
  report.rates = {{.threshold = 1, .fmr = 0, .fnmr = 1},
                  {.threshold = .9, .fmr = 0, .fnmr = .5},
                  {.threshold = .8, .fmr = 0, .fnmr = .1},
                  {.threshold = .5, .fmr = 1e-3, .fnmr = .01},
                  {.threshold = -1, .fmr = 1, .fnmr = .01}};
  // DET: FNMR from 1e-2 to 1 on 350 … 34, so .1 lies in the middle; FMR from 1e-3 on 66 … 546.
  EXPECT_NE(to_html(std::vector{report}).find("d=\"M66.0 192.0L66.0 350.0L546.0 350.0\""),
            std::string::npos);
}

TEST(ReportPage, PutsSeveralReportsIntoOnePlot) {
  const std::string page = to_html(std::vector{verification("a"), verification("b")});
  EXPECT_EQ(times(page, "<svg"), 3U);
  EXPECT_NE(page.find("2 evaluations compared"), std::string::npos);
  EXPECT_NE(page.find("class=\"c1\""), std::string::npos) << "the second has a colour of its own";
}

TEST(ReportPage, TellsReportsOfOneNameApart) {
  const std::string page = to_html(std::vector{verification("a"), verification("a")});
  EXPECT_NE(page.find("a, openvino f32 (1)"), std::string::npos);
  EXPECT_NE(page.find("a, openvino f32 (2)"), std::string::npos);
}

TEST(ReportPage, TellsProtocolsApart) {
  std::vector reports{verification("a"), verification("a")};
  reports[1].protocol = "another";
  const std::string page = to_html(reports);
  EXPECT_NE(page.find("another: a, openvino f32<"), std::string::npos);
  EXPECT_EQ(page.find("(2)"), std::string::npos);
}

// The plot is from (66, 350) to (546, 34); the greatest share and the highest rate reach its ends.
TEST(ReportPage, DrawsErrorAgainstReject) {
  Report report{.protocol = "quality"};
  report.reject = {{.share = 0, .by_quality = .2, .by_norm = .2},
                   {.share = .1, .by_quality = .1, .by_norm = .15}};
  const std::string page = to_html(std::vector{report});
  EXPECT_NE(page.find("Error versus reject"), std::string::npos);
  EXPECT_NE(page.find("d=\"M66.0 34.0L546.0 192.0\""), std::string::npos);
  EXPECT_NE(page.find("d=\"M66.0 34.0L546.0 113.0\""), std::string::npos);
}

TEST(ReportPage, NeedsNothingFromElsewhereAndRunsNothing) {
  Report report = verification("<script>alert(1)</script>");
  report.false_matches = {{.a = "x/\"><script>.jpg", .b = "a b/ü.jpg", .score = .5}};
  const std::string page = to_html(std::vector{report});
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
  EXPECT_EQ(page.find("data:"), std::string::npos) << "paths, no pixels";
  EXPECT_NE(page.find("src=\"a%20b/%C3%BC.jpg\""), std::string::npos) << "RFC 3986";
}

TEST(ReportPage, NamesTemplatesBesideThePhotosThatStandForThem) {
  Report report = verification("a");
  report.false_matches = {
      {.a = "x.jpg", .b = "y.jpg", .score = .5, .a_template = "<17>", .b_template = "18"}};
  const std::string page = to_html(std::vector{report});
  EXPECT_NE(page.find("0.5: template &lt;17&gt; (x.jpg), template 18 (y.jpg)"), std::string::npos);
  EXPECT_NE(page.find("src=\"x.jpg\""), std::string::npos);
}

TEST(ReportPage, OfNothingButANameIsAPage) {
  const std::string page = to_html(std::vector{Report{.protocol = "empty"}});
  EXPECT_NE(page.find("</html>"), std::string::npos);
  EXPECT_EQ(times(page, "<svg"), 0U);
}

}  // namespace
}  // namespace visavis::report
