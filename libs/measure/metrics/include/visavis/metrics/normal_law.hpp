#pragma once

/// A normal law whose mean and spread depend on circumstances.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace visavis::metrics {

/// Mean = `mean` · terms, variance = exp(`log_variance` · terms).
struct NormalLaw {
  std::vector<double> mean{};
  std::vector<double> log_variance{};
};

/// What was seen under which circumstances.
struct Observations {
  std::size_t width = 0;            ///< Terms of each, the first of them 1.
  std::span<const double> terms;    ///< Row after row.
  std::span<const double> values;   ///< One for each row.
  std::span<const double> weights;  ///< Above 0, one for each row.
};

/// The mean by weighted least squares, then the variance by maximum likelihood on what is left
/// (Harvey, "Estimating regression models with multiplicative heteroscedasticity", Econometrica 44,
/// 1976), both with a slight ridge.
/// @return nothing for fewer rows than terms, or where the values do not spread
[[nodiscard]] std::optional<NormalLaw> fit_normal_law(const Observations& observations);

}  // namespace visavis::metrics
