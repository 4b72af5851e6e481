#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "document.hpp"
#include "visavis/wire/json.hpp"

namespace visavis::wire {
namespace {

using usecases::VerifiedModel;

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string_view name_of(VerifiedModel::Answer answer) {
  switch (answer) {
    case VerifiedModel::Answer::kPassed:
      return "passed";
    case VerifiedModel::Answer::kFailed:
      return "failed";
    case VerifiedModel::Answer::kUnchecked:
      return "unchecked";
  }
  return "";
}

Json size_or_null(std::uint64_t bytes) { return bytes == 0 ? Json(nullptr) : Json(bytes); }

Json json_of(const std::vector<usecases::MeasuredFact>& figures, const char* before,
             const std::string& after) {
  Json list = Json::array();
  for (const usecases::MeasuredFact& figure : figures)
    list.push_back({{"figure", figure.name},
                    {before, figure.before ? number(*figure.before) : Json(nullptr)},
                    {after, number(figure.after)}});
  return list;
}

Json json_of(const std::optional<usecases::MeasuredFacts>& measured, const std::string& precision) {
  if (!measured) return nullptr;
  return {{"model", measured->model},
          {"figures", json_of(measured->figures, "float", precision)},
          {"provenance", measured->provenance}};
}

/// Null without a certificate.
Json certificate_of(const usecases::FileFacts& file) {
  if (file.certified_on.empty()) return nullptr;
  Json engines = Json::array();
  for (const usecases::CertifiedFacts& engine : file.certified)
    engines.push_back({{"engine", engine.engine},
                       {"version", engine.version},
                       {"max_abs", number(engine.max_abs)},
                       {"min_cosine", number(engine.min_cosine)},
                       {"recognition", json_of(engine.recognition, "original", "result")}});
  return {{"inputs", file.certified_on},
          {"photos", text_or_null(file.certified_photos)},
          {"engines", engines}};
}

Json json_of(const usecases::FileFacts& file) {
  return {{"name", file.name},
          {"sha256", file.sha256},
          {"onnx_sha256", file.onnx_sha256},
          {"importer", file.importer},
          {"tag", text_or_null(file.tag)},
          {"signature", text_or_null(file.signature)},
          {"source", text_or_null(file.source)},
          {"member", text_or_null(file.member)},
          {"int8", file.is_int8},
          {"f16", file.is_f16},
          {"bytes", size_or_null(file.bytes)},
          {"certificate", certificate_of(file)},
          {"fetched", file.here}};
}

Json json_of(const usecases::ModelFacts& model) {
  Json files = Json::array();
  for (const usecases::FileFacts& file : model.files) files.push_back(json_of(file));
  return {{"id", model.id},
          {"title", model.title},
          {"role", model.role},
          {"family", model.family},
          {"input", model.input},
          {"alignment", model.alignment},
          {"dimension", model.dimension},
          {"weights_licence", model.weights_licence},
          {"terms", model.terms},
          {"precision", model.precision},
          {"bytes", size_or_null(model.bytes)},
          {"measured", json_of(model.measured, model.precision)},
          {"training_data", model.training_data},
          {"notes", model.notes},
          {"model", text_or_null(model.model)},
          {"norm_is_quality", model.norm_is_quality},
          {"quality_aware", model.quality_aware},
          {"calibrated", model.calibrated},
          {"fetched", model.here},
          {"goldens", model.goldens},
          {"files", files}};
}

Json json_of(const VerifiedModel& model) {
  Json checks = Json::array();
  for (const VerifiedModel::Check& check : model.checks)
    checks.push_back({{"file", check.file},
                      {"output", check.output},
                      {"difference", number(check.difference)},
                      {"tolerance", number(check.tolerance)},
                      {"answer", name_of(check.answer)}});
  return {{"id", model.id},
          {"engine", model.engine},
          {"precision", model.precision},
          {"answer", name_of(model.answer)},
          {"checks", checks}};
}

Json json_of(const std::vector<usecases::TensorLine>& lines) {
  Json tensors = Json::array();
  for (const usecases::TensorLine& line : lines)
    tensors.push_back({{"name", line.name}, {"type", line.type}, {"shape", line.shape}});
  return tensors;
}

Json json_of(const std::vector<usecases::GraphLine>& graphs) {
  Json list = Json::array();
  for (const usecases::GraphLine& graph : graphs) {
    Json signatures = Json::array();
    for (const usecases::SignatureLine& signature : graph.signatures)
      signatures.push_back({{"name", signature.name},
                            {"inputs", json_of(signature.inputs)},
                            {"outputs", json_of(signature.outputs)}});
    list.push_back({{"tags", graph.tags}, {"signatures", std::move(signatures)}});
  }
  return list;
}

}  // namespace

std::string to_json(const usecases::Failure& failure) {
  Json json = document("error");
  json["errors"] = Json::array({{{"path", nullptr},
                                 {"code", to_string(failure.error.code)},
                                 {"message", failure.error.message}}});
  return text_of(json);
}

std::string to_json(const std::vector<usecases::EngineFacts>& engines) {
  Json json = document("engines");
  json["engines"] = Json::array();
  for (const usecases::EngineFacts& engine : engines)
    json["engines"].push_back({{"name", engine.name},
                               {"usable", engine.usable},
                               {"version", text_or_null(engine.version)},
                               {"reason", text_or_null(engine.reason)}});
  json["errors"] = Json::array();
  return text_of(json);
}

std::string to_json(const usecases::ModelList& list) {
  Json json = document("models");
  json["models"] = Json::array();
  for (const usecases::ModelFacts& model : list.models) json["models"].push_back(json_of(model));
  json["errors"] = errors_of(list.errors);
  return text_of(json);
}

std::string to_json(const usecases::ModelFacts& model) {
  Json json = document("model");
  json["model"] = json_of(model);
  json["errors"] = Json::array();
  return text_of(json);
}

std::string to_json(const usecases::FetchedModels& fetched) {
  Json json = document("models-fetch");
  json["models"] = Json::array();
  for (const usecases::FetchedModels::One& model : fetched.models)
    json["models"].push_back({{"id", model.id}, {"was_here", model.was_here}});
  json["errors"] = errors_of(fetched.errors);
  return text_of(json);
}

std::string to_json(const usecases::RemovedModels& removed) {
  Json json = document("models-remove");
  json["models"] = Json::array();
  for (const usecases::RemovedModels::One& model : removed.models)
    json["models"].push_back({{"id", model.id},
                              {"files", model.files},
                              {"bytes", model.bytes},
                              {"forgotten", model.forgotten}});
  json["errors"] = errors_of(removed.errors);
  return text_of(json);
}

std::string to_json(const usecases::VerifiedModels& verified) {
  Json json = document("models-verify");
  json["models"] = Json::array();
  for (const VerifiedModel& model : verified.models) json["models"].push_back(json_of(model));
  json["errors"] = errors_of(verified.errors);
  return text_of(json);
}

std::string to_json(const usecases::ModelInside& inside) {
  Json json = document("model-inside");
  json["path"] = inside.path;
  json["format"] = inside.format;
  json["producer"] = text_or_null(inside.producer);
  json["sha256"] = inside.sha256;
  json["inputs"] = json_of(inside.inputs);
  json["outputs"] = json_of(inside.outputs);
  json["weights"] = json_of(inside.weights);
  json["signatures"] = inside.signatures;
  json["graphs"] = json_of(inside.graphs);
  json["importers"] = inside.importers;
  json["operators"] = Json::object();
  for (const auto& [name, count] : inside.operators) json["operators"][name] = count;
  json["parameters"] = inside.parameters;
  json["errors"] = Json::array();
  return text_of(json);
}

std::string to_json(const usecases::ModelLayers& answer) {
  Json json = document("model-layers");
  json["path"] = answer.path;
  json["multiply_adds"] = answer.multiply_adds;
  json["peak_bytes"] = answer.peak_bytes;
  json["drawing"] = text_or_null(answer.drawing.string());
  json["layers"] = Json::array();
  for (const auto& layer : answer.layers) {
    Json line;
    line["name"] = layer.name;
    line["operator"] = layer.op;
    line["shape"] = layer.shape;
    line["multiply_adds"] = layer.multiply_adds;
    line["parameters"] = layer.parameters;
    json["layers"].push_back(std::move(line));
  }
  json["errors"] = Json::array();
  return text_of(json);
}

}  // namespace visavis::wire
