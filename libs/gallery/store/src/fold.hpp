#pragma once

/// Names that differ in case alone.

#include <string>
#include <string_view>

namespace visavis::store {

/// In lower case, code point by code point, in every script that has cases. What several code
/// points make is not composed, and none becomes several: "ß" stays, and "é" may be written in two
/// ways that differ. Text that is not UTF-8 stays as it is.
[[nodiscard]] std::string fold_case(std::string_view text);

}  // namespace visavis::store
