#include "difference.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {

double cosine(std::span<const float> a, std::span<const float> b) noexcept {
  double product = 0;
  double a_squared = 0;
  double b_squared = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    a_squared += static_cast<double>(a[i]) * a[i];
    b_squared += static_cast<double>(b[i]) * b[i];
  }
  if (a_squared > 0 && b_squared > 0) return product / std::sqrt(a_squared * b_squared);
  return a_squared == b_squared ? 1 : 0;
}

Differences::Differences(std::string source, std::string result) {
  found_.source = std::move(source);
  found_.result = std::move(result);
}

void Differences::add(std::span<const float> source, std::span<const float> result) {
  double squares = 0;
  double furthest = 0;
  double largest = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (!std::isfinite(source[i]) || !std::isfinite(result[i])) found_.finite = false;
    const double difference = std::abs(static_cast<double>(source[i]) - result[i]);
    furthest = std::max(furthest, difference);
    largest = std::max(largest, std::abs(static_cast<double>(source[i])));
    abs_sum_ += difference;
    squares += difference * difference;
  }
  found_.max_abs = std::max(found_.max_abs, furthest);
  if (furthest > 0) found_.max_relative = std::max(found_.max_relative, furthest / largest);
  found_.min_cosine = std::min(found_.min_cosine, cosine(source, result));
  distance_sum_ += std::sqrt(squares);
  numbers_ += source.size();
  ++samples_;
}

Difference Differences::take() const {
  Difference found = found_;
  if (numbers_ != 0) found.mean_abs = abs_sum_ / static_cast<double>(numbers_);
  if (samples_ != 0) found.mean_distance = distance_sum_ / static_cast<double>(samples_);
  return found;
}

}  // namespace visavis::modelkit
