#include "visavis/usecases/catalogue.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>
#include <utility>
#include <visavis/models/network.hpp>
#include <visavis/runtime/engine.hpp>

#include "library.hpp"

namespace visavis::usecases {
namespace {

using Answer = VerifiedModel::Answer;

VerifiedModel::Check to_check(const models::GoldenCheck& golden) {
  const Answer answer = !golden.checked ? Answer::kUnchecked
                        : golden.passed ? Answer::kPassed
                                        : Answer::kFailed;
  return {.file = golden.file,
          .output = golden.output,
          .difference = golden.difference,
          .tolerance = golden.tolerance,
          .answer = answer};
}

Answer worst(const std::vector<VerifiedModel::Check>& checks) {
  Answer answer = Answer::kUnchecked;
  for (const VerifiedModel::Check& check : checks) {
    if (check.answer == Answer::kFailed) return Answer::kFailed;
    if (check.answer == Answer::kPassed) answer = Answer::kPassed;
  }
  return answer;
}

/// All files or some of them: a model that has lost one is told, a model never fetched is not.
bool is_fetched_in_part(const models::Store& store, const models::Manifest& manifest) {
  return std::ranges::any_of(models::all_files(manifest), [&](const models::ModelFile& file) {
    std::error_code ignored;
    return std::filesystem::exists(store.path_of(file.onnx_sha256), ignored);
  });
}

Outcome<VerifiedModel> verify_one(const models::Store& store, const models::Manifest& manifest,
                                  const models::NetworkOptions& options) {
  VISAVIS_TRY(network,
              caused_by(Cause::kEnvironment, models::load_network(store, manifest.id, options)));
  VISAVIS_TRY(goldens, caused_by(Cause::kEnvironment, models::verify_network(network)));
  VerifiedModel verified{.id = manifest.id, .engine = {}, .precision = {}, .checks = {}};
  if (const runtime::Model* part = models::any_part(network)) {
    verified.engine = part->engine_name();
    verified.precision = runtime::to_string(part->precision());
  }
  for (const models::GoldenCheck& golden : goldens) verified.checks.push_back(to_check(golden));
  verified.answer = worst(verified.checks);
  return verified;
}

}  // namespace

std::vector<EngineFacts> list_engines() {
  std::vector<EngineFacts> list;
  for (const runtime::EngineEntry& entry : runtime::engines()) {
    EngineFacts facts{.name = std::string(entry.name), .version = {}, .reason = {}};
    if (entry.engine == nullptr) {
      facts.reason = "left out of this build";
    } else {
      runtime::Availability here = entry.engine->probe();
      facts.usable = here.usable;
      facts.version = std::move(here.version);
      facts.reason = std::move(here.reason);
    }
    list.push_back(std::move(facts));
  }
  return list;
}

Outcome<ModelList> list_models(const Places& places) {
  VISAVIS_TRY(store, open_store(places));
  ModelList list;
  for (const models::Manifest& manifest : store.manifests())
    list.models.push_back(facts_of(places, store, manifest));
  std::ranges::sort(list.models, {}, &ModelFacts::id);
  for (const auto& [path, error] : store.refused())
    list.errors.push_back(problem(path.string(), {Cause::kEnvironment, error}));
  return list;
}

Outcome<ModelFacts> show_model(const Places& places, std::string_view id) {
  VISAVIS_TRY(store, open_store(places));
  VISAVIS_TRY(manifest, find_model(store, id));
  return facts_of(places, store, manifest);
}

Outcome<RemovedModels> remove_models(const Places& places, const std::vector<std::string>& ids) {
  VISAVIS_TRY(known, open_store(places));
  for (const std::string& id : ids) {
    const Outcome<models::Manifest> found = find_model(known, id);
    if (!found && found.error().error.code == ErrorCode::kNotFound)
      return std::unexpected(found.error());
  }
  RemovedModels answer;
  for (const std::string& id : ids) {
    VISAVIS_TRY(store, open_store(places));  // without those that are gone already
    auto removed = models::remove_model(store, id);
    if (removed)
      answer.models.push_back({.id = id,
                               .files = removed->files,
                               .bytes = removed->bytes,
                               .forgotten = removed->manifest});
    else
      answer.errors.push_back(problem(id, {std::move(removed).error()}));
  }
  return answer;
}

Outcome<VerifiedModels> verify_models(const Places& places, const std::vector<std::string>& ids,
                                      const std::string& engine, const std::string& precision) {
  VISAVIS_TRY(store, open_store(places));
  models::NetworkOptions options{.engine = engine, .load = {}};
  VISAVIS_TRY(parsed, caused_by(Cause::kUsage, runtime::parse_precision(precision)));
  options.load.precision = parsed;
  std::vector<models::Manifest> wanted;
  for (const std::string& id : ids) {
    VISAVIS_TRY(manifest, find_model(store, id));
    wanted.push_back(std::move(manifest));
  }
  if (ids.empty())
    std::ranges::copy_if(
        store.manifests(), std::back_inserter(wanted),
        [&](const models::Manifest& manifest) { return is_fetched_in_part(store, manifest); });
  if (wanted.empty())
    return std::unexpected(
        Failure(Cause::kEnvironment, {ErrorCode::kNotFound,
                                      "no model is here; visavis models fetch brings "
                                      "those that visavis knows"}));
  VerifiedModels answer;
  for (const models::Manifest& manifest : wanted) {
    Outcome<VerifiedModel> verified = verify_one(store, manifest, options);
    if (verified)
      answer.models.push_back(*std::move(verified));
    else
      answer.errors.push_back(problem(manifest.id, std::move(verified).error()));
  }
  return answer;
}

}  // namespace visavis::usecases
