#pragma once

/// The numbers that scripts rely on, in one place.

#include <vector>
#include <visavis/usecases/failure.hpp>

namespace visavis::cli {

constexpr int kDone = 0;
constexpr int kCheckSaidNo = 1;  ///< A verb that checks something answered no.

/// 2 usage, 3 bad input, 4 environment, 5 defect.
[[nodiscard]] int exit_code(usecases::Cause cause) noexcept;

/// Several apply: the highest. Without a problem, kDone.
[[nodiscard]] int exit_code(const std::vector<usecases::Problem>& problems) noexcept;

}  // namespace visavis::cli
