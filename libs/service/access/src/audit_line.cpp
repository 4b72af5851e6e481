#include "audit_line.hpp"

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>
#include <visavis/core/time.hpp>

namespace visavis::access {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxFieldBytes = 200;

struct Field {
  std::string_view name;
  std::string AuditEntry::* text;
};

constexpr std::array kFields{
    Field{"request", &AuditEntry::request}, Field{"tenant", &AuditEntry::tenant},
    Field{"key", &AuditEntry::key},         Field{"action", &AuditEntry::action},
    Field{"gallery", &AuditEntry::gallery}, Field{"person", &AuditEntry::person},
    Field{"face", &AuditEntry::face},       Field{"outcome", &AuditEntry::outcome}};

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_line(const AuditEntry& entry) {
  Json line{{"time", to_rfc3339(entry.time)}};
  for (const Field& field : kFields) {
    const std::string& text = entry.*field.text;
    if (!text.empty()) line[field.name] = text.substr(0, kMaxFieldBytes);
  }
  return text_of(line) + "\n";
}

std::optional<AuditEntry> parse_line(std::string_view line) {
  const Json object = Json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  const auto time = object.find("time");
  if (time == object.end() || !time->is_string()) return std::nullopt;
  const auto seconds = parse_rfc3339(time->get_ref<const std::string&>());
  if (!seconds) return std::nullopt;
  AuditEntry entry{.time = *seconds};
  for (const Field& field : kFields) {
    const auto found = object.find(field.name);
    if (found == object.end()) continue;
    if (!found->is_string()) return std::nullopt;
    entry.*field.text = found->get<std::string>();
  }
  return entry;
}

std::string mark_of(std::string_view tenant) {
  return "\"tenant\":" + text_of(std::string(tenant));
}

}  // namespace visavis::access
