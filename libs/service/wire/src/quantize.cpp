#include <string>
#include <visavis/usecases/quantize.hpp>

#include "document.hpp"
#include "parts.hpp"
#include "visavis/wire/json.hpp"

namespace visavis::wire {
namespace {

/// What the new model's figures are called.
const char* weights_of(const usecases::Quantized& answer) { return answer.f16 ? "f16" : "int8"; }

Json json_of(const usecases::GateFigure& figure, const char* weights) {
  Json json;
  json["figure"] = figure.name;
  json["float"] = figure.before ? number(*figure.before) : Json(nullptr);
  json[weights] = number(figure.after);
  json["limit"] = number(figure.limit);
  json["passed"] = figure.passed;
  return json;
}

Json json_of(const usecases::QuantizedLayer& layer) {
  Json json;
  json["layer"] = layer.name;
  json["operator"] = layer.op;
  json["weights"] = layer.weights;
  json["loss"] = number(layer.loss);
  json["float"] = layer.kept_float;
  return json;
}

/// How it was made.
void add_int8(Json& json, const usecases::Quantized& answer) {
  json["method"] = answer.method;
  json["bias_correction"] = answer.bias_correction;
  json["weight_steps"] = answer.weight_steps;
  json["whole"] = answer.whole;
}

void add_tried(Json& json, const usecases::Quantized& answer) {
  json["methods"] = Json::array();
  for (const auto& tried : answer.tried)
    json["methods"].push_back({{"method", tried.name}, {"cosine", number(tried.cosine)}});
  json["layers"] = Json::array();
  for (const auto& layer : answer.layers) json["layers"].push_back(json_of(layer));
}

}  // namespace

std::string to_json(const usecases::Quantized& answer) {
  Json json = document("quantize");
  json["passed"] = answer.passed;
  json["source"] = answer.model;
  json["id"] = answer.id;
  json["sha256"] = answer.sha256;
  json["weights"] = weights_of(answer);
  if (!answer.f16) add_int8(json, answer);
  json["observed_chips"] = answer.observed;
  json["held_out_chips"] = answer.held_out;
  json["held_out_cosine"] = number(answer.held_out_cosine);
  json["tested_photos"] = answer.tested;
  json["faces"] = nullptr;
  if (answer.faces)
    json["faces"] = {{"float", answer.faces->before},
                     {weights_of(answer), answer.faces->after},
                     {"same", answer.faces->same}};
  json["gate"] = Json::array();
  for (const auto& figure : answer.gate)
    json["gate"].push_back(json_of(figure, weights_of(answer)));
  if (!answer.f16) add_tried(json, answer);
  json["network"] = answer.passed ? Json(answer.network.string()) : Json(nullptr);
  json["manifest"] = answer.passed ? Json(answer.manifest.string()) : Json(nullptr);
  json["errors"] = errors_of(answer.errors);
  add_run(json, answer.run);
  return text_of(json);
}

}  // namespace visavis::wire
