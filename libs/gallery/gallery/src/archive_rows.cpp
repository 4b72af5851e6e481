#include "archive_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/store/npy.hpp>

#include "visavis/matching/matching.hpp"

namespace visavis::gallery {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchemaPrefix = "visavis.archive/";
constexpr std::string_view kSchema = "visavis.archive/1";
constexpr int kMaxNesting = 32;
constexpr std::uint64_t kMaxDimension = std::uint64_t{1} << 20U;

auto wrong(std::string what) { return fail(ErrorCode::kDecodeFailed, std::move(what)); }

/// How deep brackets stand in one another: whoever prints JSON goes as deep.
int nesting_of(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  return deepest;
}

Result<Json> parse_object(std::string_view text) {
  if (!is_utf8(text)) return wrong("is not UTF-8 text");
  if (nesting_of(text) > kMaxNesting) return wrong("is nested too deeply");
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return wrong("is not a JSON object");
  return json;
}

const Json* find(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || found->is_null() ? nullptr : &*found;
}

auto lacks(const char* what, const char* key) {
  return wrong("has no " + std::string(what) + " '" + key + "'");
}

Result<std::string> text_in(const Json& json, const char* key) {
  const Json* value = find(json, key);
  if (value == nullptr || !value->is_string()) return lacks("text", key);
  return value->get<std::string>();
}

Result<std::int64_t> whole_in(const Json& json, const char* key) {
  const Json* value = find(json, key);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value == nullptr || !value->is_number_integer() ||
      (value->is_number_unsigned() && value->get<std::uint64_t>() > kMost))
    return lacks("whole number", key);
  return value->get<std::int64_t>();
}

Result<std::uint64_t> count_in(const Json& json, const char* key) {
  VISAVIS_TRY(value, whole_in(json, key));
  if (value < 0) return lacks("number from 0", key);
  return static_cast<std::uint64_t>(value);
}

Result<std::optional<std::int64_t>> maybe_whole_in(const Json& json, const char* key) {
  if (find(json, key) == nullptr) return std::optional<std::int64_t>();
  VISAVIS_TRY(value, whole_in(json, key));
  return std::optional(value);
}

/// A number that binary32 holds.
std::optional<float> float_of(const Json& json) {
  if (!json.is_number()) return std::nullopt;
  const auto value = json.get<double>();
  if (!(std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max())))
    return std::nullopt;
  return static_cast<float>(value);
}

Result<float> float_in(const Json& json, const char* key, float most) {
  const Json* value = find(json, key);
  const auto number = value == nullptr ? std::nullopt : float_of(*value);
  if (!number || *number < 0 || *number > most) return lacks("number in its range", key);
  return *number;
}

template <std::size_t N>
Result<std::array<float, N>> floats_in(const Json& json, const char* key) {
  const Json* list = find(json, key);
  if (list == nullptr || !list->is_array() || list->size() != N) return lacks("list", key);
  std::array<float, N> numbers{};
  for (std::size_t i = 0; i < N; ++i) {
    const auto number = float_of((*list)[i]);
    if (!number) return lacks("list of finite numbers", key);
    numbers[i] = *number;
  }
  return numbers;
}

bool is_digest(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Result<MemberFacts> member_in(const Json& json) {
  VISAVIS_TRY(bytes, count_in(json, "bytes"));
  VISAVIS_TRY(digest, text_in(json, "sha256"));
  if (!is_digest(digest)) return lacks("SHA-256", "sha256");
  return MemberFacts{.bytes = bytes, .sha256 = std::move(digest)};
}

/// What is not UTF-8 in a damaged gallery becomes U+FFFD.
std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json json_of(const MemberFacts& member) {
  return {{"bytes", member.bytes}, {"sha256", member.sha256}};
}

Result<std::optional<KeptFacts>> kept_in(const Json& json, const char* key) {
  const Json* kept = find(json, key);
  if (kept == nullptr) return std::optional<KeptFacts>();
  if (!kept->is_object()) return lacks("object", key);
  VISAVIS_TRY(form, text_in(*kept, "form"));
  VISAVIS_TRY(member, member_in(*kept));
  if (member.bytes == 0 || member.bytes > store::kMaxKeptBytes)
    return wrong("names a file of a size that none has");
  return std::optional(KeptFacts{.form = std::move(form), .member = std::move(member)});
}

Json json_of(const std::optional<KeptFacts>& kept) {
  if (!kept) return nullptr;
  Json json = {{"form", kept->form}};
  json.update(json_of(kept->member));
  return json;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string_view descr_of(store::Element element) {
  return element == store::Element::kF32 ? "<f4" : "<f2";
}

Result<MemberFacts> member_of(const Json& json, std::string_view name) {
  const Json* members = find(json, "members");
  const Json* member = members != nullptr && members->is_object()
                           ? find(*members, std::string(name).c_str())
                           : nullptr;
  if (member == nullptr || !member->is_object())
    return wrong("does not tell of " + std::string(name));
  return member_in(*member);
}

}  // namespace

std::uint64_t ArchiveManifest::vector_bytes() const {
  return dimension * (element == store::Element::kF32 ? 4U : 2U);
}

std::string ArchiveManifest::npy_header() const {
  return store::npy_header(descr_of(element), faces, dimension);
}

std::string to_text(const ArchiveManifest& manifest) {
  const Json json = {{"schema", kSchema},
                     {"model", manifest.model.empty() ? Json(nullptr) : Json(manifest.model)},
                     {"dimension", manifest.dimension},
                     {"element", store::to_string(manifest.element)},
                     {"persons", manifest.persons},
                     {"faces", manifest.faces},
                     {"created", manifest.created},
                     {"members",
                      {{kPersons, json_of(manifest.person_lines)},
                       {kFaces, json_of(manifest.face_lines)},
                       {kVectors, json_of(manifest.vectors)}}}};
  return json.dump(2) + "\n";
}

Result<ArchiveManifest> parse_archive_manifest(std::string_view text) {
  VISAVIS_TRY(json, parse_object(text));
  VISAVIS_TRY(schema, text_in(json, "schema"));
  if (schema != kSchema && schema.starts_with(kSchemaPrefix))
    return fail(ErrorCode::kUnsupported,
                "is of another version of the format than this program reads");
  if (schema != kSchema) return wrong("is not of schema " + std::string(kSchema));
  ArchiveManifest manifest;
  if (find(json, "model") != nullptr) {
    VISAVIS_TRY(model, text_in(json, "model"));
    if (!matching::parse_model_id(model)) return lacks("ModelId", "model");
    manifest.model = std::move(model);
  }
  VISAVIS_TRY(dimension, count_in(json, "dimension"));
  VISAVIS_TRY(element, text_in(json, "element"));
  VISAVIS_TRY(persons, count_in(json, "persons"));
  VISAVIS_TRY(faces, count_in(json, "faces"));
  VISAVIS_TRY(created, whole_in(json, "created"));
  if (element != "f16" && element != "f32") return lacks("known element", "element");
  if (dimension > kMaxDimension || (faces > 0 && (dimension == 0 || manifest.model.empty())))
    return wrong("tells of vectors that cannot be");
  VISAVIS_TRY(person_lines, member_of(json, kPersons));
  VISAVIS_TRY(face_lines, member_of(json, kFaces));
  VISAVIS_TRY(vectors, member_of(json, kVectors));
  manifest.dimension = dimension;
  manifest.element = element == "f32" ? store::Element::kF32 : store::Element::kF16;
  manifest.persons = persons;
  manifest.faces = faces;
  manifest.created = created;
  manifest.person_lines = std::move(person_lines);
  manifest.face_lines = std::move(face_lines);
  manifest.vectors = std::move(vectors);
  return manifest;
}

std::string to_line(const store::PersonRow& person) {
  const Json attributes = Json::parse(person.fields.attributes, nullptr, false);
  const Json json = {{"person", person.fields.public_id},
                     {"name", person.fields.name},
                     {"attributes", attributes.is_object() ? attributes : Json::object()},
                     {"consent_basis", or_null(person.fields.consent_basis)},
                     {"consent_at", or_null(person.fields.consent_at)},
                     {"expires_at", or_null(person.fields.expires_at)},
                     {"created", person.created}};
  return line_of(json);
}

Result<PersonLine> parse_person_line(std::string_view line) {
  VISAVIS_TRY(json, parse_object(line));
  PersonLine person;
  VISAVIS_TRY(id, text_in(json, "person"));
  VISAVIS_TRY(name, text_in(json, "name"));
  const Json* attributes = find(json, "attributes");
  if (attributes == nullptr || !attributes->is_object()) return lacks("object", "attributes");
  if (find(json, "consent_basis") != nullptr) {
    VISAVIS_TRY(basis, text_in(json, "consent_basis"));
    person.fields.consent_basis = std::move(basis);
  }
  VISAVIS_TRY(consent_at, maybe_whole_in(json, "consent_at"));
  VISAVIS_TRY(expires_at, maybe_whole_in(json, "expires_at"));
  VISAVIS_TRY(created, whole_in(json, "created"));
  person.fields.public_id = std::move(id);
  person.fields.name = std::move(name);
  person.fields.attributes = attributes->dump();
  person.fields.consent_at = consent_at;
  person.fields.expires_at = expires_at;
  person.created = created;
  return person;
}

std::string to_line(const FaceLine& face) {
  const Box& box = face.fields.box;
  Json landmarks = nullptr;
  if (face.fields.landmarks) {
    landmarks = Json::array();
    for (const Point& point : *face.fields.landmarks) {
      landmarks.push_back(point.x);
      landmarks.push_back(point.y);
    }
  }
  const Json json = {{"id", face.id},
                     {"person", face.person},
                     {"norm", face.fields.norm},
                     {"quality", face.fields.quality},
                     {"box", {box.x, box.y, box.width, box.height}},
                     {"landmarks", std::move(landmarks)},
                     {"source", face.fields.source},
                     {"enrolled", face.enrolled},
                     {"chip", json_of(face.chip)},
                     {"photo", json_of(face.photo)}};
  return line_of(json);
}

Result<FaceLine> parse_face_line(std::string_view line) {
  VISAVIS_TRY(json, parse_object(line));
  VISAVIS_TRY(id, whole_in(json, "id"));
  if (id < 1 || id > store::kMaxForeignId) return lacks("number in its range", "id");
  VISAVIS_TRY(person, text_in(json, "person"));
  VISAVIS_TRY(norm, float_in(json, "norm", std::numeric_limits<float>::max()));
  VISAVIS_TRY(quality, float_in(json, "quality", 1));
  VISAVIS_TRY(box, floats_in<4>(json, "box"));
  VISAVIS_TRY(source, text_in(json, "source"));
  VISAVIS_TRY(enrolled, whole_in(json, "enrolled"));
  VISAVIS_TRY(chip, kept_in(json, "chip"));
  VISAVIS_TRY(photo, kept_in(json, "photo"));
  FaceLine face{.id = id,
                .person = std::move(person),
                .fields = {.norm = norm,
                           .quality = quality,
                           .box = {.x = box[0], .y = box[1], .width = box[2], .height = box[3]},
                           .source = std::move(source)},
                .enrolled = enrolled,
                .chip = std::move(chip),
                .photo = std::move(photo)};
  if (find(json, "landmarks") != nullptr) {
    VISAVIS_TRY(points, floats_in<10>(json, "landmarks"));
    Landmarks& landmarks = face.fields.landmarks.emplace();
    for (std::size_t i = 0; i < landmarks.size(); ++i)
      landmarks[i] = {.x = points[2 * i], .y = points[2 * i + 1]};
  }
  return face;
}

std::string member_name(store::KeptKind kind, std::int64_t face, std::string_view form) {
  return std::string(kind == store::KeptKind::kChip ? "chips/f" : "photos/f") +
         std::to_string(face) + "." + std::string(form);
}

}  // namespace visavis::gallery
