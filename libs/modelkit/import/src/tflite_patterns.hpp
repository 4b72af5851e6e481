#pragma once

/// What a TensorFlow Lite file writes as several operators and is one here, and operators that no
/// output needs.

#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <vector>

#include "tflite.hpp"

namespace visavis::modelkit::lite {

/// TensorFlow of that time wrote PReLU as relu(x) + a · (x − |x|), which for x < 0 is 2a · x.
struct Prelu {
  std::size_t x;
  std::size_t factor;                 ///< The tensor a.
  std::array<std::size_t, 4> inside;  ///< The operators that it replaces, apart from the sum.
};

/// A distribution that is written as exp(x − max(x)) / Σ exp(x − max(x)), along one axis.
struct Distribution {
  std::size_t x;
  std::size_t axis;                   ///< From the front.
  std::array<std::size_t, 4> inside;  ///< The operators that it replaces, apart from the quotient.
};

/// A convolution of pixels that are apart: of samples that were made of them, and back.
struct Spread {
  std::size_t before;  ///< The operator SPACE_TO_BATCH_ND, …
  std::size_t inside;  ///< … and the convolution.
};

/// For each operator what it is the last of.
struct Patterns {
  std::vector<std::optional<Prelu>> prelus;
  std::vector<std::optional<Distribution>> softmaxes;
  std::vector<std::optional<Spread>> spreads;
  std::set<std::size_t> absorbed;  ///< Operators that nothing is written for.
};

[[nodiscard]] Patterns patterns_of(const LiteModel& model);

}  // namespace visavis::modelkit::lite
