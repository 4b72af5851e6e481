#include "plan.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/half.hpp>

#include "dot.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kFewest = 2048;  // below, comparing with every vector takes microseconds
constexpr std::size_t kMost = 8192;
constexpr double kShare = .95;
constexpr std::size_t kStep = 32;
/// Of a normal variable's deviation: the step of the even quantizer of 16 levels with the least
/// mean squared error (J. Max, Quantizing for Minimum Distortion, 1960, table II).
constexpr double kBestStep = .3352;
constexpr double kWalkReach = 5;     // deviations of the widest coordinate
constexpr double kLeastStep = 1e-6;  // where the sample is zero
constexpr int kRounds = 16;  // directions whose variances differ by a fifth are told apart 18 : 1

// Sums of products of coordinates over the sample. The columns are the vectors of dot_f16 here.
std::vector<float> second_moments(std::span<const std::uint16_t> rows, std::size_t stride) {
  const std::size_t count = rows.size() / stride;
  const std::size_t length = padded(count);
  std::vector<std::uint16_t> columns(stride * length);
  std::vector<float> wide(stride * length);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t d = 0; d < stride; ++d) {
      columns[d * length + i] = rows[i * stride + d];
      wide[d * length + i] = from_half(rows[i * stride + d]);
    }
  }
  std::vector<float> moments(stride * stride);
  constexpr std::size_t kTile = 16;  // that many columns stay in the second-level cache
  std::vector<float> scores(kTile * kTile);
  for (std::size_t a = 0; a < stride; a += kTile) {
    for (std::size_t b = 0; b < stride; b += kTile) {
      dot_f16(&columns[a * length], kTile, &wide[b * length], kTile, length, scores.data());
      for (std::size_t i = 0; i < kTile * kTile; ++i) {
        moments[(a + i / kTile) * stride + b + i % kTile] = scores[i];
      }
    }
  }
  return moments;
}

// Row p of the result is the sum over j of vectors[p][j] * matrix[j].
std::vector<float> times(std::span<const float> vectors, std::span<const float> matrix,
                         std::size_t stride) {
  std::vector<float> result(vectors.size());
  for (std::size_t p = 0; p < vectors.size() / stride; ++p) {
    float* out = &result[p * stride];
    for (std::size_t j = 0; j < stride; ++j) {
      const float weight = vectors[p * stride + j];
      const float* row = &matrix[j * stride];
      for (std::size_t d = 0; d < stride; ++d) out[d] += weight * row[d];
    }
  }
  return result;
}

double inner(const double* a, const double* b, std::size_t count) noexcept {
  double sum = 0;
  for (std::size_t d = 0; d < count; ++d) sum += a[d] * b[d];
  return sum;
}

// Gram and Schmidt, twice over, because once leaves nearly dependent rows askew.
// Gives false if the rows are dependent.
bool orthonormalise(std::vector<float>& vectors, std::size_t stride) {
  std::vector<double> rows(vectors.begin(), vectors.end());
  for (std::size_t p = 0; p < rows.size() / stride; ++p) {
    double* row = &rows[p * stride];
    const double before = std::sqrt(inner(row, row, stride));
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t o = 0; o < p; ++o) {
        const double* other = &rows[o * stride];
        const double along = inner(row, other, stride);
        for (std::size_t d = 0; d < stride; ++d) row[d] -= along * other[d];
      }
    }
    const double norm = std::sqrt(inner(row, row, stride));
    if (!(norm > 1e-9 * before) || !(before > 0)) return false;
    for (std::size_t d = 0; d < stride; ++d) row[d] /= norm;
  }
  std::ranges::transform(rows, vectors.begin(), [](double x) { return static_cast<float>(x); });
  return true;
}

// The squared norm of what is not the identity in basis * transposed(basis).
bool is_orthonormal(std::span<const float> basis, std::size_t stride) {
  const std::vector<double> rows(basis.begin(), basis.end());
  double sum = 0;
  for (std::size_t p = 0; p < rows.size() / stride; ++p) {
    for (std::size_t o = 0; o <= p; ++o) {
      const double off = inner(&rows[p * stride], &rows[o * stride], stride) - (o == p ? 1 : 0);
      sum += (o == p ? 1 : 2) * off * off;
    }
  }
  return std::sqrt(sum) < kBasisError;
}

// Orthogonal iteration: the leading directions in falling order of variance.
std::optional<std::vector<float>> leading(std::span<const float> moments, std::size_t count,
                                          std::size_t stride) {
  std::mt19937_64 random(1);
  std::vector<float> vectors(count * stride);
  for (float& x : vectors) x = static_cast<float>(random() >> 40) * 0x1p-23F - 1;
  for (int round = 0; round < kRounds; ++round) {
    if (!orthonormalise(vectors, stride)) return std::nullopt;
    vectors = times(vectors, moments, stride);
  }
  if (!orthonormalise(vectors, stride)) return std::nullopt;
  return vectors;
}

// The sums of squared coordinates along the directions.
std::vector<double> held_by(std::span<const float> directions, std::span<const float> moments,
                            std::size_t stride) {
  const auto images = times(directions, moments, stride);
  std::vector<double> held(directions.size() / stride);
  for (std::size_t p = 0; p < held.size(); ++p) {
    held[p] = std::inner_product(&images[p * stride], &images[p * stride] + stride,
                                 &directions[p * stride], 0.0);
  }
  return held;
}

// How many of them are enough, a multiple of kStep; 0 if all are not.
std::size_t enough(std::span<const double> held, double wanted) {
  double sum = 0;
  for (std::size_t p = 0; p < held.size(); ++p) {
    sum += held[p];
    if ((p + 1) % kStep == 0 && sum >= wanted) return p + 1;
  }
  return 0;
}

std::vector<float> steps_for(std::span<const double> squares, std::size_t count) {
  std::vector<float> steps;
  for (const double sum : squares) {
    const double deviation = std::sqrt(std::max(sum, 0.0) / static_cast<double>(count));
    steps.push_back(static_cast<float>(std::max(kBestStep * deviation, kLeastStep)));
  }
  return steps;
}

// One step for all, so that the widest coordinate is seldom beyond the last level.
std::vector<float> even_steps_for(std::span<const double> squares, std::size_t count) {
  const double widest =
      std::sqrt(std::max(std::ranges::max(squares), 0.0) / static_cast<double>(count));
  const double reach = std::clamp(kWalkReach * widest, kLeastStep, 1.0);
  return std::vector<float>(squares.size(), static_cast<float>(reach / kWalkLevels));
}

}  // namespace

std::size_t wanted_sample(std::size_t count, std::size_t dimension) noexcept {
  if (count < kFewest || dimension < 2 * kStep || padded(dimension) > kMaxCoded) return 0;
  return std::min(count, kMost);
}

std::shared_ptr<const Plan> learn_plan(std::span<const std::uint16_t> rows, std::size_t stride,
                                       CodeForm form) {
  Plan plan{.form = form, .basis = {}, .steps = {}, .sample = rows.size() / stride};
  const auto moments = second_moments(rows, stride);
  std::vector<double> squares(stride);
  for (std::size_t d = 0; d < stride; ++d) squares[d] = moments[d * stride + d];
  if (auto directions = leading(moments, stride / 2 / kStep * kStep, stride)) {
    auto held = held_by(*directions, moments, stride);
    held.resize(enough(held, kShare * std::accumulate(squares.begin(), squares.end(), 0.0)));
    directions->resize(held.size() * stride);
    if (!held.empty() && is_orthonormal(*directions, stride)) {
      plan.basis = *std::move(directions);
      squares = std::move(held);
    }
  }
  plan.steps = form == CodeForm::kWalk ? even_steps_for(squares, plan.sample)
                                       : steps_for(squares, plan.sample);
  return std::make_shared<const Plan>(std::move(plan));
}

}  // namespace visavis::index
