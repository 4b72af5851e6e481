#pragma once

/// Compiled models on disk: a file is only believed if it is private, whole and made for this key.
/// OpenVINO's own cache hands out damaged files without a word, and every score is wrong then.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/hash.hpp>

namespace visavis::runtime {

/// The place of one compiled model. Thread-compatible; several processes may share the folder.
///
///     root/<SHA-256 of the model>/<SHA-256 of the key>.blob        folder 0700
///     file: 8 bytes "VISAVIS1", 32 bytes SHA-256 of what follows, then the blob
class CompiledCache {
 public:
  /// @param root  a folder, made when needed. Empty: nothing is ever found or kept.
  /// @param model the model's SHA-256 in hexadecimal.
  /// @param key   everything else that the compiled form depends on: the library's version, the
  ///              device, the options.
  CompiledCache(const std::filesystem::path& root, std::string_view model, std::string_view key);

  /// @return the blob; nothing if there is none, if it is damaged, or if the folder or the file
  /// belongs to somebody else or can be written by others.
  [[nodiscard]] std::optional<std::vector<std::byte>> find() const;

  /// Keeps `blob` for the next start. A disk that refuses costs the next start time, nothing else,
  /// so there is no error to report.
  void keep(std::span<const std::byte> blob) const;

 private:
  std::filesystem::path folder_;  ///< Empty: no cache.
  std::filesystem::path file_;
};

}  // namespace visavis::runtime
