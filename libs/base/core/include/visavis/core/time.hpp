#pragma once

/// Points in time: whole seconds since 1970-01-01T00:00:00Z, as RFC 3339 for people.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visavis {

[[nodiscard]] std::int64_t seconds_now();

/// "2026-11-26T15:04:05Z". @pre within the years 0 to 9999
[[nodiscard]] std::string to_rfc3339(std::int64_t seconds);

/// A time of RFC 3339, or a date alone, which begins at midnight UTC. Fractions of a second are cut
/// off. @return nothing for other texts, days that no month has, and leap seconds.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text);

/// The same time of day `years` later; from 29 February to the 28th where there is none.
[[nodiscard]] std::int64_t years_later(std::int64_t seconds, int years);

}  // namespace visavis
