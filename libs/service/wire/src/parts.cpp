#include "parts.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <visavis/matching/matching.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/vocab/face.hpp>

#include "document.hpp"

namespace visavis::wire {

Json box_of(const Box& box) {
  return {{"x", number(box.x)},
          {"y", number(box.y)},
          {"width", number(box.width)},
          {"height", number(box.height)}};
}

Json landmarks_of(const Landmarks& landmarks) {
  Json points = Json::array();
  for (const Point& point : landmarks)
    points.push_back(Json::array({number(point.x), number(point.y)}));
  return points;
}

Json face_of(const Face& face) {
  return {{"box", box_of(face.box)},
          {"confidence", number(face.confidence)},
          {"landmarks", landmarks_of(face.landmarks)}};
}

Json quality_of(const Quality& quality) {
  return {{"quality", number(quality.score)},
          {"quality_parts",
           {{"eye_distance_px", number(quality.eye_distance_px)},
            {"yaw_deg", number(quality.yaw_deg)},
            {"pitch_deg", number(quality.pitch_deg)},
            {"roll_deg", number(quality.roll_deg)},
            {"sharpness", number(quality.sharpness)},
            {"contrast", number(quality.contrast)},
            {"exposure", number(quality.exposure)},
            {"norm", number(quality.norm)}}}};
}

Json photo_of(const usecases::PhotoFacts& photo) {
  Json json{{"path", photo.path}, {"width", photo.width}, {"height", photo.height}};
  if (!photo.warnings.empty()) json["warnings"] = photo.warnings;
  return json;
}

std::string rate_name(double rate) {
  const int exponent = static_cast<int>(std::lround(std::log10(rate)));
  if (std::abs(std::pow(10.0, exponent) / rate - 1) < 1e-9) return "1e" + std::to_string(exponent);
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), rate).ptr;
  return {text.data(), end};
}

Json interval_of(const std::optional<metrics::Interval>& interval) {
  if (!interval) return nullptr;
  return {number(interval->low), number(interval->high)};
}

void add_searches(Json& json, const protocols::IdentificationReport& report) {
  json["rank"] = Json::object();
  for (std::size_t k = 0; k < report.ranks.size(); ++k)
    json["rank"][std::to_string(k + 1)] = number(report.ranks[k]);
  json["rank_1_interval"] = report.rank_1 ? interval_of(report.rank_1->interval) : Json(nullptr);
  for (const char* part : {"fnir_at_fpir", "fnir_intervals"}) json[part] = Json::object();
  for (const protocols::OpenSetPoint& point : report.points) {
    json["fnir_at_fpir"][rate_name(point.fpir)] = number(point.fnir.value);
    json["fnir_intervals"][rate_name(point.fpir)] = interval_of(point.fnir.interval);
  }
}

void add_run(Json& json, const usecases::RunFacts& run) {
  json["engine"] = run.engine;
  json["precision"] = run.precision;
  json["threads"] = run.threads;
  json["detector"] = run.detector;
  if (!run.recogniser.empty()) {
    json["recogniser"] = run.recogniser;
    json["model"] = run.model;
  }
  json["timings"] = {{"load_ms", number(run.load_ms)}, {"warm_up_ms", number(run.warm_up_ms)}};
}

void add_bar(Json& json, const usecases::Bar& bar) {
  json["threshold"] = number(bar.threshold);
  json["score_kind"] = matching::to_string(bar.score_kind);
  json["promise"] = nullptr;
  if (!bar.promise) return;
  json["promise"] = {{"kind", bar.promise->kind}, {"value", number(bar.promise->value)}};
  if (bar.promise->gallery_size) json["promise"]["gallery_size"] = *bar.promise->gallery_size;
  if (bar.promise->extrapolated) json["promise"]["extrapolated"] = true;
}

}  // namespace visavis::wire
