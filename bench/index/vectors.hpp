#pragma once

/// Vectors for measuring searches: drawn with the variances of real embeddings, in clusters, or
/// evenly from the sphere. Seeded; the same on every machine with the same standard library.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace visavis::bench {

inline constexpr std::size_t kDimension = 512;

using Row = std::array<float, kDimension>;

inline void normalise(Row& row) {
  double sum = 0;
  for (const float x : row) sum += static_cast<double>(x) * x;
  const auto scale = static_cast<float>(1 / std::sqrt(sum));
  for (float& x : row) x *= scale;
}

/// Of real embeddings, from a file of 512 variances; empty if it has not so many.
inline std::vector<float> deviations_in(const char* path) {
  std::ifstream file(path);
  std::vector<float> deviations;
  for (double variance = 0; file >> variance;) {
    deviations.push_back(static_cast<float>(std::sqrt(variance)));
  }
  if (deviations.size() != kDimension) deviations.clear();
  return deviations;
}

/// Mean cosine of two photos of a person in LFW with faceplugin-512.
inline constexpr double kLikeness = .646;
inline constexpr std::size_t kPerPerson = 4;

/// Unit vectors from a file of plain numbers, row after row.
inline std::vector<Row> rows_in(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<Row> rows;
  for (Row row; file.read(reinterpret_cast<char*>(row.data()), sizeof(row));) {
    normalise(row);
    rows.push_back(row);
  }
  return rows;
}

/// Random numbers that are the same everywhere: splitmix64 (Steele, Lea and Flood 2014).
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(mix(mix(seed + 1))) {}  // neighbours must not overlap

  std::uint64_t number() noexcept {
    state_ += 0x9E3779B97F4A7C15;
    return mix(state_);
  }
  /// In (0, 1].
  float uniform() noexcept { return static_cast<float>((number() >> 40) + 1) * 0x1p-24F; }
  /// Two normal variables (Box and Muller).
  std::pair<float, float> normal() noexcept {
    const float radius = std::sqrt(-2 * std::log(uniform()));
    const float angle = 6.2831853F * uniform();
    return {radius * std::cos(angle), radius * std::sin(angle)};
  }

 private:
  static std::uint64_t mix(std::uint64_t z) noexcept {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

/// A row is a * (its person's centre) + sqrt(1 - a^2) * (a draw of its own), of unit norm. Centre
/// and draw have the given standard deviations along axes that are then turned, so that no axis
/// is special: signs and Hadamard's transform, twice.
class Source {
 public:
  /// @param deviations One per axis. @param likeness Mean cosine of two rows of a person, 0 to 1.
  Source(std::vector<float> deviations, double likeness)
      : deviations_(std::move(deviations)),
        common_(static_cast<float>(std::sqrt(likeness))),
        own_(static_cast<float>(std::sqrt(1 - likeness))) {
    std::mt19937_64 random(1);
    for (auto& signs : signs_) {
      for (float& sign : signs) sign = (random() & 1) != 0 ? 1.F : -1.F;
    }
  }

  /// Row `draw` of person `person`; each pair has its own random numbers.
  [[nodiscard]] Row row(std::uint64_t person, std::uint64_t draw) const {
    Row result = drawn(person * 2 + 1);
    const Row own = drawn((person << 20 ^ draw) * 2);
    for (std::size_t d = 0; d < kDimension; ++d) result[d] = common_ * result[d] + own_ * own[d];
    turn(result);
    normalise(result);
    return result;
  }

 private:
  [[nodiscard]] Row drawn(std::uint64_t seed) const {
    Row row;
    Dice dice(seed);
    for (std::size_t d = 0; d < kDimension; d += 2) {
      const auto [first, second] = dice.normal();
      row[d] = deviations_[d] * first;
      row[d + 1] = deviations_[d + 1] * second;
    }
    normalise(row);
    return row;
  }

  void turn(Row& row) const {
    for (const Row& signs : signs_) {
      for (std::size_t d = 0; d < kDimension; ++d) row[d] *= signs[d];
      for (std::size_t half = 1; half < kDimension; half *= 2) {
        for (std::size_t i = 0; i < kDimension; i += 2 * half) {
          for (std::size_t j = i; j < i + half; ++j) {
            const float a = row[j];
            const float b = row[j + half];
            row[j] = a + b;
            row[j + half] = a - b;
          }
        }
      }
    }
  }

  std::vector<float> deviations_;
  float common_;
  float own_;
  std::array<Row, 2> signs_;
};

/// As Source, of vectors that are sums of real ones with normal weights: they have the real ones'
/// second moments, directions and all.
class Mixer {
 public:
  Mixer(std::vector<Row> real, double likeness)
      : real_(std::move(real)),
        common_(static_cast<float>(std::sqrt(likeness))),
        own_(static_cast<float>(std::sqrt(1 - likeness))) {}

  [[nodiscard]] Row row(std::uint64_t person, std::uint64_t draw) const {
    Row result = drawn(person * 2 + 1);
    const Row own = drawn((person << 20 ^ draw) * 2);
    for (std::size_t d = 0; d < kDimension; ++d) result[d] = common_ * result[d] + own_ * own[d];
    normalise(result);
    return result;
  }

 private:
  static constexpr int kMixed = 64;

  [[nodiscard]] Row drawn(std::uint64_t seed) const {
    Row row{};
    Dice dice(seed);
    for (int i = 0; i < kMixed; ++i) {
      const Row& real = real_[dice.number() % real_.size()];
      const float weight = dice.normal().first;
      for (std::size_t d = 0; d < kDimension; ++d) row[d] += weight * real[d];
    }
    normalise(row);
    return row;
  }

  std::vector<Row> real_;
  float common_;
  float own_;
};

}  // namespace visavis::bench
