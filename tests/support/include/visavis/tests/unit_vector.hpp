#pragma once

/// Vectors for galleries that need many: seeded, of no face.

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace visavis::tests {

/// A random direction: the same for a seed.
inline std::vector<float> unit_vector(unsigned seed, std::size_t dimension) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(dimension);
  double squares = 0;
  for (float& value : values) {
    value = normal(random);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  for (float& value : values) value = static_cast<float>(value / std::sqrt(squares));
  return values;
}

}  // namespace visavis::tests
