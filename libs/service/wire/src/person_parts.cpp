#include "person_parts.hpp"

#include <optional>
#include <string>

#include "parts.hpp"

namespace visavis::wire {
namespace {

/// A database from elsewhere may hold anything: what is nested deeper is left out.
Json attributes_of(const std::string& text) {
  constexpr int kMaxDepth = 64;
  const auto shallow = [](int depth, Json::parse_event_t, const Json&) {
    return depth <= kMaxDepth;
  };
  Json attributes = Json::parse(text, shallow, false);
  return attributes.is_object() ? attributes : Json::object();
}

Json person_of(const gallery::Person& person) {
  return {{"person", person.id},
          {"name", person.name},
          {"number", person.number},
          {"faces", person.faces},
          {"attributes", attributes_of(person.attributes)},
          {"consent_basis", or_null(person.consent_basis)},
          {"consent_at", or_null(person.consent_at)},
          {"expires_at", or_null(person.expires_at)},
          {"created", person.created}};
}

}  // namespace

Json face_facts(const gallery::EnrolledFace& face) {
  return {{"face_id", face.face_id},
          {"quality", number(face.quality)},
          {"norm", number(face.norm)},
          {"box", box_of(face.box)},
          {"landmarks", face.landmarks ? landmarks_of(*face.landmarks) : Json(nullptr)},
          {"source", face.source},
          {"enrolled_at", face.enrolled_at},
          {"chip", face.chip.empty() ? Json(nullptr) : Json(face.chip)},
          {"photo", face.photo.empty() ? Json(nullptr) : Json(face.photo)}};
}

Json details_of(const gallery::PersonDetails& details) {
  Json json = person_of(details.person);
  json["faces"] = Json::array();
  for (const gallery::EnrolledFace& face : details.faces) json["faces"].push_back(face_facts(face));
  return json;
}

std::string closed(Json& json) {
  json["errors"] = Json::array();
  return text_of(json);
}

Json persons_of(const usecases::PersonList& list) {
  Json json = document("gallery-list");
  json["persons"] = Json::array();
  for (const gallery::Person& person : list.persons) json["persons"].push_back(person_of(person));
  return json;
}

}  // namespace visavis::wire
