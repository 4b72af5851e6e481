#include "visavis/wire/galleries.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "document.hpp"
#include "parts.hpp"
#include "person_parts.hpp"

namespace visavis::wire {
namespace {

/// How many of what.
std::string counts(std::string_view kind,
                   std::initializer_list<std::pair<const char*, std::uint64_t>> numbers) {
  Json json = document(kind);
  for (const auto& [name, number] : numbers) json[name] = number;
  return closed(json);
}

}  // namespace

std::string to_json(const usecases::PersonList& list) {
  Json json = persons_of(list);
  return closed(json);
}

std::string to_json(const gallery::PersonDetails& details) {
  Json json = document("gallery-person");
  json.update(details_of(details));
  return closed(json);
}

std::string to_json(const usecases::Export& exported) {
  Json json = document("gallery-export");
  json["npy"] = exported.npy.string();
  json["tsv"] = exported.tsv.string();
  json["files"] = exported.files.empty() ? Json(nullptr) : Json(exported.files.string());
  json["rows"] = exported.rows;
  json["persons"] = Json::array();
  for (const gallery::PersonDetails& person : exported.persons)
    json["persons"].push_back(details_of(person));
  json["errors"] = errors_of(exported.errors);
  return text_of(json);
}

std::string to_json(const usecases::ArchivedGallery& archived) {
  Json json = document("gallery-archive");
  json["persons"] = archived.counts.persons;
  json["faces"] = archived.counts.faces;
  json["files"] = archived.counts.files;
  json["errors"] = errors_of(archived.errors);
  return text_of(json);
}

std::string to_json(const gallery::Imported& imported) {
  return counts("gallery-import", {{"persons", imported.persons},
                                   {"faces", imported.faces},
                                   {"files", imported.files},
                                   {"already", imported.already}});
}

std::string to_json(const usecases::Removed& removed) {
  Json json = document("gallery-remove");
  json["persons"] = removed.persons;
  json["faces"] = removed.faces;
  json["errors"] = errors_of(removed.errors);
  return text_of(json);
}

std::string to_json(const usecases::ReEmbedding& moved) {
  Json json = document("gallery-re-embed");
  json["changed"] = moved.changed;
  json["model_before"] = moved.model_before.empty() ? Json(nullptr) : Json(moved.model_before);
  json["from_chips"] = moved.from_chips;
  json["from_photos"] = moved.from_photos;
  json["missing"] = Json::array();
  for (const gallery::FaceOf& face : moved.missing)
    json["missing"].push_back({{"person", face.person}, {"face_id", face.face_id}});
  json["errors"] = errors_of(moved.errors);
  add_run(json, moved.run);
  return text_of(json);
}

std::string to_json(const gallery::Stats& stats) {
  Json json = document("gallery-stats");
  json["persons"] = stats.persons;
  json["faces"] = stats.faces;
  json["model"] = stats.model.empty() ? Json(nullptr) : Json(stats.model);
  json["dimension"] = stats.dimension;
  json["element"] = stats.element;
  json["index"] = stats.index;
  json["index_choice"] = gallery::to_string(stats.index_choice);
  json["index_bytes"] = stats.index_bytes;
  json["generation"] = stats.generation;
  json["bytes"] = stats.bytes;
  json["free_bytes"] = stats.free_bytes;
  json["format_version"] = stats.format_version;
  json["encryption"] = stats.encryption;
  json["created"] = stats.created;
  return closed(json);
}

std::string to_json(const usecases::GalleryCheck& check) {
  Json json = document("gallery-check");
  json["ok"] = check.findings.empty();
  json["findings"] = check.findings;
  return closed(json);
}

std::string to_json(const usecases::Compaction& compaction) {
  return counts("gallery-compact", {{"bytes_before", compaction.bytes_before},
                                    {"bytes_after", compaction.bytes_after}});
}

std::string new_key_to_json(const std::string& path) {
  Json json = document("gallery-new-key");
  json["path"] = path;
  return closed(json);
}

}  // namespace visavis::wire
