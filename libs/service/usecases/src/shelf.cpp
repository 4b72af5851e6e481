#include "visavis/usecases/shelf.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <visavis/access/key_ring.hpp>
#include <visavis/core/file.hpp>
#include <visavis/store/wipe.hpp>

#include "decisions.hpp"
#include "gallery_at.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDatabase = "gallery.sqlite";
/// A folder of such a name is being removed: nobody finds it, and whoever starts next finishes.
constexpr std::string_view kRemoved = ".removed-";
constexpr std::uint64_t kMaxSettingsBytes = 64U << 10U;
constexpr std::size_t kMaxDescription = 4096;
constexpr std::array kKeepWords{"none", "chips", "photos"};

auto input(ErrorCode code, std::string message) {
  return std::unexpected(Failure(Cause::kInput, {code, std::move(message)}));
}

Outcome<void> check_name(std::string_view name) {
  if (is_slug(name)) return {};
  return input(
      ErrorCode::kInvalidArgument,
      "a gallery's name is 1 to 63 of a-z, 0-9, - and _, and begins with a letter or digit");
}

Outcome<void> check_settings(const GallerySettings& settings) {
  if (auto fine = check_min_quality(settings.min_quality); !fine)
    return input(ErrorCode::kInvalidArgument, fine.error().error.message);
  if (settings.description.size() > kMaxDescription || !is_utf8(settings.description))
    return input(ErrorCode::kInvalidArgument,
                 "a gallery's description is text of at most 4096 bytes");
  return {};
}

Outcome<void> unavailable(const std::error_code& error) {
  if (!error) return {};
  return std::unexpected(Failure(
      Cause::kEnvironment, {ErrorCode::kUnavailable, "the galleries' folder: " + error.message()}));
}

Outcome<void> write_settings(const fs::path& file, const GallerySettings& settings) {
  const nlohmann::ordered_json json{{"schema", "visavis.gallery-settings/1"},
                                    {"description", settings.description},
                                    {"min_quality", settings.min_quality},
                                    {"keep", to_string(settings.keep)},
                                    {"allow_duplicates", settings.allow_duplicates}};
  return caused_by(Cause::kEnvironment, write_file(file, json.dump(2) + "\n", Readers::kOwner));
}

/// A gallery that was put there by hand has none: then they are the defaults.
Outcome<GallerySettings> read_settings(const fs::path& file) {
  GallerySettings settings;
  auto bytes = read_file(file, kMaxSettingsBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return settings;
  if (!bytes) return std::unexpected(Failure(Cause::kEnvironment, bytes.error()));
  const auto text = std::span(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  const auto json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  const auto damaged = std::unexpected(Failure(
      Cause::kEnvironment, {ErrorCode::kDecodeFailed, "a gallery's settings file is damaged"}));
  try {
    settings.description = json.at("description").get<std::string>();
    settings.min_quality = json.at("min_quality").get<float>();
    settings.allow_duplicates = json.at("allow_duplicates").get<bool>();
    const auto keep = parse_keep(json.at("keep").get<std::string>());
    if (!keep) return damaged;
    settings.keep = *keep;
  } catch (const nlohmann::json::exception&) {
    return damaged;
  }
  return settings;
}

/// Overwrites every file below a folder, then removes it.
Outcome<void> wipe_folder(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, error))
    if (entry.is_regular_file() && !entry.is_symlink())
      VISAVIS_CHECK(caused_by(Cause::kEnvironment, store::wipe_file(entry.path())));
  VISAVIS_CHECK(unavailable(error));
  fs::remove_all(folder, error);
  return unavailable(error);
}

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (entry.is_directory(ignored)) folders.push_back(entry.path());
  std::ranges::sort(folders);
  return folders;
}

}  // namespace

std::string_view to_string(Keep keep) noexcept {
  return kKeepWords[static_cast<std::size_t>(keep)];
}

std::optional<Keep> parse_keep(std::string_view word) noexcept {
  const auto* const found = std::ranges::find(kKeepWords, word);
  if (found == kKeepWords.end()) return std::nullopt;
  return static_cast<Keep>(found - kKeepWords.begin());
}

bool is_slug(std::string_view word) noexcept { return access::is_tenant(word); }

struct Shelf::Impl {
  using Name = std::pair<std::string, std::string>;  ///< Tenant and gallery.

  fs::path root;
  fs::path key_file;
  mutable std::mutex mutex;
  std::map<Name, OpenGallery> open;

  [[nodiscard]] fs::path folder(const Name& name) const { return root / name.first / name.second; }
  [[nodiscard]] fs::path settings_file(const Name& name) const {
    return root / name.first / (name.second + ".json");
  }
  [[nodiscard]] bool is_there(const Name& name) const {
    std::error_code ignored;
    return fs::exists(folder(name) / kDatabase, ignored);
  }
  [[nodiscard]] GalleryPlace place(const Name& name) const {
    GalleryPlace at(folder(name));
    at.key_file = key_file;
    return at;
  }
  /// With the mutex held.
  [[nodiscard]] Outcome<OpenGallery> find(const Name& name, gallery::OpenMode mode) {
    if (const auto found = open.find(name); found != open.end()) return found->second;
    VISAVIS_TRY(settings, read_settings(settings_file(name)));
    auto people = gallery_at(place(name), mode);
    if (!people) {
      // Whose fault it is is not the client's business, nor where the folder lies.
      Failure failure = std::move(people).error();
      failure.cause = Cause::kEnvironment;
      failure.error.message.replace(0, folder(name).string().size(), "the gallery " + name.second);
      return std::unexpected(std::move(failure));
    }
    OpenGallery opened{.people = *std::move(people), .settings = std::move(settings)};
    open.emplace(name, opened);
    return opened;
  }
};

Shelf::Shelf(fs::path root, fs::path key_file) : impl_(std::make_unique<Impl>()) {
  impl_->root = std::move(root);
  impl_->key_file = std::move(key_file);
  for (const fs::path& tenant : folders_in(impl_->root))
    for (const fs::path& folder : folders_in(tenant))
      if (folder.filename().string().starts_with(kRemoved)) [[maybe_unused]]
        const auto again_next_time = wipe_folder(folder);
}
Shelf::~Shelf() = default;

Outcome<std::vector<GalleryFacts>> Shelf::list(const std::string& tenant) {
  std::vector<GalleryFacts> all;
  for (const fs::path& folder : folders_in(impl_->root / tenant)) {
    const std::string name = folder.filename().string();
    if (!is_slug(name) || !is_there(tenant, name)) continue;
    auto one = facts(tenant, name);
    if (!one && one.error().error.code == ErrorCode::kNotFound) continue;  // removed meanwhile
    if (!one) return std::unexpected(std::move(one).error());
    all.push_back(*std::move(one));
  }
  return all;
}

bool Shelf::is_there(const std::string& tenant, const std::string& name) const {
  return is_slug(name) && impl_->is_there({tenant, name});
}

Outcome<OpenGallery> Shelf::find(const std::string& tenant, const std::string& name) {
  VISAVIS_CHECK(check_name(name));
  const std::scoped_lock lock(impl_->mutex);
  if (!impl_->is_there({tenant, name}))
    return input(ErrorCode::kNotFound, "there is no gallery of that name");
  return impl_->find({tenant, name}, gallery::OpenMode::kWrite);
}

Outcome<GalleryFacts> Shelf::facts(const std::string& tenant, const std::string& name) {
  VISAVIS_TRY(found, find(tenant, name));
  VISAVIS_TRY(stats, found.people->stats());
  return GalleryFacts{
      .gallery = name, .settings = std::move(found.settings), .stats = std::move(stats)};
}

Outcome<GalleryFacts> Shelf::make(const std::string& tenant, const std::string& name,
                                  const GallerySettings& settings) {
  VISAVIS_CHECK(check_name(name));
  VISAVIS_CHECK(check_settings(settings));
  {
    const Impl::Name id(tenant, name);
    const std::scoped_lock lock(impl_->mutex);
    if (impl_->is_there(id))
      return input(ErrorCode::kInvalidArgument, "there is a gallery of that name already");
    std::error_code error;
    fs::create_directories(impl_->root / tenant, error);
    VISAVIS_CHECK(unavailable(error));
    fs::permissions(impl_->root / tenant, fs::perms::owner_all, error);
    VISAVIS_CHECK(unavailable(error));
    VISAVIS_CHECK(write_settings(impl_->settings_file(id), settings));
    VISAVIS_CHECK(impl_->find(id, gallery::OpenMode::kCreate));
  }
  return facts(tenant, name);
}

Outcome<GalleryFacts> Shelf::change(const std::string& tenant, const std::string& name,
                                    const GallerySettings& settings) {
  VISAVIS_CHECK(check_settings(settings));
  VISAVIS_CHECK(find(tenant, name));
  {
    const Impl::Name id(tenant, name);
    const std::scoped_lock lock(impl_->mutex);
    const auto found = impl_->open.find(id);
    if (found == impl_->open.end())
      return input(ErrorCode::kNotFound, "there is no gallery of that name");
    VISAVIS_CHECK(write_settings(impl_->settings_file(id), settings));
    found->second.settings = settings;
  }
  return facts(tenant, name);
}

Outcome<void> Shelf::remove(const std::string& tenant, const std::string& name) {
  VISAVIS_TRY(found, find(tenant, name));
  const Impl::Name id(tenant, name);
  const fs::path gone =
      impl_->root / tenant /
      (std::string(kRemoved) + name + "-" +
       std::to_string(std::chrono::system_clock::now().time_since_epoch().count()));
  {
    const std::scoped_lock lock(impl_->mutex);
    if (impl_->open.erase(id) == 0)
      return input(ErrorCode::kNotFound, "there is no gallery of that name");
    std::error_code error;
    fs::rename(impl_->folder(id), gone, error);
    VISAVIS_CHECK(unavailable(error));
    fs::remove(impl_->settings_file(id), error);
  }
  // Requests that still hold it are let finish, so that nothing is written after the wiping.
  constexpr auto kPatience = std::chrono::seconds(30);
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (found.people.use_count() > 1 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  found.people.reset();
  return wipe_folder(gone);
}

std::vector<Shelf::Size> Shelf::sizes() const {
  const std::scoped_lock lock(impl_->mutex);
  std::vector<Size> all;
  for (const auto& [name, opened] : impl_->open)
    all.push_back({.tenant = name.first,
                   .gallery = name.second,
                   .persons = opened.people->persons(),
                   .faces = opened.people->faces()});
  return all;
}

}  // namespace visavis::usecases
