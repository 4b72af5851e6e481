#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <visavis/core/file.hpp>

#include "visavis/core/result.hpp"
#include "visavis/gallery/gallery.hpp"
#include "visavis/store/store.hpp"

namespace visavis::gallery {
namespace {

using nlohmann::json;

/// Deeper than anybody's attributes, and no danger to whoever walks through them.
constexpr int kMaxDepth = 64;

auto invalid(std::string what) { return fail(ErrorCode::kInvalidArgument, std::move(what)); }

Result<void> check_text(std::string_view text, const std::string& what) {
  if (text.empty()) return invalid(what + " is empty");
  if (text.size() > store::kMaxNameBytes)
    return invalid(what + " is longer than " + std::to_string(store::kMaxNameBytes) + " bytes");
  if (!is_utf8(text) || text.contains('\0')) return invalid(what + " is not UTF-8 text");
  return {};
}

Result<json> parse_attributes(std::string_view text) {
  if (text.size() > store::kMaxAttributeBytes) return invalid("the attributes have over 64 KiB");
  bool deep = false;
  const auto notice = [&](int depth, json::parse_event_t, const json&) {
    deep = deep || depth > kMaxDepth;
    return !deep;
  };
  json object = json::parse(text, notice, false);
  if (deep) return invalid("the attributes are nested too deeply");
  if (!object.is_object()) return invalid("the attributes are not a JSON object");
  return object;
}

Result<std::string> merge_attributes(const Person& person, const PersonChange& change) {
  VISAVIS_TRY(object, parse_attributes(change.attributes.value_or(person.attributes)));
  for (const auto& [key, value] : change.single_attributes) {
    VISAVIS_CHECK(check_text(key, "an attribute's name"));
    if (!is_utf8(value)) return invalid("an attribute is not UTF-8 text");
    object[key] = value;
  }
  std::string text = object.dump(-1, ' ', false, json::error_handler_t::replace);
  if (text.size() > store::kMaxAttributeBytes) return invalid("the attributes have over 64 KiB");
  return text;
}

}  // namespace

Result<Person> apply_change(Person person, const PersonChange& change) {
  if (change.name) {
    VISAVIS_CHECK(check_text(*change.name, "the name"));
    person.name = *change.name;
  }
  if (change.attributes || !change.single_attributes.empty()) {
    VISAVIS_TRY(attributes, merge_attributes(person, change));
    person.attributes = std::move(attributes);
  }
  if (change.forgets_consent) {
    person.consent_basis.reset();
    person.consent_at.reset();
  }
  if (change.consent_basis) {
    VISAVIS_CHECK(check_text(*change.consent_basis, "the basis of consent"));
    person.consent_basis = change.consent_basis;
  }
  if (change.consent_at) person.consent_at = change.consent_at;
  if (change.expires_at) person.expires_at = change.expires_at;
  if (change.never_expires) person.expires_at.reset();
  return person;
}

}  // namespace visavis::gallery
