#pragma once

/// A disk under SQLite whose power can fail: writes reach it, but only those that were synced are
/// sure to be there afterwards.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace visavis::gallery {

/// SQLite's default file system as long as it lives. One at a time.
class PowerVfs {
 public:
  struct Options {
    std::size_t fails_at = 0;  ///< The write at which the power fails, from 1; 0: never.
    /// Every connection gets `synchronous = OFF`, whatever it asks for.
    bool without_syncs = false;
  };
  explicit PowerVfs(const Options& options);
  PowerVfs(const PowerVfs&) = delete;
  PowerVfs& operator=(const PowerVfs&) = delete;
  ~PowerVfs();

  [[nodiscard]] std::size_t writes() const;  ///< So far.
  /// Puts the database and its log, as they may be found after the failure, into another folder: of
  /// what was not synced, each write is there, or is not, or only some of its sectors are.
  void leave(const std::filesystem::path& folder, std::uint64_t seed) const;

  struct Disk;

 private:
  std::unique_ptr<Disk> disk_;
};

}  // namespace visavis::gallery
