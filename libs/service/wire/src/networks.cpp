#include <string>
#include <vector>
#include <visavis/usecases/networks.hpp>

#include "document.hpp"
#include "visavis/wire/json.hpp"

namespace visavis::wire {
namespace {

Json json_of(const usecases::NetworkFacts& facts) {
  Json json;
  json["path"] = facts.path;
  json["format"] = facts.format;
  json["importer"] = facts.importer;
  json["sha256"] = facts.sha256;
  json["files"] = Json::array();
  for (const usecases::NetworkPart& part : facts.files)
    json["files"].push_back({{"name", part.name}, {"bytes", part.bytes}, {"sha256", part.sha256}});
  json["engine"] = facts.engine;
  json["engine_version"] = facts.engine_version;
  json["precision"] = facts.precision;
  json["parameters"] = facts.parameters;
  return json;
}

Json json_of(const usecases::AnswerLimits& limits) {
  Json json;
  json["max_abs"] = number(limits.max_abs);
  json["max_relative"] = number(limits.max_relative);
  json["min_cosine"] = number(limits.min_cosine);
  return json;
}

Json json_of(const usecases::DifferenceFacts& facts) {
  Json json;
  json["source"] = facts.source;
  json["result"] = facts.result;
  json["max_abs"] = number(facts.max_abs);
  json["max_relative"] = number(facts.max_relative);
  json["mean_abs"] = number(facts.mean_abs);
  json["mean_distance"] = number(facts.mean_distance);
  json["min_cosine"] = number(facts.min_cosine);
  json["finite"] = facts.finite;
  return json;
}

Json json_of(const usecases::JudgementFacts& facts) {
  Json json;
  json["inputs"] = facts.inputs;
  json["samples"] = facts.samples;
  json["self_cosine"] = number(facts.self_cosine);
  json["outputs"] = Json::array();
  for (const auto& output : facts.outputs) json["outputs"].push_back(json_of(output));
  return json;
}

Json json_of(const usecases::HalvedFacts& facts) {
  Json json;
  json["type"] = "f16";
  json["tensors"] = facts.tensors;
  json["numbers"] = facts.numbers;
  json["kept_f32"] = Json::array();
  for (const auto& kept : facts.kept)
    json["kept_f32"].push_back({{"name", kept.name}, {"reason", kept.reason}});
  return json;
}

Json json_of(const usecases::RecognitionEffect& effect) {
  Json json;
  json["passed"] = effect.passed;
  json["pairs"] = effect.pairs;
  json["pairs_sha256"] = effect.pairs_sha256;
  json["photos"] = effect.photos;
  json["threshold"] = number(effect.threshold);
  json["figures"] = Json::array();
  for (const auto& figure : effect.figures) {
    Json line;
    line["figure"] = figure.name;
    line["source"] = figure.before ? number(*figure.before) : Json(nullptr);
    line["result"] = number(figure.after);
    line["limit"] = number(figure.limit);
    line["passed"] = figure.passed;
    json["figures"].push_back(std::move(line));
  }
  json["recogniser"] = effect.run.recogniser;
  json["detector"] = effect.run.detector;
  json["source_engine"] = effect.run.engine;
  return json;
}

}  // namespace

std::string to_json(const usecases::Equivalence& answer) {
  Json json = document("equivalence");
  json["visavis"] = VISAVIS_VERSION;
  json["equivalent"] = answer.equivalent;
  json["source"] = json_of(answer.source);
  json["result"] = json_of(answer.result);
  json["limits"] = json_of(answer.limits);
  if (answer.unrounded_limits) json["limits"]["not_rounded"] = json_of(*answer.unrounded_limits);
  if (answer.halved) json["weights"] = json_of(*answer.halved);
  if (answer.fixed_size) json["fixed_size"] = *answer.fixed_size;
  json["random_seed"] = answer.questions.seed;
  json["other_form"] = answer.other_form.empty() ? Json(nullptr) : Json(answer.other_form);
  json["judgements"] = Json::array();
  for (const auto& judgement : answer.judgements) json["judgements"].push_back(json_of(judgement));
  json["first_difference"] = nullptr;
  if (answer.first) {
    Json first = json_of(answer.first->difference);
    first["operator"] = answer.first->op;
    first["same_layers_before"] = answer.first->same_before;
    first["source_shape"] = answer.first->source_shape;
    first["result_shape"] = answer.first->result_shape;
    json["first_difference"] = std::move(first);
  }
  json["recognition"] = answer.effect ? json_of(*answer.effect) : Json(nullptr);
  json["errors"] = errors_of(answer.errors);
  return text_of(json);
}

}  // namespace visavis::wire
