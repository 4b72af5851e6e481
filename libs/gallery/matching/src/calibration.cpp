#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "visavis/core/result.hpp"
#include "visavis/matching/likelihood.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::matching {
namespace {

using nlohmann::json;

constexpr std::string_view kSchema = "visavis.calibration/1";
constexpr std::size_t kHexDigits = 16;

std::string number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

auto wrong(const std::string& field, const std::string& why) {
  return fail(ErrorCode::kDecodeFailed, "calibration: \"" + field + "\" " + why);
}

/// A finite number, or nothing.
std::optional<double> finite(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number()) return std::nullopt;
  const double value = it->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<std::string> text(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_string()) return std::nullopt;
  return it->get<std::string>();
}

/// A count that may be absent (0).
std::optional<std::uint64_t> count(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end()) return 0;
  if (!it->is_number_unsigned()) return std::nullopt;
  return it->get<std::uint64_t>();
}

Result<Threshold> parse_point(const json& entry, const Calibration& before) {
  const std::string field = "by_far[" + std::to_string(before.by_far.size()) + "]";
  if (!entry.is_object()) return wrong(field, "must be an object");
  const auto far = finite(entry, "far");
  if (!far || *far <= 0 || *far >= 1) return wrong(field + ".far", "must be between 0 and 1");
  const auto threshold = finite(entry, "threshold");
  if (!threshold) return wrong(field + ".threshold", "must be a number");
  if (!before.by_far.empty()) {
    if (*far >= before.by_far.back().far)
      return wrong(field + ".far", "must be below the point before it");
    if (*threshold < before.by_far.back().threshold)
      return wrong(field + ".threshold", "must not be below the point before it");
  }
  Threshold point{.far = *far, .threshold = *threshold};
  if (entry.contains("frr")) {
    const auto frr = finite(entry, "frr");
    if (!frr || *frr < 0 || *frr > 1) return wrong(field + ".frr", "must be between 0 and 1");
    point.frr = *frr;
  }
  const auto interval = entry.find("far_interval");
  if (interval == entry.end()) return point;
  const std::string why = "must be two rates, the lower one first";
  if (!interval->is_array() || interval->size() != 2 || !interval->at(0).is_number() ||
      !interval->at(1).is_number())
    return wrong(field + ".far_interval", why);
  point.far_interval = RateInterval{.low = interval->at(0), .high = interval->at(1)};
  if (!(point.far_interval->low >= 0 && point.far_interval->low <= point.far_interval->high &&
        point.far_interval->high <= 1))
    return wrong(field + ".far_interval", why);
  return point;
}

Result<FpirPoint> parse_fpir_point(const json& entry, const std::vector<FpirPoint>& before) {
  const std::string field = "by_fpir[" + std::to_string(before.size()) + "]";
  if (!entry.is_object()) return wrong(field, "must be an object");
  const auto persons = count(entry, "gallery_size");
  if (!persons || *persons == 0)
    return wrong(field + ".gallery_size", "must be a whole number of persons above 0");
  const auto fpir = finite(entry, "fpir");
  if (!fpir || *fpir <= 0 || *fpir >= 1) return wrong(field + ".fpir", "must be between 0 and 1");
  const auto threshold = finite(entry, "threshold");
  if (!threshold) return wrong(field + ".threshold", "must be a number");
  const auto extrapolated = entry.find("extrapolated");
  if (extrapolated != entry.end() && !extrapolated->is_boolean())
    return wrong(field + ".extrapolated", "must be true or false");
  const FpirPoint point{.persons = *persons,
                        .fpir = *fpir,
                        .threshold = *threshold,
                        .extrapolated = extrapolated != entry.end() && extrapolated->get<bool>()};
  if (before.empty() || point.persons > before.back().persons) return point;
  if (point.persons < before.back().persons)
    return wrong(field + ".gallery_size", "must not be below the point before it");
  if (point.fpir >= before.back().fpir)
    return wrong(field + ".fpir", "must be below the point before it");
  if (point.threshold < before.back().threshold)
    return wrong(field + ".threshold", "must not be below the point before it");
  return point;
}

Result<void> parse_fpir(const json& document, Calibration& calibration) {
  const auto points = document.find("by_fpir");
  if (points == document.end()) return {};
  if (!points->is_array()) return wrong("by_fpir", "must be a list");
  for (const json& entry : *points) {
    VISAVIS_TRY(point, parse_fpir_point(entry, calibration.by_fpir));
    calibration.by_fpir.push_back(point);
  }
  return {};
}

Result<void> parse_probability(const json& document, Calibration& calibration) {
  const auto it = document.find("probability");
  if (it == document.end()) return {};
  constexpr const char* kRule = R"(must have a "slope" above 0 and an "intercept")";
  if (!it->is_object()) return wrong("probability", kRule);
  const double slope = finite(*it, "slope").value_or(0);
  const auto intercept = finite(*it, "intercept");
  if (slope <= 0 || !intercept) return wrong("probability", kRule);
  calibration.probability = ProbabilityMap{.slope = slope, .intercept = *intercept};
  return {};
}

Result<void> parse_norm(const json& document, Calibration& calibration) {
  const auto it = document.find("norm");
  if (it == document.end()) return {};
  constexpr const char* kRule = R"(must have a "low" of at least 0 and a "high" above it)";
  if (!it->is_object()) return wrong("norm", kRule);
  const double low = finite(*it, "low").value_or(-1);
  const double high = finite(*it, "high").value_or(-1);
  if (low < 0 || high <= low) return wrong("norm", kRule);
  calibration.norm = NormRange{.low = low, .high = high};
  return {};
}

/// As many finite numbers as there are places.
template <std::size_t kCount>
Result<std::array<double, kCount>> parse_numbers(const json& object, const std::string& of,
                                                 const char* key) {
  std::array<double, kCount> numbers{};
  const auto it = object.find(key);
  const auto refuse = [&] {
    return wrong(of + "." + key, "must be a list of " + std::to_string(kCount) + " numbers");
  };
  if (it == object.end() || !it->is_array() || it->size() != kCount) return refuse();
  for (std::size_t i = 0; i < kCount; ++i) {
    if (!(*it)[i].is_number()) return refuse();
    numbers[i] = (*it)[i].get<double>();
    if (!std::isfinite(numbers[i])) return refuse();
  }
  return numbers;
}

Result<CosineLaw> parse_law(const json& object, const char* key) {
  const std::string of = std::string("quality_aware.likelihood_ratio.") + key;
  const auto it = object.find(key);
  if (it == object.end() || !it->is_object()) return wrong(of, "must be an object");
  VISAVIS_TRY(mean, parse_numbers<kPairTerms>(*it, of, "mean"));
  VISAVIS_TRY(log_variance, parse_numbers<kPairTerms>(*it, of, "log_variance"));
  return CosineLaw{.mean = mean, .log_variance = log_variance};
}

Result<LikelihoodRatio> parse_ratio(const json& aware) {
  const std::string of = "quality_aware.likelihood_ratio";
  const auto it = aware.find("likelihood_ratio");
  if (it == aware.end() || !it->is_object()) return wrong(of, "must be an object");
  VISAVIS_TRY(centre, parse_numbers<2>(*it, of, "centre"));
  VISAVIS_TRY(scale, parse_numbers<2>(*it, of, "scale"));
  if (!(scale[0] > 0) || !(scale[1] > 0)) return wrong(of + ".scale", "must be above 0");
  VISAVIS_TRY(genuine, parse_law(*it, "genuine"));
  VISAVIS_TRY(impostor, parse_law(*it, "impostor"));
  return LikelihoodRatio{
      .centre = centre, .scale = scale, .genuine = genuine, .impostor = impostor};
}

Result<void> parse_quality_aware(const json& document, Calibration& calibration) {
  const auto it = document.find("quality_aware");
  if (it == document.end()) return {};
  if (!it->is_object()) return wrong("quality_aware", "must be an object");
  QualityAware aware;
  const auto alpha = finite(*it, "alpha");
  const auto beta = finite(*it, "beta");
  if (alpha.has_value() != beta.has_value())
    return wrong("quality_aware", R"(must have both "alpha" and "beta", or neither)");
  if (alpha) aware.line = QualityLine{.alpha = *alpha, .beta = *beta};
  VISAVIS_TRY(ratio, parse_ratio(*it));
  aware.ratio = ratio;
  aware.provenance = text(*it, "provenance").value_or("");
  calibration.quality_aware = std::move(aware);
  return {};
}

nlohmann::ordered_json json_of(const CosineLaw& law) {
  return {{"mean", law.mean}, {"log_variance", law.log_variance}};
}

nlohmann::ordered_json json_of(const QualityAware& aware) {
  nlohmann::ordered_json object;
  if (aware.line) {
    object["alpha"] = aware.line->alpha;
    object["beta"] = aware.line->beta;
  }
  object["likelihood_ratio"] = {{"centre", aware.ratio.centre},
                                {"scale", aware.ratio.scale},
                                {"genuine", json_of(aware.ratio.genuine)},
                                {"impostor", json_of(aware.ratio.impostor)}};
  object["provenance"] = aware.provenance;
  return object;
}

Result<void> parse_head(const json& document, Calibration& calibration) {
  if (text(document, "schema") != kSchema)
    return wrong("schema", "must be \"" + std::string(kSchema) + "\"");
  const auto model = parse_model_id(text(document, "model").value_or(""));
  if (!model) return wrong("model", "must be 16 lower-case hexadecimal digits");
  calibration.model = *model;
  const auto kind = text(document, "score_kind");
  if (kind == to_string(ScoreKind::kCosine)) {
    calibration.score_kind = ScoreKind::kCosine;
  } else if (kind == to_string(ScoreKind::kQualityAware)) {
    calibration.score_kind = ScoreKind::kQualityAware;
  } else {
    return wrong("score_kind", R"(must be "cosine" or "quality_aware")");
  }
  const auto impostors = count(document, "impostor_pairs");
  if (!impostors) return wrong("impostor_pairs", "must be a whole number");
  calibration.impostor_pairs = *impostors;
  const auto genuine = count(document, "genuine_pairs");
  if (!genuine) return wrong("genuine_pairs", "must be a whole number");
  calibration.genuine_pairs = *genuine;
  const auto provenance = text(document, "provenance");
  if (!provenance || provenance->empty()) return wrong("provenance", "must be a sentence");
  calibration.provenance = *provenance;
  return {};
}

}  // namespace

std::string to_text(ModelId model) {
  std::string text(kHexDigits, '0');
  auto value = static_cast<std::uint64_t>(model);
  for (std::size_t i = kHexDigits; i-- > 0; value >>= 4U) text[i] = "0123456789abcdef"[value & 15U];
  return text;
}

std::optional<ModelId> parse_model_id(std::string_view text) noexcept {
  if (text.size() != kHexDigits || text.find_first_not_of("0123456789abcdef") != text.npos)
    return std::nullopt;
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return static_cast<ModelId>(value);
}

Result<Calibration> parse_calibration(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object())
    return fail(ErrorCode::kDecodeFailed, "the calibration is not a JSON object");
  Calibration calibration;
  VISAVIS_CHECK(parse_head(document, calibration));
  VISAVIS_CHECK(parse_norm(document, calibration));
  VISAVIS_CHECK(parse_probability(document, calibration));
  VISAVIS_CHECK(parse_quality_aware(document, calibration));
  const auto points = document.find("by_far");
  if (points == document.end() || !points->is_array()) return wrong("by_far", "must be a list");
  for (const json& entry : *points) {
    VISAVIS_TRY(point, parse_point(entry, calibration));
    calibration.by_far.push_back(point);
  }
  VISAVIS_CHECK(parse_fpir(document, calibration));
  return calibration;
}

std::string to_json(const Calibration& calibration) {
  nlohmann::ordered_json document;
  document["schema"] = kSchema;
  document["model"] = to_text(calibration.model);
  document["score_kind"] = to_string(calibration.score_kind);
  document["by_far"] = json::array();
  for (const Threshold& point : calibration.by_far) {
    nlohmann::ordered_json entry;
    entry["far"] = point.far;
    entry["threshold"] = point.threshold;
    if (point.frr >= 0) entry["frr"] = point.frr;
    if (point.far_interval)
      entry["far_interval"] = {point.far_interval->low, point.far_interval->high};
    document["by_far"].push_back(std::move(entry));
  }
  for (const FpirPoint& point : calibration.by_fpir) {
    nlohmann::ordered_json entry{
        {"gallery_size", point.persons}, {"fpir", point.fpir}, {"threshold", point.threshold}};
    if (point.extrapolated) entry["extrapolated"] = true;
    document["by_fpir"].push_back(std::move(entry));
  }
  if (calibration.probability)
    document["probability"] = {{"slope", calibration.probability->slope},
                               {"intercept", calibration.probability->intercept}};
  document["impostor_pairs"] = calibration.impostor_pairs;
  document["genuine_pairs"] = calibration.genuine_pairs;
  if (calibration.norm)
    document["norm"] = {{"low", calibration.norm->low}, {"high", calibration.norm->high}};
  if (calibration.quality_aware) document["quality_aware"] = json_of(*calibration.quality_aware);
  document["provenance"] = calibration.provenance;
  // Replaces what is not UTF-8 instead of throwing.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Threshold> threshold_at(const Calibration& calibration, double far) {
  if (!(far > 0 && far < 1))
    return fail(ErrorCode::kInvalidArgument, "a false accept rate lies between 0 and 1");
  std::string points;
  for (const Threshold& point : calibration.by_far) {
    if (point.far <= far) return point;
    points += (points.empty() ? "" : ", ") + number(point.far);
  }
  if (points.empty())
    return fail(ErrorCode::kInvalidArgument, "the model's calibration has no points");
  return fail(ErrorCode::kInvalidArgument,
              "no calibrated point is as strict as a false accept rate "
              "of " +
                  number(far) + "; there are " + points);
}

Result<FpirPoint> threshold_at_fpir(const Calibration& calibration, double fpir,
                                    std::uint64_t persons) {
  if (!(fpir > 0 && fpir < 1))
    return fail(ErrorCode::kInvalidArgument,
                "a false positive identification rate lies between 0 and 1");
  std::uint64_t enough = 0;  // the smallest calibrated gallery that is not smaller
  std::string points;
  for (const FpirPoint& point : calibration.by_fpir) {
    if (enough == 0 && point.persons >= persons) enough = point.persons;
    if (point.persons == enough && point.fpir <= fpir) return point;
    points.append(points.empty() ? "" : ", ").append(number(point.fpir));
    points.append(" for ").append(std::to_string(point.persons));
  }
  if (points.empty())
    return fail(ErrorCode::kInvalidArgument, "the model's calibration has no FPIR points");
  return fail(ErrorCode::kInvalidArgument,
              "no calibrated point is as strict as a false positive identification rate of " +
                  number(fpir) + " among " + std::to_string(persons) + " persons; there are " +
                  points);
}

}  // namespace visavis::matching
