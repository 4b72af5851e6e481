#pragma once

#include <string>
#include <string_view>

namespace visavis::jobs {

/// UTF-8 of at most 500 bytes: control characters, and all but ASCII of what is not UTF-8, become
/// U+FFFD.
[[nodiscard]] std::string to_label(std::string_view raw);

}  // namespace visavis::jobs
