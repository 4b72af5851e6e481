#include "plot.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>
#include <visavis/report/html.hpp>

namespace visavis::report {
namespace {

Plot plot_of(Scale scale, double low, const std::vector<Point>& points) {
  return {.title = "a title",
          .x = {.title = "across", .low = low, .high = 1, .scale = scale},
          .y = {.title = "up", .low = 0, .high = 1},
          .series = {{.label = "series", .points = points}}};
}

TEST(Ticks, OfALinearAxisAreAboutSixRoundNumbers) {
  const std::vector<double> marks = ticks({.title = {}, .low = 0, .high = 1});
  ASSERT_EQ(marks.size(), 6U);  // 0, .2, …, 1
  EXPECT_NEAR(marks[1], .2, 1e-12);
  EXPECT_NEAR(marks[5], 1, 1e-12);
  const std::vector<double> narrow = ticks({.title = {}, .low = .97, .high = 1});
  ASSERT_EQ(narrow.size(), 7U);  // steps of .005
  EXPECT_NEAR(narrow[0], .97, 1e-12);
}

TEST(Ticks, OfALogarithmicAxisArePowersOfTen) {
  const std::vector<double> marks =
      ticks({.title = {}, .low = 1e-4, .high = 1, .scale = Scale::kLogarithmic});
  ASSERT_EQ(marks.size(), 5U);
  EXPECT_DOUBLE_EQ(marks[0], 1e-4);
  EXPECT_DOUBLE_EQ(marks[4], 1);
}

// The plot's inside reaches from 66 to 546 across and from 34 to 350 down.
TEST(Plot, PlacesPointsByTheScaleOfTheirAxis) {
  const std::string linear = to_svg(plot_of(Scale::kLinear, 0, {{0, 0}, {.5, .5}, {1, 1}}));
  EXPECT_NE(linear.find("d=\"M66.0 350.0L306.0 192.0L546.0 34.0\""), std::string::npos) << linear;
  const std::string decades =
      to_svg(plot_of(Scale::kLogarithmic, 1e-4, {{1e-4, 0}, {1e-2, .5}, {1, 1}}));
  EXPECT_NE(decades.find("d=\"M66.0 350.0L306.0 192.0L546.0 34.0\""), std::string::npos) << decades;
}

TEST(Plot, DrawsARateOfZeroAtTheEndOfALogarithmicAxis) {
  const std::string svg = to_svg(plot_of(Scale::kLogarithmic, 1e-4, {{0, 0}, {1, 1}}));
  EXPECT_NE(svg.find("d=\"M66.0 350.0L546.0 34.0\""), std::string::npos) << svg;
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(Plot, DrawsLevelsAndIntervals) {
  Plot plot = plot_of(Scale::kLinear, 0, {{0, 0}, {.5, 1}});
  plot.series[0].stepped = true;
  plot.series[0].whiskers = {{.x = .5, .low = 0, .high = 1}};
  const std::string svg = to_svg(plot);
  EXPECT_NE(svg.find("M66.0 350.0H306.0V34.0"), std::string::npos) << svg;
  EXPECT_NE(svg.find("x1=\"306.0\" y1=\"350.0\" x2=\"306.0\" y2=\"34.0\""), std::string::npos);
}

TEST(Plot, EscapesWhatItIsGiven) {
  EXPECT_EQ(escaped("a<b> & \"c\""), "a&lt;b&gt; &amp; &quot;c&quot;");
  Plot plot = plot_of(Scale::kLinear, 0, {{0, 0}});
  plot.series[0].label = "<script>";
  plot.title = "\"><script>";
  EXPECT_EQ(to_svg(plot).find("<script>"), std::string::npos);
}

}  // namespace
}  // namespace visavis::report
