#pragma once

/// Chips and photos beside the database. Every byte of theirs goes through `write_kept` and
/// `read_kept`.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "sqlite.hpp"
#include "visavis/store/store.hpp"

namespace visavis::store {

/// "chips" or "photos", below the gallery's folder.
[[nodiscard]] std::string_view folder_of(KeptKind kind) noexcept;

/// The row id that the next face will have, unless it brings a larger one.
[[nodiscard]] Result<std::int64_t> next_face(Database& database);

/// "f<face>.<form>"
[[nodiscard]] std::string kept_name(std::int64_t face, std::string_view form);

/// The face's row; nothing for what is no name of a kept file, as one that leaves the folder.
[[nodiscard]] std::optional<std::int64_t> face_of_kept(std::string_view name);
[[nodiscard]] bool is_kept_form(std::string_view form) noexcept;

/// Makes a file that only its owner can read, and syncs it; its name is durable when the folder has
/// been synced. A file that is there already stays as it is.
/// @param key  the gallery's, null for a plain one
/// @return CRC-32C of what the file holds; kUnavailable
[[nodiscard]] Result<std::uint32_t> write_kept(const std::filesystem::path& file,
                                               std::span<const std::byte> bytes, const Key* key);
/// @param checksum  what `write_kept` answered, if that is known
/// @return as read_file; kDecodeFailed for one that was not written with this key under this name
/// or has changed since
[[nodiscard]] Result<std::vector<std::byte>> read_kept(const std::filesystem::path& file,
                                                       const Key* key,
                                                       std::optional<std::uint32_t> checksum);

/// The files of faces that are being added. They are wiped again unless `leave` was called.
class NewFiles {
 public:
  NewFiles(std::filesystem::path gallery, const Key* key)
      : gallery_(std::move(gallery)), key_(key) {}
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  ~NewFiles();

  /// Says in the database, in a transaction of its own, which files without rows may come into
  /// being from here on. The transaction that adds the rows takes that back, with `settle`.
  /// @return kInvalidArgument, and nothing is announced, if a file of such a name is there: it is
  /// somebody's own.
  [[nodiscard]] Result<void> announce(Database& database, const std::vector<std::string>& places);
  /// The same for every file of a face that has no number yet.
  [[nodiscard]] Result<void> announce_any(Database& database);
  /// @return as write_kept
  [[nodiscard]] Result<std::uint32_t> write(KeptKind kind, const std::string& name,
                                            std::span<const std::byte> bytes);
  /// Before the commit: makes the files' names durable. After it `leave` is due, whatever it said:
  /// rows that a failed commit may have left need their files, and the announcement stands if not.
  [[nodiscard]] Result<void> settle(Database& database);
  void leave() { written_.clear(); }

 private:
  std::filesystem::path gallery_;
  const Key* key_;
  std::vector<std::filesystem::path> written_;
  std::vector<std::string> announced_;
};

/// Overwrites and removes what the table `trash` names.
[[nodiscard]] Result<void> empty_trash(Database& database, const std::filesystem::path& gallery);

/// Overwrites and removes every file that a face may have. @pre there is no database but an unborn
/// one
[[nodiscard]] Result<void> wipe_all_kept(const std::filesystem::path& gallery);

/// Whether a gallery can be made here without taking somebody's own files for its own.
/// @return kInvalidArgument if chips/ or photos/ hold something or are no folders
[[nodiscard]] Result<void> check_nothing_kept(const std::filesystem::path& gallery);

/// What is wrong with the files, a sentence each, with the names of those that are faces'.
/// @param version  of the format
[[nodiscard]] Result<void> check_files(Database& database, int version,
                                       const std::filesystem::path& gallery,
                                       std::vector<std::string>& found);

}  // namespace visavis::store
