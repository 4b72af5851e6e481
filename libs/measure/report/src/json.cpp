#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "visavis/report/report.hpp"

namespace visavis::report {
namespace {

using nlohmann::json;

constexpr std::string_view kSchema = "visavis.report/1";

/// A number that is not finite has no place in JSON.
void put(json& object, const char* key, double value) {
  if (std::isfinite(value)) object[key] = value;
}

void put(json& object, const std::optional<metrics::Interval>& interval) {
  if (interval) object["interval"] = {interval->low, interval->high};
}

json document(const Subject& subject) {
  return {{"recogniser", subject.recogniser},
          {"model", subject.model},
          {"flip", subject.flip},
          {"engine", subject.engine},
          {"engine_version", subject.engine_version},
          {"precision", subject.precision},
          {"detector", subject.detector},
          {"visavis", subject.program}};
}

json document(const Figure& figure) {
  json object = {{"name", figure.name}};
  put(object, "value", figure.value);
  put(object, figure.interval);
  return object;
}

json document(const OperatingPoint& point) {
  json object = {{"rate", point.rate}, {"missed", point.missed}};
  put(object, "threshold", point.threshold);
  put(object, point.interval);
  return object;
}

json document(const metrics::ErrorRates& rates) {
  json object = {{"fmr", rates.fmr}, {"fnmr", rates.fnmr}};
  put(object, "threshold", rates.threshold);
  return object;
}

json document(const metrics::PrecisionRecallPoint& point) {
  json object = {{"precision", point.precision}, {"recall", point.recall}};
  put(object, "threshold", point.threshold);
  return object;
}

json document(const metrics::IdentificationPoint& point) {
  json object = {{"fpir", point.fpir}, {"fnir", point.fnir}};
  put(object, "threshold", point.threshold);
  return object;
}

json document(const RejectPoint& point) {
  return {{"share", point.share}, {"by_quality", point.by_quality}, {"by_norm", point.by_norm}};
}

json document(const PhotoPair& pair) {
  json object = {{"a", pair.a}, {"b", pair.b}};
  put(object, "score", pair.score);
  if (!pair.a_template.empty()) object["a_template"] = pair.a_template;
  if (!pair.b_template.empty()) object["b_template"] = pair.b_template;
  return object;
}

template <class T>
json documents(const std::vector<T>& items) {
  json list = json::array();
  for (const T& item : items) list.push_back(document(item));
  return list;
}

json document(const Histogram& histogram) {
  return {{"low", histogram.low},
          {"high", histogram.high},
          {"genuine", histogram.genuine},
          {"impostor", histogram.impostor}};
}

/// Reads a report; the first thing that is wrong is kept.
class Reader {
 public:
  [[nodiscard]] const std::optional<std::string>& wrong() const noexcept { return wrong_; }

  void blame(const std::string& field, const char* why) {
    if (!wrong_) wrong_ = "report: \"" + field + "\" " + why;
  }

  std::string text(const json& object, const char* key) {
    const auto it = object.find(key);
    if (it != object.end() && it->is_string()) return it->get<std::string>();
    blame(key, "must be a text");
    return {};
  }

  std::string text_if_any(const json& object, const char* key) {
    return object.contains(key) ? text(object, key) : std::string();
  }

  /// What is not there was not finite.
  double number(const json& object, const char* key, double otherwise) {
    const auto it = object.find(key);
    if (it == object.end()) return otherwise;
    if (it->is_number()) return it->get<double>();
    blame(key, "must be a number");
    return otherwise;
  }

  double share(const json& object, const char* key) {
    const double value = number(object, key, -1);
    if (!(value >= 0 && value <= 1)) blame(key, "must be a number from 0 to 1");
    return value;
  }

  std::optional<metrics::Interval> interval(const json& object) {
    const auto it = object.find("interval");
    if (it == object.end()) return std::nullopt;
    const bool is_pair = it->is_array() && it->size() == 2 && (*it)[0].is_number() &&
                         (*it)[1].is_number() && (*it)[0] <= (*it)[1];
    if (is_pair)
      return metrics::Interval{.low = (*it)[0].get<double>(), .high = (*it)[1].get<double>()};
    blame("interval", "must be two rising numbers");
    return std::nullopt;
  }

  template <class T, class Read>
  std::vector<T> list(const json& object, const char* key, Read read) {
    std::vector<T> items;
    const auto it = object.find(key);
    if (it == object.end()) return items;
    if (!it->is_array()) {
      blame(key, "must be a list");
      return items;
    }
    for (const json& entry : *it) {
      if (entry.is_object())
        items.push_back(read(entry));
      else
        blame(key, "must be a list of objects");
    }
    return items;
  }

  template <class T, class Is>
  std::vector<T> numbers(const json& object, const char* key, Is is) {
    std::vector<T> items;
    const auto it = object.find(key);
    if (it == object.end()) return items;
    if (!it->is_array()) blame(key, "must be a list");
    for (const json& entry : *it) {
      if (!is(entry)) {
        blame(key, "must be a list of numbers");
        return {};
      }
      items.push_back(entry.template get<T>());
    }
    return items;
  }

  Subject subject(const json& object) {
    const auto it = object.find("subject");
    if (it == object.end() || !it->is_object()) {
      blame("subject", "must be an object");
      return {};
    }
    const auto flip = it->find("flip");
    if (flip == it->end() || !flip->is_boolean()) {
      blame("flip", "must be true or false");
      return {};
    }
    return {.recogniser = text(*it, "recogniser"),
            .model = text(*it, "model"),
            .flip = flip->get<bool>(),
            .engine = text(*it, "engine"),
            .engine_version = text(*it, "engine_version"),
            .precision = text(*it, "precision"),
            .detector = text(*it, "detector"),
            .program = text(*it, "visavis")};
  }

  Histogram histogram(const json& object) {
    const auto it = object.find("histogram");
    if (it == object.end()) return {};
    if (!it->is_object()) {
      blame("histogram", "must be an object");
      return {};
    }
    const auto is_count = [](const json& value) { return value.is_number_unsigned(); };
    Histogram read{.low = number(*it, "low", 0),
                   .high = number(*it, "high", 0),
                   .genuine = numbers<std::uint64_t>(*it, "genuine", is_count),
                   .impostor = numbers<std::uint64_t>(*it, "impostor", is_count)};
    if (read.genuine.size() != read.impostor.size())
      blame("histogram", "must have as many bins of either kind");
    if (!read.genuine.empty() && !(read.low < read.high))
      blame("histogram", "must have a low end below its high end");
    return read;
  }

  std::vector<OperatingPoint> points(const json& object, const char* key) {
    return list<OperatingPoint>(object, key, [this](const json& entry) {
      return OperatingPoint{.rate = share(entry, "rate"),
                            .missed = share(entry, "missed"),
                            .threshold = number(entry, "threshold", HUGE_VAL),
                            .interval = interval(entry)};
    });
  }

  std::vector<PhotoPair> pairs(const json& object, const char* key) {
    return list<PhotoPair>(object, key, [this](const json& entry) {
      return PhotoPair{.a = text(entry, "a"),
                       .b = text(entry, "b"),
                       .score = number(entry, "score", -HUGE_VAL),
                       .a_template = text_if_any(entry, "a_template"),
                       .b_template = text_if_any(entry, "b_template")};
    });
  }

 private:
  std::optional<std::string> wrong_;
};

Report read_report(Reader& reader, const json& object) {
  const auto is_share = [](const json& value) {
    return value.is_number() && value >= 0.0 && value <= 1.0;
  };
  return {.protocol = reader.text(object, "protocol"),
          .dataset = reader.text(object, "dataset"),
          .date = reader.text(object, "date"),
          .score_kind = reader.text(object, "score_kind"),
          .subject = reader.subject(object),
          .figures = reader.list<Figure>(object, "figures",
                                         [&](const json& entry) {
                                           return Figure{
                                               .name = reader.text(entry, "name"),
                                               .value = reader.number(entry, "value", HUGE_VAL),
                                               .interval = reader.interval(entry)};
                                         }),
          .rates = reader.list<metrics::ErrorRates>(
              object, "rates",
              [&](const json& entry) {
                return metrics::ErrorRates{.threshold = reader.number(entry, "threshold", HUGE_VAL),
                                           .fmr = reader.share(entry, "fmr"),
                                           .fnmr = reader.share(entry, "fnmr")};
              }),
          .precision_recall = reader.list<metrics::PrecisionRecallPoint>(
              object, "precision_recall",
              [&](const json& entry) {
                return metrics::PrecisionRecallPoint{
                    .threshold = reader.number(entry, "threshold", HUGE_VAL),
                    .precision = reader.share(entry, "precision"),
                    .recall = reader.share(entry, "recall")};
              }),
          .points = reader.points(object, "points"),
          .histogram = reader.histogram(object),
          .ranks = reader.numbers<double>(object, "ranks", is_share),
          .open_set = reader.list<metrics::IdentificationPoint>(
              object, "open_set",
              [&](const json& entry) {
                return metrics::IdentificationPoint{
                    .threshold = reader.number(entry, "threshold", HUGE_VAL),
                    .fpir = reader.share(entry, "fpir"),
                    .fnir = reader.share(entry, "fnir")};
              }),
          .open_set_points = reader.points(object, "open_set_points"),
          .reject = reader.list<RejectPoint>(object, "reject",
                                             [&](const json& entry) {
                                               return RejectPoint{
                                                   .share = reader.share(entry, "share"),
                                                   .by_quality = reader.share(entry, "by_quality"),
                                                   .by_norm = reader.share(entry, "by_norm")};
                                             }),
          .false_matches = reader.pairs(object, "false_matches"),
          .false_non_matches = reader.pairs(object, "false_non_matches")};
}

}  // namespace

std::string to_json(const Report& report) {
  const json object = {{"schema", kSchema},
                       {"protocol", report.protocol},
                       {"dataset", report.dataset},
                       {"date", report.date},
                       {"score_kind", report.score_kind},
                       {"subject", document(report.subject)},
                       {"figures", documents(report.figures)},
                       {"rates", documents(report.rates)},
                       {"precision_recall", documents(report.precision_recall)},
                       {"points", documents(report.points)},
                       {"histogram", document(report.histogram)},
                       {"ranks", report.ranks},
                       {"open_set", documents(report.open_set)},
                       {"open_set_points", documents(report.open_set_points)},
                       {"reject", documents(report.reject)},
                       {"false_matches", documents(report.false_matches)},
                       {"false_non_matches", documents(report.false_non_matches)}};
  return object.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<Report> parse_report(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  const auto schema = object.is_object() ? object.find("schema") : object.end();
  if (!object.is_object() || schema == object.end() || *schema != kSchema)
    return fail(ErrorCode::kDecodeFailed,
                "this is no report: it lacks \"schema\": \"" + std::string(kSchema) + "\"");
  Reader reader;
  Report report = read_report(reader, object);
  if (reader.wrong()) return fail(ErrorCode::kDecodeFailed, *reader.wrong());
  return report;
}

}  // namespace visavis::report
