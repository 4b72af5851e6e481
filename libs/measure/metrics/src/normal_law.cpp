#include "visavis/metrics/normal_law.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace visavis::metrics {
namespace {

constexpr double kRidge = 1e-6;  // of a mean row's weight
constexpr int kSteps = 20;
constexpr double kLeastSpread = 1e-9;  // of the values' mean square, which the ridge leaves
constexpr double kMostLog = 20;        // of a variance, up or down, from the mean one

/// Symmetric equations, the lower half filled.
struct Equations {
  explicit Equations(std::size_t n) : left(n * n), right(n) {}

  void add(std::span<const double> row, double weight, double value) {
    const std::size_t n = right.size();
    for (std::size_t i = 0; i < n; ++i) {
      const double scaled = weight * row[i];
      right[i] += scaled * value;
      for (std::size_t j = 0; j <= i; ++j) left[i * n + j] += scaled * row[j];
    }
  }

  /// By Cholesky's decomposition. @return nothing if they are not positive definite
  [[nodiscard]] std::optional<std::vector<double>> solved() && {
    const std::size_t n = right.size();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        double sum = left[i * n + j];
        for (std::size_t k = 0; k < j; ++k) sum -= left[i * n + k] * left[j * n + k];
        if (i != j) {
          left[i * n + j] = sum / left[j * n + j];
        } else if (sum > 0) {
          left[i * n + i] = std::sqrt(sum);
        } else {
          return std::nullopt;
        }
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < i; ++k) right[i] -= left[i * n + k] * right[k];
      right[i] /= left[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t k = i + 1; k < n; ++k) right[i] -= left[k * n + i] * right[k];
      right[i] /= left[i * n + i];
    }
    return std::move(right);
  }

  std::vector<double> left;
  std::vector<double> right;
};

double product(std::span<const double> row, std::span<const double> coefficients) {
  return std::inner_product(row.begin(), row.end(), coefficients.begin(), 0.0);
}

}  // namespace

std::optional<NormalLaw> fit_normal_law(const Observations& observations) {
  const std::size_t n = observations.width;
  const std::size_t rows = observations.values.size();
  if (rows < n) return std::nullopt;
  const auto row = [&](std::size_t i) { return observations.terms.subspan(i * n, n); };
  const double all = std::accumulate(observations.weights.begin(), observations.weights.end(), 0.0);
  const auto with_ridge = [&](Equations equations) {
    for (std::size_t i = 0; i < n; ++i) equations.left[i * n + i] += kRidge * all;
    return std::move(equations).solved();
  };

  Equations squares(n);
  for (std::size_t i = 0; i < rows; ++i)
    squares.add(row(i), observations.weights[i], observations.values[i]);
  auto mean = with_ridge(std::move(squares));
  if (!mean) return std::nullopt;

  std::vector<double> left(rows);  // squared
  double variance = 0;
  double square = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const double off = observations.values[i] - product(row(i), *mean);
    left[i] = off * off;
    variance += observations.weights[i] * left[i] / all;
    square += observations.weights[i] * observations.values[i] * observations.values[i] / all;
  }
  if (!(variance > kLeastSpread * square)) return std::nullopt;
  NormalLaw law{.mean = *std::move(mean), .log_variance = std::vector<double>(n)};
  law.log_variance[0] = std::log(variance);
  for (int step = 0; step < kSteps; ++step) {  // Fisher scoring
    Equations scoring(n);
    for (std::size_t i = 0; i < rows; ++i) {
      const double log = product(row(i), law.log_variance);
      const double bounded = std::clamp(log - std::log(variance), -kMostLog, kMostLog);
      const double excess = left[i] / (variance * std::exp(bounded)) - 1;
      scoring.add(row(i), observations.weights[i], std::clamp(excess, -1.0, 50.0));
    }
    const auto change = with_ridge(std::move(scoring));
    if (!change) return std::nullopt;
    double largest = 0;
    for (std::size_t k = 0; k < n; ++k) {
      law.log_variance[k] += (*change)[k];
      largest = std::max(largest, std::abs((*change)[k]));
    }
    if (largest < 1e-6) break;
  }
  return law;
}

}  // namespace visavis::metrics
