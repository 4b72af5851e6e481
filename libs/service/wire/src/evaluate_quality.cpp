#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <visavis/protocols/identification.hpp>
#include <visavis/quality/fit.hpp>
#include <visavis/quality_pairs/balance.hpp>
#include <visavis/quality_pairs/quality_pairs.hpp>
#include <visavis/usecases/evaluate_quality.hpp>

#include "document.hpp"
#include "parts.hpp"
#include "visavis/wire/json.hpp"

namespace visavis::wire {
namespace {

Json search_of(const protocols::IdentificationReport& report) {
  Json json{{"people", report.people}, {"mated", report.mated}, {"non_mated", report.non_mated}};
  add_searches(json, report);
  return json;
}

Json json_of(const usecases::QualityComparison& comparison) {
  Json json{{"genuine", comparison.genuine},
            {"impostor", comparison.impostor},
            {"failed", comparison.failed},
            {"average_precision", number(comparison.average_precision)}};
  for (const char* part : {"tar_at_far", "tar_intervals", "thresholds"})
    json[part] = Json::object();
  for (const quality_pairs::MatchPoint& point : comparison.points) {
    json["tar_at_far"][rate_name(point.far)] = number(point.tar.value);
    json["tar_intervals"][rate_name(point.far)] = interval_of(point.tar.interval);
    json["thresholds"][rate_name(point.far)] = number(point.threshold);
  }
  json["search"] = search_of(comparison.search);
  json["reject"] = Json::array();
  for (const quality_pairs::RejectPoint& point : comparison.reject)
    json["reject"].push_back({{"share", number(point.share)},
                              {"fnmr_by_quality", number(point.by_quality)},
                              {"fnmr_by_norm", number(point.by_norm)},
                              {"gain_interval", interval_of(point.gain)}});
  json["quality_aware"] = Json::array();
  for (const usecases::QualityAwareGain& one : comparison.quality_aware)
    json["quality_aware"].push_back(
        {{"score", one.score},
         {"fmr", number(one.lowered.fmr)},
         {"fnmr_cosine", number(one.lowered.before.value)},
         {"fnmr_cosine_interval", interval_of(one.lowered.before.interval)},
         {"fnmr", number(one.lowered.after.value)},
         {"fnmr_interval", interval_of(one.lowered.after.interval)},
         {"reduction", number(one.lowered.share.value)},
         {"reduction_interval", interval_of(one.lowered.share.interval)}});
  return json;
}

Json json_of(const quality_pairs::BalancedDraw& draw, const std::vector<std::string>& attributes) {
  Json cells = Json::array();
  for (const quality_pairs::Cell& cell : draw.cells) {
    Json values = Json::object();
    for (std::size_t k = 0; k < attributes.size(); ++k) values[attributes[k]] = cell.values[k];
    cells.push_back(
        {{"values", std::move(values)}, {"available", cell.available}, {"images", cell.photos}});
  }
  return {
      {"of_each", draw.of_each}, {"unlisted_images", draw.unlisted}, {"cells", std::move(cells)}};
}

Json json_of(const std::optional<usecases::QualityBalance>& balance) {
  if (!balance) return nullptr;
  return {{"of", balance->of_people ? "people" : "images"},
          {"high", json_of(balance->high, balance->attributes)},
          {"low", json_of(balance->low, balance->attributes)}};
}

}  // namespace

std::string to_json(const usecases::EvaluatedQuality& answer) {
  Json json = document("evaluate-quality");
  json["split"] = answer.split;
  json["degradations"] = answer.ways.empty() ? Json(nullptr) : Json(answer.ways);
  const bool is_drawn = !answer.ways.empty() || answer.balance.has_value();
  json["seed"] = is_drawn ? Json(answer.seed) : Json(nullptr);
  json["balance"] = json_of(answer.balance);
  json["people"] = answer.people;
  json["high_images"] = answer.high;
  json["low_images"] = answer.low;
  json["low_without_face"] = answer.low_without_face;
  for (const usecases::QualityComparison& comparison : answer.comparisons)
    json[comparison.kind] = json_of(comparison);
  json["fit"] = nullptr;
  if (answer.fit) {
    json["fit"] = {{"bias", number(answer.fit->bias)}, {"weights", Json::object()}};
    for (std::size_t k = 0; k < quality::kMeasures; ++k)
      json["fit"]["weights"][std::string(quality::kMeasureNames[k])] =
          number(answer.fit->weights[k]);
  }
  json["from_cache"] = answer.from_cache;
  json["without_face"] = answer.without_face;
  json["errors"] = errors_of(answer.errors);
  add_run(json, answer.run);
  return text_of(json);
}

}  // namespace visavis::wire
