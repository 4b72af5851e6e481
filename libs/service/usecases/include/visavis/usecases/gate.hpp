#pragma once

/// What a network must keep of another one.

#include <optional>
#include <string>

namespace visavis::usecases {

/// One figure of both models.
struct GateFigure {
  std::string name;
  std::optional<double> before{};  ///< Nothing for what tells of both.
  double after = 0;
  double limit = 0;  ///< What `after` may be at worst.
  bool passed = false;
};

}  // namespace visavis::usecases
