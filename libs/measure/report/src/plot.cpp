#include "plot.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "visavis/report/html.hpp"

namespace visavis::report {
namespace {

constexpr double kWidth = 560;
constexpr double kHeight = 400;
constexpr double kLeft = 66;
constexpr double kRight = 14;
constexpr double kTop = 34;
constexpr double kBottom = 50;
constexpr double kLegendRow = 18;
constexpr std::size_t kColours = 8;

/// Of a coordinate: tenths are finer than a screen shows.
std::string coordinate(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 1).ptr;
  return {text.data(), end};
}

std::string label_of(double value) {
  std::array<char, 32> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 6)
          .ptr;
  return {text.data(), end};
}

/// 0 at the axis' low end, 1 at its high end.
double share(const Axis& axis, double value) {
  const double inside = std::clamp(value, axis.low, axis.high);
  if (axis.scale == Scale::kLinear) return (inside - axis.low) / (axis.high - axis.low);
  return std::log(inside / axis.low) / std::log(axis.high / axis.low);
}

double across(const Plot& plot, double value) {
  return kLeft + share(plot.x, value) * (kWidth - kLeft - kRight);
}

double down(const Plot& plot, double value) {
  return kHeight - kBottom - share(plot.y, value) * (kHeight - kTop - kBottom);
}

std::string line(double x1, double y1, double x2, double y2, std::string_view kind) {
  return "<line class=\"" + std::string(kind) + "\" x1=\"" + coordinate(x1) + "\" y1=\"" +
         coordinate(y1) + "\" x2=\"" + coordinate(x2) + "\" y2=\"" + coordinate(y2) + "\"/>\n";
}

std::string words(double x, double y, std::string_view anchor, std::string_view text) {
  return "<text x=\"" + coordinate(x) + "\" y=\"" + coordinate(y) + "\" text-anchor=\"" +
         std::string(anchor) + "\">" + escaped(text) + "</text>\n";
}

std::string grid(const Plot& plot) {
  std::string svg;
  for (const double tick : ticks(plot.x)) {
    const double x = across(plot, tick);
    svg += line(x, kTop, x, kHeight - kBottom, "grid");
    svg += words(x, kHeight - kBottom + 16, "middle", label_of(tick));
  }
  for (const double tick : ticks(plot.y)) {
    const double y = down(plot, tick);
    svg += line(kLeft, y, kWidth - kRight, y, "grid");
    svg += words(kLeft - 6, y + 4, "end", label_of(tick));
  }
  svg += words((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", plot.x.title);
  const double middle = (kTop + kHeight - kBottom) / 2;
  svg += "<text transform=\"translate(14 " + coordinate(middle) +
         ") rotate(-90)\" text-anchor=\"middle\">" + escaped(plot.y.title) + "</text>\n";
  return svg;
}

std::string style_of(const Series& series) {
  return "c" + std::to_string(series.colour % kColours) + (series.dashed ? " dashed" : "");
}

/// Points that fall together on the screen are drawn once.
std::string path_of(const Plot& plot, const Series& series) {
  std::string path;
  std::string last;
  for (std::size_t i = 0; i < series.points.size(); ++i) {
    const std::string x = coordinate(across(plot, series.points[i].x));
    const std::string y = coordinate(down(plot, series.points[i].y));
    std::string here = x;
    here.append(" ").append(y);
    if (here == last) continue;
    if (i == 0)
      path.append("M").append(here);
    else if (series.stepped)
      path.append("H").append(x).append("V").append(y);
    else
      path.append("L").append(here);
    last = std::move(here);
  }
  return path;
}

std::string curve(const Plot& plot, const Series& series) {
  std::string svg;
  if (!series.points.empty())
    svg += "<path class=\"" + style_of(series) + "\" d=\"" + path_of(plot, series) + "\"/>\n";
  for (const Whisker& whisker : series.whiskers) {
    const double x = across(plot, whisker.x);
    const double low = down(plot, whisker.low);
    const double high = down(plot, whisker.high);
    svg += line(x, low, x, high, style_of(series));
    for (const double end : {low, high}) svg += line(x - 4, end, x + 4, end, style_of(series));
  }
  return svg;
}

std::string legend(const Plot& plot) {
  std::string svg;
  double y = kHeight + kLegendRow / 2;
  for (const Series& series : plot.series) {
    svg += line(kLeft, y, kLeft + 26, y, style_of(series));
    svg += words(kLeft + 34, y + 4, "start", series.label);
    y += kLegendRow;
  }
  return svg;
}

std::vector<double> powers_of_ten(const Axis& axis) {
  std::vector<double> marks;
  const auto first = static_cast<int>(std::ceil(std::log10(axis.low) - 1e-9));
  const auto last = static_cast<int>(std::floor(std::log10(axis.high) + 1e-9));
  for (int power = first; power <= last; ++power) marks.push_back(std::pow(10.0, power));
  return marks;
}

}  // namespace

std::vector<double> ticks(const Axis& axis) {
  if (axis.scale == Scale::kLogarithmic) return powers_of_ten(axis);
  constexpr double kWanted = 6;
  const double rough = (axis.high - axis.low) / kWanted;
  const double unit = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * unit;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * unit >= rough * (1 - 1e-9)) {
      step = factor * unit;
      break;
    }
  }
  std::vector<double> marks;
  const auto first = static_cast<long>(std::ceil(axis.low / step - 1e-9));
  const auto last = static_cast<long>(std::floor(axis.high / step + 1e-9));
  for (long i = first; i <= last; ++i) marks.push_back(static_cast<double>(i) * step);
  return marks;
}

std::string to_svg(const Plot& plot) {
  const double height = kHeight + kLegendRow * static_cast<double>(plot.series.size()) + 8;
  std::string svg = "<svg viewBox=\"0 0 " + coordinate(kWidth) + " " + coordinate(height) +
                    "\" role=\"img\" aria-label=\"" + escaped(plot.title) + "\">\n";
  svg += "<text class=\"title\" x=\"" + coordinate(kLeft) + "\" y=\"20\">" + escaped(plot.title) +
         "</text>\n";
  svg += grid(plot);
  for (const Series& series : plot.series) svg += curve(plot, series);
  return svg + legend(plot) + "</svg>\n";
}

}  // namespace visavis::report
