#pragma once

/// Sums up how far values are from each other.

#include <cstddef>
#include <span>
#include <string>

#include "visavis/equivalence/equivalence.hpp"

namespace visavis::modelkit {

class Differences {
 public:
  Differences(std::string source, std::string result);

  /// One sample more. @pre both are of the same size.
  void add(std::span<const float> source, std::span<const float> result);
  [[nodiscard]] Difference take() const;

 private:
  Difference found_;
  double abs_sum_ = 0;
  double distance_sum_ = 0;
  std::size_t numbers_ = 0;
  std::size_t samples_ = 0;
};

}  // namespace visavis::modelkit
