#include "agreement.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime::conformance {
namespace {

std::string disagreement(const Tensor& expected, const Tensor& actual, Tolerance tolerance) {
  if (expected.type != actual.type) return "has another type";
  if (expected.shape != actual.shape) return "has another shape";
  if (expected.type != ElementType::kFloat32)
    return expected.bytes == actual.bytes ? "" : "has other values";
  const Distance apart = distance(expected.floats(), actual.floats());
  // Written so that not-a-number fails.
  if (apart.cosine >= tolerance.min_cosine && apart.max_abs <= tolerance.max_abs) return "";
  return "has cosine " + std::to_string(apart.cosine) + " and differs by up to " +
         std::to_string(apart.max_abs);
}

}  // namespace

Distance distance(std::span<const float> expected, std::span<const float> actual) {
  double dot = 0;
  double expected_square = 0;
  double actual_square = 0;
  double largest = 1;
  double furthest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i];
    const double a = actual[i];
    if (!std::isfinite(e) || !std::isfinite(a))
      return {.cosine = -1, .max_abs = std::numeric_limits<double>::infinity()};
    dot += e * a;
    expected_square += e * e;
    actual_square += a * a;
    largest = std::max(largest, std::abs(e));
    furthest = std::max(furthest, std::abs(e - a));
  }
  const bool both_zero = expected_square == 0 && actual_square == 0;
  const double norms = std::sqrt(expected_square) * std::sqrt(actual_square);
  return {.cosine = both_zero ? 1 : norms > 0 ? dot / norms : 0, .max_abs = furthest / largest};
}

std::string disagreement(std::span<const Tensor> expected, std::span<const Tensor> actual,
                         Tolerance tolerance) {
  if (expected.size() != actual.size()) return "another number of outputs";
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string what = disagreement(expected[i], actual[i], tolerance);
    if (!what.empty()) return "output " + std::to_string(i) + " " + what;
  }
  return "";
}

}  // namespace visavis::runtime::conformance
