#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <visavis/core/time.hpp>

#include "visavis/usecases/galleries.hpp"

namespace visavis::usecases {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr int kMaxCount = 10'000;

/// "30d", "12w" or "1y" from now.
std::optional<std::int64_t> parse_duration(std::string_view text, std::int64_t now) {
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end + 1 != text.data() + text.size()) return std::nullopt;
  if (count < 1 || count > kMaxCount) return std::nullopt;
  switch (*end) {
    case 'd':
      return now + count * kDay;
    case 'w':
      return now + count * 7 * kDay;
    case 'y':
      return years_later(now, count);
    default:
      return std::nullopt;
  }
}

Outcome<void> read_consent(const PersonWords& words, std::int64_t now,
                           gallery::PersonChange& change) {
  if (words.consent.empty() && words.consent_at.empty()) return {};
  if (words.consent.empty()) return usage("--consent-at needs the basis: --consent");
  change.consent_basis = words.consent;
  change.consent_at = words.consent_at.empty() ? now : parse_rfc3339(words.consent_at);
  if (!change.consent_at)
    return usage("the time of consent is like 2026-11-26 or 2026-11-26T15:04:05Z");
  if (*change.consent_at > now + kDay) return usage("the time of consent has not come yet");
  return {};
}

Outcome<void> read_expiry(const PersonWords& words, std::int64_t now,
                          gallery::PersonChange& change) {
  change.never_expires = words.expires == "never";
  if (words.expires.empty() || change.never_expires) return {};
  change.expires_at = parse_duration(words.expires, now);
  if (!change.expires_at) change.expires_at = parse_rfc3339(words.expires);
  if (!change.expires_at)
    return usage("an expiry is like 2027-11-26, 2027-11-26T15:04:05Z, 30d, 12w, 1y or never");
  if (*change.expires_at <= now) return usage("the expiry is over already");
  return {};
}

Outcome<void> read_attributes(const PersonWords& words, gallery::PersonChange& change) {
  if (!words.attributes.empty()) change.attributes = words.attributes;
  for (const std::string& word : words.attribute) {
    const std::size_t at = word.find('=');
    if (at == std::string::npos || at == 0) return usage("an attribute is KEY=VALUE");
    change.single_attributes[word.substr(0, at)] = word.substr(at + 1);
  }
  return {};
}

Outcome<void> read_clear(const PersonWords& words, gallery::PersonChange& change) {
  for (const std::string& what : words.clear) {
    const bool is_consent = what == "consent";
    const bool is_expiry = what == "expiry";
    if (!is_consent && !is_expiry && what != "attributes")
      return usage("what can be cleared is consent, expiry and attributes");
    const std::string& said =
        is_consent ? words.consent : (is_expiry ? words.expires : words.attributes);
    if (!said.empty()) return usage("the " + what + " cannot be cleared and said at once");
    if (is_consent)
      change.forgets_consent = true;
    else if (is_expiry)
      change.never_expires = true;
    else
      change.attributes = "{}";
  }
  return {};
}

}  // namespace

Outcome<gallery::PersonChange> change_of(const PersonWords& words, std::int64_t now) {
  gallery::PersonChange change;
  if (!words.name.empty()) change.name = words.name;
  VISAVIS_CHECK(read_attributes(words, change));
  VISAVIS_CHECK(read_consent(words, now, change));
  VISAVIS_CHECK(read_expiry(words, now, change));
  VISAVIS_CHECK(read_clear(words, change));
  VISAVIS_CHECK(caused_by(Cause::kUsage, gallery::apply_change({.id = "-", .name = "-"}, change)));
  return change;
}

}  // namespace visavis::usecases
