#pragma once

/// Text to JSON, stricter than the library: no key twice, no more than 1 MiB. Private to models.

#include <nlohmann/json.hpp>
#include <string_view>
#include <visavis/core/result.hpp>

namespace visavis::models {

/// @return kDecodeFailed with the place.
[[nodiscard]] Result<nlohmann::json> parse_document(std::string_view text);

}  // namespace visavis::models
