#include "visavis/wire/served.hpp"

#include <openssl/evp.h>

#include <span>
#include <utility>
#include <visavis/core/time.hpp>

#include "document.hpp"
#include "parts.hpp"
#include "person_parts.hpp"

namespace visavis::wire {
namespace {

Json described_of(const usecases::DescribedFace& face) {
  Json json = face_of(face.face);
  json.update(quality_of(face.quality));
  json["norm"] = number(face.embedding.norm);
  json["embedding"] = Json::array();
  for (const float value : face.embedding.values) json["embedding"].push_back(number(value));
  return json;
}

Json facts_of(const usecases::GalleryFacts& gallery) {
  return {{"gallery", gallery.gallery},
          {"description", gallery.settings.description},
          {"min_quality", number(gallery.settings.min_quality)},
          {"keep", usecases::to_string(gallery.settings.keep)},
          {"allow_duplicates", gallery.settings.allow_duplicates},
          {"persons", gallery.stats.persons},
          {"faces", gallery.stats.faces},
          {"model", gallery.stats.model.empty() ? Json(nullptr) : Json(gallery.stats.model)},
          {"dimension", gallery.stats.dimension},
          {"index", gallery.stats.index},
          {"bytes", gallery.stats.bytes},
          {"encryption", gallery.stats.encryption},
          {"created", gallery.stats.created}};
}

Json key_of(const access::KeyFacts& key) {
  return {{"key", key.id},
          {"tenant", key.tenant},
          {"scope", access::to_string(key.scope)},
          {"note", key.note},
          {"created", key.created},
          {"expires_at", key.expires ? Json(*key.expires) : Json(nullptr)}};
}

std::string base64(std::span<const std::byte> bytes) {
  std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // EVP ends it with a zero
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Json entry_of(const access::AuditEntry& entry) {
  Json json{{"time", to_rfc3339(entry.time)}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) json[name] = value;
  };
  add("request", entry.request);
  add("key", entry.key);
  json["action"] = entry.action;
  add("gallery", entry.gallery);
  add("person", entry.person);
  add("face", entry.face);
  add("outcome", entry.outcome);
  return json;
}

}  // namespace

std::string to_json(const usecases::Description& description) {
  Json json = document("embeddings");
  json["images"] = Json::array();
  std::size_t dimension = 0;
  for (const usecases::DescribedPhoto& photo : description.photos) {
    Json image = photo_of(photo.photo);
    image["faces"] = Json::array();
    for (const usecases::DescribedFace& face : photo.faces) {
      image["faces"].push_back(described_of(face));
      dimension = std::max(dimension, face.embedding.values.size());
    }
    json["images"].push_back(std::move(image));
  }
  json["dimension"] = dimension;
  json["errors"] = errors_of(description.errors);
  add_run(json, description.run);
  return text_of(json);
}

std::string to_json(const usecases::GalleryFacts& gallery) {
  Json json = document("gallery");
  json.update(facts_of(gallery));
  return closed(json);
}

std::string to_json(const std::vector<usecases::GalleryFacts>& galleries) {
  Json json = document("galleries");
  json["galleries"] = Json::array();
  for (const usecases::GalleryFacts& gallery : galleries)
    json["galleries"].push_back(facts_of(gallery));
  return closed(json);
}

std::string to_json(const usecases::PersonList& list, std::optional<std::int64_t> next) {
  Json json = persons_of(list);
  json["next"] = next ? Json(*next) : Json(nullptr);
  return closed(json);
}

std::string faces_to_json(const gallery::PersonDetails& details) {
  Json json = document("faces");
  json["faces"] = details_of(details)["faces"];
  return closed(json);
}

std::string to_json(const gallery::EnrolledFace& face) {
  Json json = document("face");
  json.update(face_facts(face));
  return closed(json);
}

std::string to_json(const usecases::ServedExport& exported) {
  Json json = document("person-export");
  json["person"] = document("gallery-person");
  json["person"].update(details_of(exported.person.details));
  json["person"]["errors"] = Json::array();
  json["model"] = exported.model;
  json["dimension"] = exported.person.dimension;
  json["embeddings"] = Json::array();
  const std::span<const float> values(exported.person.vectors);
  for (std::size_t at = 0; at < values.size(); at += exported.person.dimension) {
    Json row = Json::array();
    for (const float value : values.subspan(at, exported.person.dimension))
      row.push_back(number(value));
    json["embeddings"].push_back(std::move(row));
  }
  json["files"] = Json::array();
  for (const usecases::ServedExport::File& file : exported.files)
    json["files"].push_back({{"name", file.name}, {"base64", base64(file.bytes)}});
  return closed(json);
}

std::string to_json(const std::vector<access::KeyFacts>& keys) {
  Json json = document("keys");
  json["keys"] = Json::array();
  for (const access::KeyFacts& key : keys) json["keys"].push_back(key_of(key));
  return closed(json);
}

std::string to_json(const access::MadeKey& key) {
  Json json = document("key");
  json.update(key_of(key.facts));
  json["secret"] = key.secret;
  return closed(json);
}

std::string to_json(const access::AuditPage& page) {
  Json json = document("audit");
  json["entries"] = Json::array();
  for (const access::AuditEntry& entry : page.entries) json["entries"].push_back(entry_of(entry));
  json["next"] = page.next.empty() ? Json(nullptr) : Json(page.next);
  json["damaged"] = page.damaged;
  return closed(json);
}

std::string session_to_json(const std::string& tenant, access::Scope scope) {
  Json json = document("session");
  json["tenant"] = tenant;
  json["scope"] = access::to_string(scope);
  return closed(json);
}

std::string problem_to_json(unsigned status, std::string_view title, std::string_view code,
                            std::string_view detail) {
  return text_of({{"type", "urn:visavis:problem:" + std::string(code)},
                  {"title", title},
                  {"status", status},
                  {"detail", detail},
                  {"code", code}});
}

}  // namespace visavis::wire
