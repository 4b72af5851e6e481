#include "key_file.hpp"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/core/time.hpp>

namespace visavis::access {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "visavis.keys/1";
constexpr std::size_t kMaxNoteBytes = 200;
constexpr std::size_t kIdDigits = 16;

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

std::uint8_t nibble(char c) { return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); }

std::optional<std::string> text_at(const Json& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<Sha256> digest_at(const Json& object) {
  const auto text = text_at(object, "sha256");
  if (!text || !is_hex(*text, 2 * sizeof(Sha256))) return std::nullopt;
  Sha256 digest{};
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] =
        static_cast<std::uint8_t>(nibble((*text)[2 * i]) << 4U | nibble((*text)[2 * i + 1]));
  return digest;
}

std::optional<std::int64_t> time_at(const Json& object, std::string_view name) {
  const auto text = text_at(object, name);
  return text ? parse_rfc3339(*text) : std::nullopt;
}

Json to_json(const KeptKey& key) {
  Json object{{"id", key.facts.id},
              {"tenant", key.facts.tenant},
              {"scope", to_string(key.facts.scope)},
              {"note", key.facts.note},
              {"created", to_rfc3339(key.facts.created)}};
  if (key.facts.expires) object["expires"] = to_rfc3339(*key.facts.expires);
  object["sha256"] = to_hex(key.digest);
  return object;
}

std::optional<KeptKey> parse_key(const Json& object) {
  if (!object.is_object()) return std::nullopt;
  const auto id = text_at(object, "id");
  const auto tenant = text_at(object, "tenant");
  const auto scope = text_at(object, "scope");
  const auto note = text_at(object, "note");
  const auto created = time_at(object, "created");
  const auto digest = digest_at(object);
  const bool can_expire = object.contains("expires");
  const auto expires = time_at(object, "expires");
  if (!id || !tenant || !scope || !note || !created || !digest || can_expire != expires.has_value())
    return std::nullopt;
  const auto known = parse_scope(*scope);
  const std::size_t fields = can_expire ? 7 : 6;
  if (!is_hex(*id, kIdDigits) || !is_tenant(*tenant) || !known || !is_note(*note) ||
      object.size() != fields)
    return std::nullopt;
  return KeptKey{{*id, *tenant, *known, *note, *created, expires}, *digest};
}

auto damaged(std::string what) {
  return fail(ErrorCode::kDecodeFailed, "the key file is damaged: " + std::move(what));
}

}  // namespace

bool is_note(std::string_view text) noexcept {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return text.size() <= kMaxNoteBytes && is_utf8(text) && std::ranges::none_of(text, is_control);
}

std::string to_key_file(const std::vector<KeptKey>& keys) {
  Json list = Json::array();
  for (const KeptKey& key : keys) list.push_back(to_json(key));
  return Json{{"schema", kSchema}, {"keys", std::move(list)}}.dump(2) + "\n";
}

Result<std::vector<KeptKey>> parse_key_file(std::string_view text) {
  const Json file = Json::parse(text, nullptr, false);
  if (!file.is_object()) return damaged("it is no JSON object");
  if (text_at(file, "schema") != kSchema)
    return fail(ErrorCode::kDecodeFailed,
                "the key file is not of the schema " + std::string(kSchema));
  const auto list = file.find("keys");
  if (list == file.end() || !list->is_array() || file.size() != 2)
    return damaged("it has no list of keys, or something beside it");
  if (list->size() > KeyRing::kMaxKeys) return damaged("it has too many keys");
  std::vector<KeptKey> keys;
  std::set<std::string> ids;
  std::set<Sha256> digests;
  for (const Json& entry : *list) {
    auto key = parse_key(entry);
    const std::string which = "key " + std::to_string(keys.size() + 1);
    if (!key) return damaged(which + " is not one");
    if (!ids.insert(key->facts.id).second || !digests.insert(key->digest).second)
      return damaged(which + " is there twice");
    keys.push_back(*std::move(key));
  }
  return keys;
}

}  // namespace visavis::access
