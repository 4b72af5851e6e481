#pragma once

/// Line plots as SVG.

#include <optional>
#include <string>
#include <vector>

namespace visavis::report {

struct Point {
  double x = 0;
  double y = 0;
};

enum class Scale { kLinear, kLogarithmic };

struct Axis {
  std::string title{};
  double low = 0;
  double high = 1;
  Scale scale = Scale::kLinear;
};

/// From `low` to `high` at `x`.
struct Whisker {
  double x = 0;
  double low = 0;
  double high = 0;
};

struct Series {
  std::string label{};
  std::vector<Point> points{};
  std::vector<Whisker> whiskers{};
  /// Of the colours; series of one report have the same.
  std::size_t colour = 0;
  bool dashed = false;
  bool stepped = false;  ///< A level lasts until the next point.
};

struct Plot {
  std::string title{};
  Axis x{};
  Axis y{};
  std::vector<Series> series{};
};

/// What lies outside an axis is drawn at its end: a rate of zero has no logarithm.
[[nodiscard]] std::string to_svg(const Plot& plot);

/// Where an axis has its marks: powers of ten, or multiples of 1, 2 or 5.
[[nodiscard]] std::vector<double> ticks(const Axis& axis);

}  // namespace visavis::report
