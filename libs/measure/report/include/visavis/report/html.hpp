#pragma once

/// Text in pages.

#include <string>
#include <string_view>

namespace visavis::report {

/// Text in the place of HTML's content or of an attribute.
[[nodiscard]] std::string escaped(std::string_view text);

}  // namespace visavis::report
