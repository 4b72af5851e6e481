#include "places.hpp"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

fs::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

fs::path cache_root() {
  if (fs::path own = from_environment("VISAVIS_CACHE"); !own.empty()) return own;
  if (const fs::path shared = from_environment("XDG_CACHE_HOME"); shared.is_absolute())
    return shared / "visavis";
  if (const fs::path home = from_environment("HOME"); !home.empty())
    return home / ".cache" / "visavis";
  return {};
}

/// What came with the program: installed beside it, or in the source tree that it was built from.
fs::path beside_program(const char* installed, const char* in_sources) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  const fs::path prefix = program.parent_path().parent_path();
  fs::path folder = prefix / "share" / "visavis" / installed;
  if (fs::is_directory(folder, error)) return folder;
  // build/<preset>/bin/visavis in the source tree
  return prefix.parent_path().parent_path() / in_sources;
}

}  // namespace

usecases::Places find_places(const std::string& models) {
  usecases::Places places;
  if (const fs::path cache = cache_root(); !cache.empty())
    places = {.manifests = {},
              .models = cache / "models",
              .downloads = cache / "downloads",
              .compiled = cache / "compiled",
              .embeddings = cache / "embeddings"};
  if (!models.empty()) places.models = models;
  if (places.downloads.empty() && !models.empty()) places.downloads = places.models / "downloads";
  if (fs::path folder = beside_program("models", "models"); !folder.empty())
    places.manifests.push_back(folder);
  return places;
}

fs::path find_web_page() {
  fs::path folder = beside_program("web", "apps/web/dist");
  std::error_code ignored;
  return fs::exists(folder / "index.html", ignored) ? folder : fs::path();
}

}  // namespace visavis::cli
