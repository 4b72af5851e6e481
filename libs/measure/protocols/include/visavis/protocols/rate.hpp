#pragma once

/// A share and how far it would move with other people.

#include <optional>
#include <visavis/metrics/bootstrap.hpp>

namespace visavis::protocols {

struct RateWithInterval {
  double value = 0;
  /// Were other people drawn, 95 %; nothing where too few were.
  std::optional<metrics::Interval> interval{};
};

}  // namespace visavis::protocols
