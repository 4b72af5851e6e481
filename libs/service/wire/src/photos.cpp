#include "visavis/wire/photos.hpp"

#include <string>
#include <vector>
#include <visavis/usecases/bench.hpp>
#include <visavis/usecases/photos.hpp>

#include "document.hpp"
#include "parts.hpp"

namespace visavis::wire {

std::string to_json(const usecases::Detection& detection) {
  Json json = document("detect");
  json["images"] = Json::array();
  for (const usecases::DetectedPhoto& photo : detection.photos) {
    Json image = photo_of(photo.photo);
    image["faces"] = Json::array();
    for (const Face& face : photo.faces) image["faces"].push_back(face_of(face));
    if (!photo.drawn.empty()) image["drawn"] = photo.drawn.string();
    json["images"].push_back(std::move(image));
  }
  json["errors"] = errors_of(detection.errors);
  add_run(json, detection.run);
  return text_of(json);
}

std::string to_json(const usecases::Alignment& alignment) {
  Json json = document("align");
  json["images"] = Json::array();
  for (const usecases::AlignedPhoto& photo : alignment.photos) {
    Json image = photo_of(photo.photo);
    image["faces"] = Json::array();
    for (const usecases::AlignedFace& aligned : photo.faces) {
      Json face = face_of(aligned.face);
      face["chip"] = aligned.chip.string();
      if (!aligned.floats.empty()) face["floats"] = aligned.floats.string();
      image["faces"].push_back(std::move(face));
    }
    json["images"].push_back(std::move(image));
  }
  json["errors"] = errors_of(alignment.errors);
  add_run(json, alignment.run);
  return text_of(json);
}

namespace {

/// A list for each face.
Json json_of(const std::vector<std::vector<usecases::ClassFact>>& faces) {
  Json lists = Json::array();
  for (const std::vector<usecases::ClassFact>& classes : faces) {
    Json list = Json::array();
    for (const usecases::ClassFact& fact : classes)
      list.push_back({{"class", fact.index},
                      {"label", fact.label.empty() ? Json(nullptr) : Json(fact.label)},
                      {"probability", number(fact.probability)}});
    lists.push_back(std::move(list));
  }
  return lists;
}

}  // namespace

std::string to_json(const usecases::Embeddings& embeddings) {
  Json json = document("embed");
  json["npy"] = embeddings.npy.empty() ? Json(nullptr) : Json(embeddings.npy.string());
  json["tsv"] = embeddings.tsv.empty() ? Json(nullptr) : Json(embeddings.tsv.string());
  json["rows"] = embeddings.rows;
  json["dimension"] = embeddings.dimension;
  json["images"] = Json::array();
  for (const usecases::EmbeddedPhoto& photo : embeddings.photos) {
    Json image = photo_of(photo.photo);
    image["first_row"] = photo.first_row;
    image["faces"] = photo.faces;
    if (embeddings.classified) image["classes"] = json_of(photo.classes);
    json["images"].push_back(std::move(image));
  }
  json["errors"] = errors_of(embeddings.errors);
  add_run(json, embeddings.run);
  return text_of(json);
}

std::string to_json(const usecases::Comparison& comparison) {
  Json json = document("compare");
  json["names"] = comparison.names;
  json["distances"] = Json::array();
  for (const std::vector<float>& row : comparison.distances) {
    Json numbers = Json::array();
    for (const float distance : row) numbers.push_back(number(distance));
    json["distances"].push_back(std::move(numbers));
  }
  json["metric"] = comparison.metric == usecases::Metric::kL2 ? "l2" : "cosine";
  json["without_face"] = comparison.without_face;
  json["errors"] = errors_of(comparison.errors);
  add_run(json, comparison.run);
  return text_of(json);
}

std::string to_json(const usecases::Benchmark& benchmark) {
  Json json = document("bench");
  add_run(json, benchmark.run);
  json["peak_memory_mib"] = number(benchmark.peak_memory_mib);
  json["stages"] = Json::array();
  for (const usecases::StageTime& row : benchmark.stages)
    json["stages"].push_back({{"stage", row.stage},
                              {"image", row.image},
                              {"p50_ms", number(row.p50_ms)},
                              {"p99_ms", number(row.p99_ms)},
                              {"n", row.count},
                              {"faces", row.faces}});
  json["errors"] = errors_of(benchmark.errors);
  return text_of(json);
}

}  // namespace visavis::wire
