#pragma once

/// Numbers to text and back without the locale.

#include <optional>
#include <string>
#include <string_view>

namespace visavis::usecases {

/// The shortest text that reads back as the same float.
[[nodiscard]] std::string shortest(float value);
[[nodiscard]] std::string shortest(double value);

/// @return nothing unless all of `text` is one finite number.
[[nodiscard]] std::optional<float> parse_float(std::string_view text);

}  // namespace visavis::usecases
