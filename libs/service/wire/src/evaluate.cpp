#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <visavis/matching/matching.hpp>
#include <visavis/protocols/identification.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/usecases/evaluate.hpp>

#include "document.hpp"
#include "parts.hpp"
#include "visavis/wire/json.hpp"

namespace visavis::wire {
namespace {

/// Rates are keys of objects: 0.001 is "1e-3".
std::string rate_name(double far) {
  const int exponent = static_cast<int>(std::lround(std::log10(far)));
  if (std::abs(std::pow(10.0, exponent) / far - 1) < 1e-9) return "1e" + std::to_string(exponent);
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), far).ptr;
  return {text.data(), end};
}

Json json_of(const protocols::VerificationFigures& figures) {
  Json json;
  json["pairs"] = figures.pairs;
  json["accuracy"] = nullptr;
  if (figures.accuracy)
    json["accuracy"] = {{"mean", number(figures.accuracy->mean)},
                        {"std", number(figures.accuracy->std)},
                        {"folds", figures.accuracy->folds}};
  json["eer"] = number(figures.eer);
  json["auc"] = number(figures.auc);
  json["tar_at_far"] = Json::object();
  json["thresholds"] = Json::object();
  for (const protocols::OperatingPoint& point : figures.points) {
    json["tar_at_far"][rate_name(point.far)] = number(point.tar);
    json["thresholds"][rate_name(point.far)] = number(point.threshold);
  }
  return json;
}

Json interval_of(const protocols::RateWithInterval& rate) {
  if (!rate.interval) return nullptr;
  return {number(rate.interval->low), number(rate.interval->high)};
}

}  // namespace

std::string to_json(const usecases::EvaluatedPairs& verification) {
  const protocols::VerificationReport& report = verification.report;
  Json json = document("evaluate-verification");
  json["protocol"] = report.protocol;
  json.update(json_of(report.all));
  json["score_kind"] = matching::to_string(report.score_kind);
  json["images"] = report.images;
  json["failed_images"] = report.failed_images;
  json["without_failures"] =
      report.without_failures ? json_of(*report.without_failures) : Json(nullptr);
  json["from_cache"] = verification.from_cache;
  json["without_face"] = verification.without_face;
  json["errors"] = errors_of(verification.errors);
  add_run(json, verification.run);
  return text_of(json);
}

std::string to_json(const usecases::EvaluatedProbes& identification) {
  const protocols::IdentificationReport& report = identification.report;
  Json json = document("evaluate-identification");
  json["people"] = report.people;
  json["mated"] = report.mated;
  json["non_mated"] = report.non_mated;
  json["rank"] = Json::object();
  for (std::size_t k = 0; k < report.ranks.size(); ++k)
    json["rank"][std::to_string(k + 1)] = number(report.ranks[k]);
  json["rank_1_interval"] = report.rank_1 ? interval_of(*report.rank_1) : Json(nullptr);
  for (const char* part : {"fnir_at_fpir", "fnir_intervals", "thresholds"})
    json[part] = Json::object();
  for (const protocols::OpenSetPoint& point : report.points) {
    json["fnir_at_fpir"][rate_name(point.fpir)] = number(point.fnir.value);
    json["fnir_intervals"][rate_name(point.fpir)] = interval_of(point.fnir);
    json["thresholds"][rate_name(point.fpir)] = number(point.threshold);
  }
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
                                {"observed_frr", number(rate.observed_frr)}});
  json["observed_fpir"] = Json::array();
  for (const protocols::ObservedFpir& rate : calibrated.observed_fpir)
    json["observed_fpir"].push_back({{"gallery_size", rate.promised.persons},
                                     {"fpir", number(rate.promised.fpir)},
                                     {"threshold", number(rate.promised.threshold)},
                                     {"mean", number(rate.mean)},
                                     {"low", number(rate.low)},
                                     {"high", number(rate.high)}});
  json["from_cache"] = calibrated.from_cache;
  json["without_face"] = calibrated.without_face;
  json["errors"] = errors_of(calibrated.errors);
  add_run(json, calibrated.run);
  return text_of(json);
}

}  // namespace visavis::wire
