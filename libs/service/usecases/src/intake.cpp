#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>

#include "certify.hpp"
#include "library.hpp"

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

}  // namespace visavis::usecases
