#pragma once

/// Seeded vectors and the definition of an exact answer, in double precision and without haste.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/index/vector_index.hpp>

namespace visavis::index {

inline std::vector<float> unit_rows(std::size_t count, std::size_t dimension, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> rows(count * dimension);
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (std::size_t d = 0; d < dimension; ++d) {
      const float x = normal(random);
      rows[i * dimension + d] = x;
      sum += static_cast<double>(x) * x;
    }
    const auto scale = static_cast<float>(1 / std::sqrt(sum));
    for (std::size_t d = 0; d < dimension; ++d) rows[i * dimension + d] *= scale;
  }
  return rows;
}

/// Unit rows whose coordinates fade, turned so that no axis is special; every third is near its
/// neighbour, as templates of one person are.
inline std::vector<float> fading_rows(std::size_t count, std::size_t dimension,
                                      std::uint64_t seed) {
  const auto axes = unit_rows(dimension, dimension, 1234);
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> rows(count * dimension);
  for (std::size_t i = 0; i < count; ++i) {
    float* row = &rows[i * dimension];
    if (i % 3 == 1) std::copy(row - dimension, row, row);
    for (std::size_t a = 0; a < 40; ++a) {
      const float along =
          normal(random) * std::exp(-.08F * static_cast<float>(a)) * (i % 3 == 1 ? .2F : 1.F);
      for (std::size_t d = 0; d < dimension; ++d) row[d] += along * axes[a * dimension + d];
    }
    double sum = 0;
    for (std::size_t d = 0; d < dimension; ++d) sum += static_cast<double>(row[d]) * row[d];
    for (std::size_t d = 0; d < dimension; ++d) row[d] /= static_cast<float>(std::sqrt(sum));
  }
  return rows;
}

/// The nearest 16-bit float, found with the exponent and std::nearbyint instead of bit tricks.
inline double as_stored(float value) {
  int exponent = 0;
  (void)std::frexp(value, &exponent);
  const double place = std::ldexp(1.0, std::max(exponent, -13) - 11);
  return std::nearbyint(value / place) * place;
}

/// Whether bytes hold a row as it is stored.
inline bool holds(std::span<const std::byte> bytes, std::span<const float> row) {
  std::vector<std::uint16_t> stored(row.size());
  std::ranges::transform(row, stored.begin(), to_half);
  return !std::ranges::search(bytes, std::as_bytes(std::span(stored))).empty();
}

struct Slow {
  std::vector<std::uint64_t> keys;
  std::vector<std::uint64_t> groups;
  std::vector<float> rows;
  std::size_t dimension;

  [[nodiscard]] std::vector<Hit> search(std::span<const float> query,
                                        const SearchOptions& options) const {
    std::vector<Hit> hits;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      double sum = 0;
      for (std::size_t d = 0; d < dimension; ++d) {
        sum += query[d] * as_stored(rows[i * dimension + d]);
      }
      hits.push_back({keys[i], groups[i], static_cast<float>(sum)});
    }
    std::ranges::sort(hits, [](const Hit& a, const Hit& b) {
      return a.similarity != b.similarity ? a.similarity > b.similarity : a.key < b.key;
    });
    if (options.grouping == Grouping::kBestPerGroup) {
      std::vector<std::uint64_t> seen;
      std::erase_if(hits, [&](const Hit& hit) {
        if (std::ranges::find(seen, hit.group) != seen.end()) return true;
        seen.push_back(hit.group);
        return false;
      });
    }
    if (hits.size() > options.k) hits.resize(options.k);
    return hits;
  }
};

}  // namespace visavis::index
