#include "visavis/core/time.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace visavis {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 60 * kMinute;

/// Takes `digits` digits and what must follow them from the front of `text`.
std::optional<int> take(std::string_view& text, std::size_t digits, std::string_view then) {
  if (text.size() < digits) return std::nullopt;
  const std::string_view part = text.substr(0, digits);
  int value = 0;
  if (part.find_first_not_of("0123456789") != part.npos) return std::nullopt;
  for (const char digit : part) value = value * 10 + (digit - '0');
  text.remove_prefix(digits);
  if (!text.starts_with(then)) return std::nullopt;
  text.remove_prefix(then.size());
  return value;
}

std::optional<std::int64_t> take_date(std::string_view& text) {
  const auto year = take(text, 4, "-");
  const auto month = take(text, 2, "-");
  const auto day = take(text, 2, "");
  if (!year || !month || !day) return std::nullopt;
  const year_month_day date{std::chrono::year(*year),
                            std::chrono::month(static_cast<unsigned>(*month)),
                            std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return seconds(sys_days(date).time_since_epoch()).count();
}

void skip_fraction(std::string_view& text) {
  if (text.size() < 2 || text[0] != '.' || text[1] < '0' || text[1] > '9') return;
  text.remove_prefix(std::min(text.find_first_not_of("0123456789", 1), text.size()));
}

/// Seconds east of UTC; all that is left of the text.
std::optional<std::int64_t> take_zone(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (!text.starts_with('+') && !text.starts_with('-')) return std::nullopt;
  const std::int64_t sign = text.front() == '-' ? -1 : 1;
  text.remove_prefix(1);
  const auto hour = take(text, 2, ":");
  const auto minute = take(text, 2, "");
  if (!hour || !minute || *hour > 23 || *minute > 59 || !text.empty()) return std::nullopt;
  return sign * (*hour * kHour + *minute * kMinute);
}

std::string padded(std::int64_t number, std::size_t digits) {
  std::string text = std::to_string(number);
  return std::string(digits - std::min(digits, text.size()), '0') + text;
}

}  // namespace

std::int64_t seconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<seconds>(now).count();
}

std::string to_rfc3339(std::int64_t time) {
  const sys_seconds at{seconds(time)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const std::int64_t rest = (at - day).count();
  return padded(static_cast<int>(date.year()), 4) + "-" +
         padded(static_cast<unsigned>(date.month()), 2) + "-" +
         padded(static_cast<unsigned>(date.day()), 2) + "T" + padded(rest / kHour, 2) + ":" +
         padded(rest / kMinute % 60, 2) + ":" + padded(rest % kMinute, 2) + "Z";
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
  const auto date = take_date(text);
  if (!date || text.empty()) return date;
  if (!text.starts_with('T') && !text.starts_with('t') && !text.starts_with(' '))
    return std::nullopt;
  text.remove_prefix(1);
  const auto hour = take(text, 2, ":");
  const auto minute = take(text, 2, ":");
  const auto second = take(text, 2, "");
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 59)
    return std::nullopt;
  skip_fraction(text);
  const auto zone = take_zone(text);
  if (!zone) return std::nullopt;
  return *date + *hour * kHour + *minute * kMinute + *second - *zone;
}

std::int64_t years_later(std::int64_t time, int years) {
  const sys_seconds at{seconds(time)};
  const auto day = floor<days>(at);
  year_month_day date = year_month_day(day) + std::chrono::years(years);
  if (!date.ok()) date = date.year() / date.month() / std::chrono::last;
  return (sys_days(date).time_since_epoch() + (at - day)).count();
}

}  // namespace visavis
