#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/import/import.hpp>

#include "network_parts.hpp"
#include "outputs.hpp"
#include "visavis/usecases/networks.hpp"

namespace visavis::usecases {
namespace {

std::vector<TensorLine> to_lines(std::vector<modelkit::TensorFacts> facts) {
  std::vector<TensorLine> lines;
  for (modelkit::TensorFacts& fact : facts)
    lines.push_back({.name = std::move(fact.name),
                     .type = std::move(fact.type),
                     .shape = std::move(fact.shape)});
  return lines;
}

std::vector<GraphLine> to_lines(std::vector<modelkit::GraphFacts> facts) {
  std::vector<GraphLine> lines;
  for (modelkit::GraphFacts& graph : facts) {
    GraphLine line{.tags = std::move(graph.tags)};
    for (modelkit::SignatureFacts& signature : graph.signatures)
      line.signatures.push_back({.name = std::move(signature.name),
                                 .inputs = to_lines(std::move(signature.inputs)),
                                 .outputs = to_lines(std::move(signature.outputs))});
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

Outcome<ModelInside> inspect_model(const NetworkFile& file) {
  VISAVIS_TRY(parts, caused_by(Cause::kInput, modelkit::read_parts(file.path)));
  auto found =
      modelkit::inspect(parts, {.tag = file.choice.tag, .signature = file.choice.signature});
  const bool is_unknown = !found && found.error().code == ErrorCode::kNotFound;
  VISAVIS_TRY(inside, caused_by(is_unknown ? Cause::kUsage : Cause::kInput, std::move(found)));
  return ModelInside{.path = file.model.empty() ? file.path.string() : file.model,
                     .format = std::move(inside.format),
                     .producer = std::move(inside.producer),
                     .sha256 = hash_of(parts),
                     .inputs = to_lines(std::move(inside.inputs)),
                     .outputs = to_lines(std::move(inside.outputs)),
                     .weights = to_lines(std::move(inside.weights)),
                     .signatures = std::move(inside.signatures),
                     .graphs = to_lines(std::move(inside.graphs)),
                     .importers = std::move(inside.importers),
                     .operators = std::move(inside.operators),
                     .parameters = inside.parameters};
}

Outcome<ModelInside> new_model(const Untrained& wanted) {
  const std::string ending = wanted.path.extension().string();
  if (ending != ".npz" && ending != ".onnx")
    return usage(wanted.path.string() +
                 ": a new network is written as .npz (its weights) or .onnx; `visavis convert` "
                 "makes other forms of these");
  VISAVIS_CHECK(check_new(wanted.path));
  VISAVIS_TRY(file, caused_by(Cause::kUsage, modelkit::untrained(wanted.architecture,
                                                                 wanted.classes, wanted.seed)));
  if (ending == ".onnx") {
    const std::string importer =
        "pytorch:" + wanted.architecture + (wanted.classes > 0 ? "-classify" : "");
    const std::vector<modelkit::Part> parts{{.name = "weights.npz", .bytes = std::move(file)}};
    VISAVIS_TRY(onnx, caused_by(Cause::kDefect, modelkit::import_parts(importer, parts)));
    file = std::move(onnx);
  }
  VISAVIS_CHECK(caused_by(Cause::kEnvironment, write_file(wanted.path, file)));
  return inspect_model({.path = wanted.path});
}

}  // namespace visavis::usecases
