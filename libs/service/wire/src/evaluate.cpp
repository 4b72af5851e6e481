#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/matching/matching.hpp>
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/metrics/clustering.hpp>
#include <visavis/metrics/histogram.hpp>
#include <visavis/metrics/reliability.hpp>
#include <visavis/protocols/all_pairs.hpp>
#include <visavis/protocols/detection.hpp>
#include <visavis/protocols/groups.hpp>
#include <visavis/protocols/identification.hpp>
#include <visavis/protocols/rate.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/usecases/evaluate.hpp>

#include "document.hpp"
#include "parts.hpp"
#include "visavis/wire/json.hpp"

namespace visavis::wire {
namespace {

Json json_of(const protocols::FixedThreshold& fixed) {
  return {{"threshold", number(fixed.threshold)},
          {"accuracy", number(fixed.accuracy.value)},
          {"accuracy_interval", interval_of(fixed.accuracy.interval)},
          {"far", number(fixed.far.value)},
          {"far_interval", interval_of(fixed.far.interval)},
          {"frr", number(fixed.frr.value)},
          {"frr_interval", interval_of(fixed.frr.interval)}};
}

Json number_or_null(const std::optional<double>& value) {
  return value ? number(*value) : Json(nullptr);
}

void add_points(Json& json, const std::vector<protocols::OperatingPoint>& points) {
  for (const char* part : {"tar_at_far", "tar_intervals", "thresholds"})
    json[part] = Json::object();
  for (const protocols::OperatingPoint& point : points) {
    json["tar_at_far"][rate_name(point.far)] = number(point.tar);
    json["tar_intervals"][rate_name(point.far)] = interval_of(point.tar_interval);
    json["thresholds"][rate_name(point.far)] = number(point.threshold);
  }
}

Json json_of(const protocols::VerificationFigures& figures) {
  Json json;
  json["pairs"] = figures.pairs;
  json["accuracy"] = nullptr;
  if (figures.accuracy)
    json["accuracy"] = {{"mean", number(figures.accuracy->mean)},
                        {"std", number(figures.accuracy->std)},
                        {"folds", figures.accuracy->folds}};
  json["accuracy_interval"] = interval_of(figures.accuracy_interval);
  json["at_threshold"] = figures.fixed ? json_of(*figures.fixed) : Json(nullptr);
  json["eer"] = number(figures.eer);
  json["eer_interval"] = interval_of(figures.eer_interval);
  json["auc"] = number(figures.auc);
  json["auc_interval"] = interval_of(figures.auc_interval);
  json["d_prime"] = number_or_null(figures.d_prime);
  json["d_prime_interval"] = interval_of(figures.d_prime_interval);
  add_points(json, figures.points);
  return json;
}

Json json_of(const metrics::Bounds& bounds) { return {number(bounds.low), number(bounds.high)}; }

Json json_of(const protocols::AllPairsFigures& figures) {
  Json json;
  json["pairs"] = figures.genuine + figures.impostor;
  json["genuine"] = figures.genuine;
  json["impostor"] = figures.impostor;
  json["accuracy"] = nullptr;
  json["eer"] = number((figures.eer.low + figures.eer.high) / 2);
  json["eer_bounds"] = json_of(figures.eer);
  json["eer_interval"] = interval_of(figures.eer_interval);
  json["auc"] = number((figures.auc.low + figures.auc.high) / 2);
  json["auc_bounds"] = json_of(figures.auc);
  json["auc_interval"] = interval_of(figures.auc_interval);
  json["d_prime"] = number_or_null(figures.d_prime);
  json["d_prime_interval"] = interval_of(figures.d_prime_interval);
  add_points(json, figures.points);
  return json;
}

/// Adds a rate and, under the name with _interval, its interval; both null if there is none.
void add_rate(Json& json, const std::string& name,
              const std::optional<protocols::RateWithInterval>& rate) {
  json[name] = rate ? number(rate->value) : Json(nullptr);
  json[name + "_interval"] = rate ? interval_of(rate->interval) : Json(nullptr);
}

Json json_of(const std::optional<protocols::GroupReport>& report) {
  if (!report) return nullptr;
  Json points = Json::array();
  for (const protocols::GroupPoint& point : report->points) {
    Json groups = Json::array();
    for (const protocols::GroupRates& rates : point.groups) {
      Json group{{"group", rates.group},
                 {"people", rates.people},
                 {"genuine", rates.genuine},
                 {"impostor", rates.impostor}};
      add_rate(group, "fmr", rates.fmr);
      add_rate(group, "fnmr", rates.fnmr);
      groups.push_back(std::move(group));
    }
    points.push_back({{"far", number_or_null(point.far)},
                      {"threshold", number(point.threshold)},
                      {"groups", std::move(groups)}});
  }
  return {{"ungrouped_people", report->ungrouped_people}, {"points", std::move(points)}};
}

Json json_of(const std::optional<protocols::GroupSearchReport>& report) {
  if (!report) return nullptr;
  Json points = Json::array();
  for (const protocols::GroupSearchPoint& point : report->points) {
    Json groups = Json::array();
    for (const protocols::GroupSearches& rates : point.groups) {
      Json group{{"group", rates.group},
                 {"people", rates.people},
                 {"mated", rates.mated},
                 {"non_mated", rates.non_mated}};
      add_rate(group, "fnir", rates.fnir);
      add_rate(group, "fpir", rates.fpir);
      groups.push_back(std::move(group));
    }
    points.push_back({{"fpir", number(point.fpir)},
                      {"threshold", number(point.threshold)},
                      {"groups", std::move(groups)}});
  }
  return {{"ungrouped_people", report->ungrouped_people}, {"points", std::move(points)}};
}

Json json_of(const std::optional<metrics::Reliability>& found) {
  if (!found) return nullptr;
  Json bins = Json::array();
  for (const metrics::ReliabilityBin& bin : found->bins)
    bins.push_back({{"low", number(bin.low)},
                    {"high", number(bin.high)},
                    {"share", number(bin.share)},
                    {"said", number(bin.said)},
                    {"happened", number(bin.happened)}});
  return {{"expected_error", number(found->expected_error)}, {"bins", std::move(bins)}};
}

std::string_view truth_name(protocols::TruthKind kind) {
  switch (kind) {
    case protocols::TruthKind::kCount:
      return "counts";
    case protocols::TruthKind::kBoxes:
      return "boxes";
    case protocols::TruthKind::kPoints:
      return "points";
  }
  return "";
}

Json json_of(const protocols::LandmarkErrors& errors) {
  return {{"faces", errors.faces},
          {"nme", number(errors.mean)},
          {"nme_interval", interval_of(errors.mean_interval)},
          {"median", number(errors.median)},
          {"ninetieth", number(errors.ninetieth)},
          {"above_tenth", number(errors.above_tenth)}};
}

Json json_of(const metrics::PrecisionRecall& measure) {
  return {{"precision", number(measure.precision)},
          {"recall", number(measure.recall)},
          {"f", number(measure.f)}};
}

}  // namespace

std::string to_json(const usecases::EvaluatedPairs& verification) {
  const protocols::VerificationReport& report = verification.report;
  Json json = document("evaluate-verification");
  json["protocol"] = report.protocol;
  json.update(json_of(report.all));
  json["score_kind"] = matching::to_string(report.score_kind);
  json["template_photos"] = verification.template_photos;
  json["repeated_pairs"] = report.repeated_pairs;
  json["images"] = report.images;
  json["failed_images"] = report.failed_images;
  json["groups"] = json_of(report.groups);
  json["without_failures"] =
      report.without_failures ? json_of(*report.without_failures) : Json(nullptr);
  json["from_cache"] = verification.from_cache;
  json["without_face"] = verification.without_face;
  json["errors"] = errors_of(verification.errors);
  add_run(json, verification.run);
  return text_of(json);
}

std::string to_json(const usecases::EvaluatedAllPairs& verification) {
  const protocols::AllPairsReport& report = verification.report;
  Json json = document("evaluate-verification");
  json["protocol"] = "all-pairs";
  json["people"] = report.people;
  json.update(json_of(report.all));
  json["score_kind"] = matching::to_string(report.score_kind);
  json["threshold_resolution"] = number(report.resolution);
  json["images"] = report.images;
  json["failed_images"] = report.failed_images;
  json["in_no_folder"] = verification.in_no_folder;
  json["missing_people"] = verification.missing_people;
  json["from_cache"] = verification.from_cache;
  json["groups"] = json_of(report.groups);
  json["without_failures"] =
      report.without_failures ? json_of(*report.without_failures) : Json(nullptr);
  json["without_face"] = verification.without_face;
  json["errors"] = errors_of(verification.errors);
  add_run(json, verification.run);
  return text_of(json);
}

std::string to_json(const usecases::EvaluatedDetection& detection) {
  const protocols::DetectionReport& report = detection.report;
  Json json = document("evaluate-detection");
  json["truth"] = truth_name(report.kind);
  json["faces"] = report.faces;
  json["detections"] = report.detections;
  add_rate(json, "recall", report.recall);
  add_rate(json, "precision", report.precision);
  json["average_precision"] = number_or_null(report.average_precision);
  json["landmarks"] = report.landmarks ? json_of(*report.landmarks) : Json(nullptr);
  json["images"] = report.images;
  json["failed_images"] = report.failed_images;
  json["errors"] = errors_of(detection.errors);
  add_run(json, detection.run);
  return text_of(json);
}

std::string to_json(const usecases::EvaluatedClustering& clustering) {
  Json json = document("evaluate-clustering");
  json["people"] = clustering.people;
  json["groups"] = clustering.groups;
  json["pairwise"] = json_of(clustering.pairwise);
  json["bcubed"] = json_of(clustering.bcubed);
  add_bar(json, clustering.bar);
  json["images"] = clustering.images;
  json["failed_images"] = clustering.failed_images;
  json["in_no_folder"] = clustering.in_no_folder;
  json["missing_people"] = clustering.missing_people;
  json["from_cache"] = clustering.from_cache;
  json["without_face"] = clustering.without_face;
  json["errors"] = errors_of(clustering.errors);
  add_run(json, clustering.run);
  return text_of(json);
}

std::string to_json(const usecases::EvaluatedProbes& identification) {
  const protocols::IdentificationReport& report = identification.report;
  Json json = document("evaluate-identification");
  json["people"] = report.people;
  json["mated"] = report.mated;
  json["non_mated"] = report.non_mated;
  add_searches(json, report);
  json["thresholds"] = Json::object();
  for (const protocols::OpenSetPoint& point : report.points)
    json["thresholds"][rate_name(point.fpir)] = number(point.threshold);
  json["groups"] = json_of(report.groups);
  json["template_photos"] = identification.template_photos;
  json["probes_in_gallery"] = report.probes_in_gallery;
  json["images"] = report.images;
  json["failed_images"] = report.failed_images;
  json["from_cache"] = identification.from_cache;
  json["without_face"] = identification.without_face;
  json["errors"] = errors_of(identification.errors);
  add_run(json, identification.run);
  return text_of(json);
}

std::string to_json(const usecases::Calibrated& calibrated) {
  Json json = document("calibrate");
  json["path"] = calibrated.path.string();
  json["calibration"] = Json::parse(matching::to_json(calibrated.calibration));
  json["observed"] = Json::array();
  for (const protocols::ObservedRate& rate : calibrated.observed)
    json["observed"].push_back({{"far", number(rate.far)},
                                {"threshold", number(rate.threshold)},
                                {"observed_far", number(rate.observed_far)},
                                {"observed_far_interval", interval_of(rate.observed_far_interval)},
                                {"observed_frr", number(rate.observed_frr)}});
  json["observed_fpir"] = Json::array();
  for (const protocols::ObservedFpir& rate : calibrated.observed_fpir)
    json["observed_fpir"].push_back({{"gallery_size", rate.promised.persons},
                                     {"fpir", number(rate.promised.fpir)},
                                     {"threshold", number(rate.promised.threshold)},
                                     {"mean", number(rate.mean)},
                                     {"low", number(rate.low)},
                                     {"high", number(rate.high)}});
  json["observed_probability"] = json_of(calibrated.observed_probability);
  json["from_cache"] = calibrated.from_cache;
  json["without_face"] = calibrated.without_face;
  json["errors"] = errors_of(calibrated.errors);
  add_run(json, calibrated.run);
  return text_of(json);
}

std::string compared_to_json(const std::string& page, std::size_t reports) {
  Json json = document("evaluate-compare");
  json["page"] = page;
  json["reports"] = reports;
  json["errors"] = Json::array();
  return text_of(json);
}

}  // namespace visavis::wire
