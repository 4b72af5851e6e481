#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plot.hpp"
#include "visavis/report/html.hpp"
#include "visavis/report/report.hpp"

namespace visavis::report {
namespace {

/// The colours are Okabe and Ito's (2008), which the colour-blind can tell apart.
constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 1rem auto; max-width: 76rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: .6rem 0 1.2rem; }
th, td { border-bottom: 1px solid #8886; padding: .2rem .7rem; text-align: left; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
.plots { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); }
.wide { overflow-x: auto; }
svg { width: 100%; height: auto; font-size: 12px; fill: currentColor; }
svg .title { font-weight: 600; font-size: 14px; }
svg .grid { stroke: #8884; stroke-width: 1; }
svg path { fill: none; stroke-width: 1.8; }
svg line { stroke-width: 1.8; }
.dashed { stroke-dasharray: 5 4; }
.c0 { stroke: #0072b2; } .c1 { stroke: #d55e00; } .c2 { stroke: #009e73; } .c3 { stroke: #cc79a7; }
.c4 { stroke: #e69f00; } .c5 { stroke: #56b4e9; } .c6 { stroke: #f0e442; } .c7 { stroke: #888; }
figure { display: inline-block; margin: 0 1rem 1rem 0; }
figure img { height: 160px; }
figcaption { font-size: 12px; max-width: 24rem; overflow-wrap: anywhere; }
</style>
)";

std::string general(double value, int digits) {
  if (!std::isfinite(value)) return value > 0 ? "∞" : "−∞";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::general, digits)
                       .ptr;
  return {text.data(), end};
}

std::string with_interval(double value, const std::optional<metrics::Interval>& interval) {
  constexpr int kDigits = 5;
  std::string text = general(value, kDigits);
  if (interval)
    text +=
        " (" + general(interval->low, kDigits) + " to " + general(interval->high, kDigits) + ")";
  return text;
}

std::string name_of(const Subject& subject) {
  return subject.recogniser + (subject.flip ? ", flip" : "") + ", " + subject.engine + " " +
         subject.precision;
}

/// For legends: what was measured, and how where that differs; reports that would still be called
/// the same are told apart by their numbers.
std::vector<std::string> names_of(std::span<const Report> reports) {
  const bool differ = std::ranges::any_of(
      reports, [&](const Report& report) { return report.protocol != reports[0].protocol; });
  const auto name_in_page = [differ](const Report& report) {
    return (differ ? report.protocol + ": " : std::string()) + name_of(report.subject);
  };
  std::vector<std::string> names;
  for (const Report& report : reports) {
    std::string name = name_in_page(report);
    const auto is_named = [&](const Report& other) { return name_in_page(other) == name; };
    if (std::ranges::count_if(reports, is_named) > 1)
      name += " (" + std::to_string(names.size() + 1) + ")";
    names.push_back(std::move(name));
  }
  return names;
}

std::string cell(std::string_view text, bool is_number = false) {
  return (is_number ? "<td class=\"n\">" : "<td>") + escaped(text) + "</td>";
}

std::string row(std::string_view title, const std::vector<std::string>& cells, bool are_numbers) {
  std::string html = "<tr><th scope=\"row\">" + escaped(title) + "</th>";
  for (const std::string& text : cells) html += cell(text, are_numbers);
  return html + "</tr>\n";
}

template <class Get>
std::string row_of(std::string_view title, std::span<const Report> reports, Get get) {
  std::vector<std::string> cells;
  for (const Report& report : reports) cells.push_back(get(report));
  return row(title, cells, false);
}

std::string headings(const std::vector<std::string>& names) {
  std::string html = "<tr><td></td>";
  for (const std::string& name : names) html += "<th scope=\"col\">" + escaped(name) + "</th>";
  return html + "</tr>\n";
}

std::string subjects(std::span<const Report> reports, const std::vector<std::string>& names) {
  std::string html = "<h2>What was measured</h2>\n<div class=\"wide\"><table>\n" + headings(names);
  html += row_of("protocol", reports, [](const Report& r) { return r.protocol; });
  html += row_of("data", reports, [](const Report& r) { return r.dataset; });
  html += row_of("model", reports, [](const Report& r) { return r.subject.model; });
  html += row_of("engine", reports, [](const Report& r) {
    return r.subject.engine + " " + r.subject.engine_version + ", " + r.subject.precision;
  });
  html += row_of("detector", reports, [](const Report& r) { return r.subject.detector; });
  html += row_of("score", reports, [](const Report& r) { return r.score_kind; });
  html += row_of("visavis", reports, [](const Report& r) { return r.subject.program; });
  html += row_of("date", reports, [](const Report& r) { return r.date; });
  return html + "</table></div>\n";
}

std::string figure_in(const Report& report, std::string_view name) {
  const auto it = std::ranges::find(report.figures, name, &Figure::name);
  return it == report.figures.end() ? "" : with_interval(it->value, it->interval);
}

std::string figures(std::span<const Report> reports, const std::vector<std::string>& names) {
  std::vector<std::string> titles;
  for (const Report& report : reports)
    for (const Figure& figure : report.figures)
      if (std::ranges::find(titles, figure.name) == titles.end()) titles.push_back(figure.name);
  if (titles.empty()) return {};
  std::string html =
      "<h2>Figures</h2>\n<p>In brackets: between which values the figure would lie with other "
      "people, 95 %.</p>\n<div class=\"wide\"><table>\n" +
      headings(names);
  for (const std::string& title : titles) {
    std::vector<std::string> cells;
    for (const Report& report : reports) cells.push_back(figure_in(report, title));
    html += row(title, cells, true);
  }
  return html + "</table></div>\n";
}

/// The power of ten at or below the smallest rate above zero.
double decade_below(double smallest) {
  return std::pow(10.0, std::floor(std::log10(smallest) + 1e-9));
}

class Smallest {
 public:
  void see(double value) {
    if (value > 0) value_ = std::min(value_, value);
  }
  /// At most a tenth, at least a billionth.
  [[nodiscard]] double decade() const { return std::clamp(decade_below(value_), 1e-9, .1); }

 private:
  double value_ = 1;
};

enum class Missed { kAsShare, kAsHits };

/// One kind of curve, whatever its points are called.
struct RateCurve {
  std::vector<Point> points;  ///< x = the false rate, y = the missed.
  const std::vector<OperatingPoint>& marks;
};

Series series_of(const RateCurve& curve, std::string label, std::size_t colour, Missed missed) {
  const bool hits = missed == Missed::kAsHits;
  Series series{.label = std::move(label), .points = curve.points, .colour = colour};
  // All points without a false match lie on the plot's edge: the last of them is the best.
  const auto falling = [](const Point& a, const Point& b) { return a.x == 0 && b.x == 0; };
  const auto edge = std::ranges::adjacent_find(series.points, std::not_fn(falling));
  if (edge != series.points.end()) series.points.erase(series.points.begin(), edge);
  for (Point& point : series.points)
    if (hits) point.y = 1 - point.y;
  for (const OperatingPoint& mark : curve.marks) {
    if (!mark.interval) continue;
    const auto [low, high] = *mark.interval;
    series.whiskers.push_back(
        {.x = mark.rate, .low = hits ? 1 - high : low, .high = hits ? 1 - low : high});
  }
  return series;
}

RateCurve verification_curve(const Report& report) {
  RateCurve curve{.points = {}, .marks = report.points};
  for (const metrics::ErrorRates& rates : report.rates)
    curve.points.push_back({.x = rates.fmr, .y = rates.fnmr});
  return curve;
}

RateCurve open_set_curve(const Report& report) {
  RateCurve curve{.points = {}, .marks = report.open_set_points};
  for (const metrics::IdentificationPoint& point : report.open_set)
    curve.points.push_back({.x = point.fpir, .y = point.fnir});
  return curve;
}

std::string rate_plot(std::span<const Report> reports, const std::vector<std::string>& names,
                      RateCurve (*curve_of)(const Report&), Missed missed, Plot plot) {
  Smallest x;
  Smallest y;
  double lowest_hit = 1;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const RateCurve curve = curve_of(reports[i]);
    if (curve.points.empty()) continue;
    for (const Point& point : curve.points) {
      x.see(point.x);
      y.see(point.y);
      if (point.x > 0) lowest_hit = std::min(lowest_hit, 1 - point.y);
    }
    plot.series.push_back(series_of(curve, names[i], i, missed));
  }
  if (plot.series.empty()) return {};
  plot.x.low = x.decade();
  plot.x.scale = Scale::kLogarithmic;
  if (missed == Missed::kAsShare) {
    plot.y.low = y.decade();
    plot.y.scale = Scale::kLogarithmic;
  } else {
    plot.y.low = std::floor(std::min(lowest_hit, .9) * 10) / 10;
  }
  return to_svg(plot);
}

std::string precision_plot(std::span<const Report> reports, const std::vector<std::string>& names) {
  Plot plot{.title = "Precision and recall",
            .x = {.title = "recall", .low = 0, .high = 1},
            .y = {.title = "precision", .low = 0, .high = 1},
            .series = {}};
  for (std::size_t i = 0; i < reports.size(); ++i) {
    Series series{.label = names[i], .points = {}, .colour = i};
    for (const metrics::PrecisionRecallPoint& point : reports[i].precision_recall)
      series.points.push_back({.x = point.recall, .y = point.precision});
    if (!series.points.empty()) plot.series.push_back(std::move(series));
  }
  return plot.series.empty() ? std::string() : to_svg(plot);
}

std::string rank_plot(std::span<const Report> reports, const std::vector<std::string>& names) {
  Plot plot{.title = "CMC", .x = {.title = "rank", .low = 1, .high = 2}, .y = {}, .series = {}};
  plot.y = {.title = "share of mated searches", .low = .9, .high = 1};
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const std::vector<double>& ranks = reports[i].ranks;
    if (ranks.empty()) continue;
    Series series{.label = names[i], .points = {}, .colour = i};
    for (std::size_t k = 0; k < ranks.size(); ++k)
      series.points.push_back({.x = static_cast<double>(k + 1), .y = ranks[k]});
    plot.x.high = std::max(plot.x.high, static_cast<double>(ranks.size()));
    plot.y.low = std::min(plot.y.low, std::floor(ranks.front() * 10) / 10);
    plot.series.push_back(std::move(series));
  }
  return plot.series.empty() ? std::string() : to_svg(plot);
}

std::string reject_plot(std::span<const Report> reports, const std::vector<std::string>& names) {
  Plot plot{.title = "Error versus reject",
            .x = {.title = "share of the pairs refused", .low = 0, .high = 0},
            .y = {.title = "false non-match rate of the others", .low = 0, .high = 0},
            .series = {}};
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (reports[i].reject.empty()) continue;
    Series quality{.label = names[i] + ": by quality", .points = {}, .colour = i};
    Series norm{.label = names[i] + ": by the norm", .points = {}, .colour = i, .dashed = true};
    for (const RejectPoint& point : reports[i].reject) {
      quality.points.push_back({.x = point.share, .y = point.by_quality});
      norm.points.push_back({.x = point.share, .y = point.by_norm});
      plot.x.high = std::max(plot.x.high, point.share);
      plot.y.high = std::max({plot.y.high, point.by_quality, point.by_norm});
    }
    plot.series.push_back(std::move(quality));
    plot.series.push_back(std::move(norm));
  }
  return plot.x.high == 0 || plot.y.high == 0 ? std::string() : to_svg(plot);
}

Series bars(const Histogram& histogram, const std::vector<std::uint64_t>& counts,
            std::string label) {
  Series series{.label = std::move(label), .points = {}, .stepped = true};
  const auto total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  const double width = (histogram.high - histogram.low) / static_cast<double>(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i)
    series.points.push_back(
        {.x = histogram.low + width * static_cast<double>(i),
         .y = total == 0 ? 0 : static_cast<double>(counts[i]) / static_cast<double>(total)});
  series.points.push_back({.x = histogram.high, .y = 0});
  return series;
}

std::string histogram_plot(std::span<const Report> reports, const std::vector<std::string>& names) {
  Plot plot{.title = "Scores",
            .x = {.title = "score", .low = HUGE_VAL, .high = -HUGE_VAL},
            .y = {.title = "share of the pairs of a kind", .low = 0, .high = 0},
            .series = {}};
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const Histogram& histogram = reports[i].histogram;
    if (histogram.genuine.empty()) continue;
    plot.x.low = std::min(plot.x.low, histogram.low);
    plot.x.high = std::max(plot.x.high, histogram.high);
    for (const bool genuine : {true, false}) {
      Series series = bars(histogram, genuine ? histogram.genuine : histogram.impostor,
                           names[i] + (genuine ? ": genuine" : ": impostor"));
      series.colour = i;
      series.dashed = !genuine;
      for (const Point& point : series.points) plot.y.high = std::max(plot.y.high, point.y);
      plot.series.push_back(std::move(series));
    }
  }
  return plot.series.empty() || plot.y.high == 0 ? std::string() : to_svg(plot);
}

/// RFC 3986: what may stand in a path as it is.
std::string as_reference(std::string_view path) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string reference;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || std::string_view("-._~/").contains(c);
    if (plain) {
      reference += c;
    } else {
      reference += '%';
      reference += kDigits[byte >> 4U];
      reference += kDigits[byte & 15U];
    }
  }
  return reference;
}

/// What a side of a pair is called.
std::string side(const std::string& path, const std::string& of_template) {
  return escaped(of_template.empty() ? path : "template " + of_template + " (" + path + ")");
}

std::string pairs(std::string_view title, const std::vector<PhotoPair>& list) {
  if (list.empty()) return {};
  std::string html = "<h3>" + std::string(title) + "</h3>\n";
  for (const PhotoPair& pair : list) {
    html += "<figure>";
    for (const std::string& path : {pair.a, pair.b})
      html += "<img loading=\"lazy\" alt=\"\" src=\"" + as_reference(path) + "\">";
    html += "<figcaption>" + escaped(general(pair.score, 4)) + ": " +
            side(pair.a, pair.a_template) + ", " + side(pair.b, pair.b_template) +
            "</figcaption></figure>\n";
  }
  return html;
}

std::string worst_pairs(std::span<const Report> reports, const std::vector<std::string>& names) {
  std::string html;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const std::string shown =
        pairs("Impostor pairs that score highest", reports[i].false_matches) +
        pairs("Genuine pairs that score lowest", reports[i].false_non_matches);
    if (!shown.empty()) html += "<h2>" + escaped(names[i]) + "</h2>\n" + shown;
  }
  return html;
}

std::string plots(std::span<const Report> reports, const std::vector<std::string>& names) {
  const Axis fmr{.title = "false match rate", .low = 0, .high = 1};
  const Axis fpir{.title = "FPIR", .low = 0, .high = 1};
  std::string html = "<div class=\"plots\">\n";
  html += rate_plot(reports, names, verification_curve, Missed::kAsHits,
                    {.title = "ROC", .x = fmr, .y = {.title = "true match rate"}, .series = {}});
  html +=
      rate_plot(reports, names, verification_curve, Missed::kAsShare,
                {.title = "DET", .x = fmr, .y = {.title = "false non-match rate"}, .series = {}});
  html += precision_plot(reports, names);
  html +=
      rate_plot(reports, names, open_set_curve, Missed::kAsShare,
                {.title = "FNIR against FPIR", .x = fpir, .y = {.title = "FNIR"}, .series = {}});
  html += rank_plot(reports, names);
  html += reject_plot(reports, names);
  html += histogram_plot(reports, names);
  return html + "</div>\n";
}

}  // namespace

std::string to_html(std::span<const Report> reports) {
  const std::vector<std::string> names = names_of(reports);
  const std::string title =
      escaped(reports.size() == 1 ? reports.front().protocol + ": " + names[0]
                                  : std::to_string(reports.size()) + " evaluations compared");
  return std::string(kHead) + "<title>" + title + "</title></head><body>\n<h1>" + title +
         "</h1>\n" + subjects(reports, names) + figures(reports, names) + plots(reports, names) +
         worst_pairs(reports, names) + "</body></html>\n";
}

}  // namespace visavis::report
