#include "visavis/wire/people.hpp"

#include <string>
#include <utility>
#include <visavis/usecases/people.hpp>

#include "document.hpp"
#include "parts.hpp"

namespace visavis::wire {
namespace {

Json judged_of(const usecases::JudgedFace& face) {
  Json json{{"box", box_of(face.box)}, {"confidence", number(face.confidence)}};
  if (face.landmarks) json["landmarks"] = landmarks_of(*face.landmarks);
  json.update(quality_of(face.quality));
  return json;
}

Json identified_of(const usecases::IdentifiedFace& face) {
  Json json = judged_of(face.face);
  json["decision"] = face.person ? "match" : "unknown";
  json["person"] = face.person ? Json(*face.person) : Json(nullptr);
  json["candidates"] = Json::array();
  for (const usecases::Candidate& candidate : face.candidates)
    json["candidates"].push_back({{"person", candidate.person},
                                  {"name", candidate.name},
                                  {"similarity", number(candidate.similarity)},
                                  {"score", number(candidate.score)}});
  return json;
}

}  // namespace

std::string to_json(const usecases::Verification& verification) {
  Json json = document("verify");
  const bool answered = verification.answered;
  json["same"] = answered ? Json(verification.same) : Json(nullptr);
  json["similarity"] = answered ? number(verification.similarity) : Json(nullptr);
  json["score"] = answered ? number(verification.score) : Json(nullptr);
  json["probability"] =
      verification.probability ? number(*verification.probability) : Json(nullptr);
  add_bar(json, verification.bar);
  json["a"] = answered ? judged_of(verification.a) : Json(nullptr);
  json["b"] = answered ? judged_of(verification.b) : Json(nullptr);
  json["warnings"] = verification.warnings;
  json["errors"] = errors_of(verification.errors);
  add_run(json, verification.run);
  return text_of(json);
}

std::string to_json(const usecases::Enrolment& enrolment) {
  Json json = document("enrol");
  json["enrolled"] = Json::array();
  for (const usecases::Enrolment::Enrolled& one : enrolment.enrolled)
    json["enrolled"].push_back({{"path", one.path},
                                {"person", one.person},
                                {"face_id", one.face_id},
                                {"quality", number(one.quality)}});
  json["refused"] = Json::array();
  for (const usecases::Enrolment::Refused& one : enrolment.refused)
    json["refused"].push_back({{"path", one.path},
                               {"reason", usecases::to_string(one.reason)},
                               {"message", one.message}});
  json["already"] = enrolment.already;
  json["errors"] = errors_of(enrolment.errors);
  add_run(json, enrolment.run);
  return text_of(json);
}

std::string to_json(const usecases::Identification& identification) {
  Json json = document("identify");
  json["images"] = Json::array();
  for (const usecases::IdentifiedPhoto& photo : identification.photos) {
    Json image = photo_of(photo.photo);
    image["faces"] = Json::array();
    for (const usecases::IdentifiedFace& face : photo.faces)
      image["faces"].push_back(identified_of(face));
    if (!photo.drawn.empty()) image["drawn"] = photo.drawn.string();
    json["images"].push_back(std::move(image));
  }
  add_bar(json, identification.bar);
  json["persons"] = identification.persons;
  json["fusion"] = gallery::to_string(identification.fusion);
  json["errors"] = errors_of(identification.errors);
  add_run(json, identification.run);
  return text_of(json);
}

std::string to_json(const usecases::Clustering& clustering) {
  Json json = document("cluster");
  json["faces"] = Json::array();
  for (const usecases::ClusteredFace& face : clustering.faces)
    json["faces"].push_back({{"path", face.path},
                             {"face", face.face},
                             {"box", box_of(face.box)},
                             {"quality", number(face.quality)},
                             {"group", face.group}});
  json["groups"] = clustering.groups;
  json["grouped"] = clustering.grouped;
  json["cluster_ms"] = number(clustering.cluster_ms);
  add_bar(json, clustering.bar);
  json["errors"] = errors_of(clustering.errors);
  add_run(json, clustering.run);
  return text_of(json);
}

}  // namespace visavis::wire
