#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/import/import.hpp>

#include "certify.hpp"
#include "library.hpp"
#include "outputs.hpp"

namespace visavis::usecases {
namespace {

constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{1} << 20U;

/// What `models fetch` brings unasked: another form of a model that is brought is not needed.
bool is_brought(const models::Manifest& manifest) {
  return std::ranges::all_of(models::all_files(manifest), [](const models::ModelFile& file) {
    return file.source.has_value() && !file.int8 && !file.f16;
  });
}

bool is_whole(const models::Store& store, const models::Manifest& manifest) {
  return std::ranges::all_of(models::all_files(manifest), [&](const models::ModelFile& file) {
    return store.read(file).has_value();
  });
}

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

Outcome<FetchedModels> fetch_models(const Places& places, const std::vector<std::string>& ids,
                                    const Progress& progress, const LogSink& sink) {
  VISAVIS_TRY(store, open_store(places));
  std::vector<models::Manifest> wanted;
  for (const std::string& id : ids) {
    VISAVIS_TRY(manifest, find_model(store, id));
    wanted.push_back(std::move(manifest));
  }
  if (ids.empty()) std::ranges::copy_if(store.manifests(), std::back_inserter(wanted), is_brought);
  FetchedModels answer;
  for (const models::Manifest& manifest : wanted) {
    const bool was_here = is_whole(store, manifest);
    Outcome<void> fetched;
    if (!was_here)
      fetched =
          caused_by(Cause::kEnvironment,
                    models::fetch_model(store, manifest, places.downloads, make_network, sink));
    if (fetched)
      answer.models.push_back({.id = manifest.id, .was_here = was_here});
    else
      answer.errors.push_back(problem(manifest.id, std::move(fetched).error()));
    if (progress) progress(answer.models.size() + answer.errors.size(), wanted.size());
  }
  return answer;
}

Outcome<ModelFacts> add_model(
    const Places& places, const std::filesystem::path& manifest,
    const std::map<std::string, std::filesystem::path, std::less<>>& files) {
  VISAVIS_TRY(store, open_store(places));
  Result<std::vector<std::byte>> text = read_file(manifest, kMaxManifestBytes);
  if (!text)
    return std::unexpected(Failure(
        {text.error().code, "the manifest " + manifest.string() + ": " + text.error().message}));
  auto added = models::add_model(store, {reinterpret_cast<const char*>(text->data()), text->size()},
                                 files, make_network, certify_engines);
  if (!added) {
    // The parser says "manifest: …" of what it does not have a name for.
    constexpr std::string_view kAnyManifest = "manifest: ";
    Error error = std::move(added).error();
    if (error.message.starts_with(kAnyManifest))
      error.message =
          "the manifest " + manifest.string() + ": " + error.message.substr(kAnyManifest.size());
    return std::unexpected(Failure(std::move(error)));
  }
  return facts_of(places, store, *added);
}

Outcome<ModelInside> inspect_model(const std::filesystem::path& path, const GraphChoice& choice) {
  VISAVIS_TRY(parts, caused_by(Cause::kInput, modelkit::read_parts(path)));
  auto found = modelkit::inspect(parts, {.tag = choice.tag, .signature = choice.signature});
  const bool is_unknown = !found && found.error().code == ErrorCode::kNotFound;
  VISAVIS_TRY(inside, caused_by(is_unknown ? Cause::kUsage : Cause::kInput, std::move(found)));
  return ModelInside{.path = path.string(),
                     .format = std::move(inside.format),
                     .producer = std::move(inside.producer),
                     .sha256 = to_hex(sha256(parts.front().bytes)),
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
  return inspect_model(wanted.path);
}

}  // namespace visavis::usecases
