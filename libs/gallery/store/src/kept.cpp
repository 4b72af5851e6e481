#include "kept.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <set>
#include <system_error>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/file.hpp>

#include "checksum.hpp"
#include "encryption.hpp"
#include "folder.hpp"
#include "visavis/store/wipe.hpp"

namespace visavis::store {
namespace {

namespace fs = std::filesystem;

constexpr std::array kKinds{KeptKind::kChip, KeptKind::kPhoto};

std::unexpected<Error> not_written(int error) {
  return fail(ErrorCode::kUnavailable,
              "a chip or photo cannot be written: " + std::generic_category().message(error));
}

/// Files are only looked for in a folder of the gallery's own, and never behind a link, which may
/// lead anywhere.
Result<bool> has_folder(const fs::path& folder) {
  std::error_code error;
  const fs::file_status there = fs::symlink_status(folder, error);
  if (there.type() == fs::file_type::not_found) return false;
  if (there.type() == fs::file_type::directory) return true;
  return fail(ErrorCode::kDecodeFailed,
              "the gallery's " + folder.filename().string() + " is not a folder");
}

Result<void> make_folder(const fs::path& gallery, const fs::path& folder) {
  VISAVIS_TRY(there, has_folder(folder));
  if (there) return {};
  if (::mkdir(folder.c_str(), 0700) != 0) return not_written(errno);
  return sync(gallery);
}

/// Whether a face's row names this file.
Result<bool> has_row(Database& database, KeptKind kind, std::string_view name) {
  const auto face = face_of_kept(name);
  if (!face) return false;
  VISAVIS_TRY(named, database.number(kind == KeptKind::kChip
                                         ? "SELECT count(*) FROM faces WHERE id = ? AND chip = ?"
                                         : "SELECT count(*) FROM faces WHERE id = ? AND photo = ?",
                                     *face, name));
  return named > 0;
}

Result<std::vector<std::string>> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  VISAVIS_TRY(there, has_folder(folder));
  if (!there) return names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) return fail(ErrorCode::kUnavailable, "the gallery cannot be read: " + error.message());
  return names;
}

/// What an addition that was stopped has left.
Result<void> wipe_orphans(Database& database, const fs::path& gallery, KeptKind kind) {
  const fs::path folder = gallery / folder_of(kind);
  VISAVIS_TRY(names, names_in(folder));
  for (const std::string& name : names) {
    if (!face_of_kept(name)) continue;  // not ours
    VISAVIS_TRY(named, has_row(database, kind, name));
    if (!named) VISAVIS_CHECK(wipe_file(folder / name));
  }
  return {};
}

Result<void> wipe_trash(Database& database, const fs::path& gallery, std::string_view path) {
  for (const KeptKind kind : kKinds) {
    const std::string_view folder = folder_of(kind);
    if (!path.starts_with(folder) || !path.substr(folder.size()).starts_with('/')) continue;
    const std::string_view name = path.substr(folder.size() + 1);
    if (name.empty()) return wipe_orphans(database, gallery, kind);
    if (!face_of_kept(name)) break;
    VISAVIS_TRY(there, has_folder(gallery / folder));
    return there ? wipe_file(gallery / path) : Result<void>();
  }
  return fail(ErrorCode::kDecodeFailed,
              "the gallery's database is damaged: it wants a file removed that is none of its own");
}

Result<std::vector<std::string>> texts_of(Result<Query> rows) {
  if (!rows) return std::unexpected(std::move(rows).error());
  std::vector<std::string> texts;
  for (;;) {
    VISAVIS_TRY(more, rows->next());
    if (!more) return texts;
    texts.push_back(rows->text(0));
  }
}

Result<void> sync_folders(const fs::path& gallery) {
  for (const KeptKind kind : kKinds) {
    VISAVIS_TRY(there, has_folder(gallery / folder_of(kind)));
    if (there) VISAVIS_CHECK(sync(gallery / folder_of(kind)));
  }
  return {};
}

/// "chips/f1.arcface.png": what a sealed file is tied to.
std::string place_of(const fs::path& file) {
  return (file.parent_path().filename() / file.filename()).string();
}

Result<std::vector<std::byte>> read_as_it_lies(const fs::path& file) {
  VISAVIS_TRY(there, has_folder(file.parent_path()));
  std::error_code ignored;
  if (!there || fs::is_symlink(file, ignored))
    return fail(ErrorCode::kNotFound, "there is no such file");
  return read_file(file, kMaxKeptBytes + kEncryptedExtra);
}

void tell(std::vector<std::string>& found, std::size_t count, const char* what) {
  if (count > 0) found.push_back(std::to_string(count) + " " + what);
}

}  // namespace

std::string_view folder_of(KeptKind kind) noexcept {
  return kind == KeptKind::kChip ? "chips" : "photos";
}

std::string kept_name(std::int64_t face, std::string_view form) {
  return "f" + std::to_string(face) + "." + std::string(form);
}

bool is_kept_form(std::string_view form) noexcept {
  constexpr std::size_t kMaxBytes = 32;
  return !form.empty() && form.size() <= kMaxBytes && !form.contains("..") && form.front() != '.' &&
         form.back() != '.' && std::ranges::all_of(form, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
         });
}

std::optional<std::int64_t> face_of_kept(std::string_view name) {
  if (!name.starts_with('f')) return std::nullopt;
  std::int64_t face = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), face);
  if (error != std::errc{} || face <= 0) return std::nullopt;
  const auto rest = name.substr(static_cast<std::size_t>(end - name.data()));
  if (!rest.starts_with('.') || !is_kept_form(rest.substr(1))) return std::nullopt;
  return kept_name(face, rest.substr(1)) == name ? std::optional(face) : std::nullopt;
}

Result<std::uint32_t> write_kept(const fs::path& path, std::span<const std::byte> bytes,
                                 const Key* key) {
  std::vector<std::byte> sealed;
  if (key != nullptr) {
    VISAVIS_TRY(done, encrypt(bytes, place_of(path), *key));
    sealed = std::move(done);
    bytes = sealed;
  }
  const std::uint32_t checksum = crc32c(bytes, 0);
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() < 0) return not_written(errno);
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return not_written(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  if (::fsync(file.get()) != 0) return not_written(errno);
  return checksum;
}

Result<std::vector<std::byte>> read_kept(const fs::path& file, const Key* key,
                                         std::optional<std::uint32_t> checksum) {
  VISAVIS_TRY(bytes, read_as_it_lies(file));
  if (checksum && crc32c(bytes, 0) != *checksum)
    return fail(ErrorCode::kDecodeFailed, "it is not as it was written");
  return key == nullptr ? std::move(bytes) : decrypt(bytes, place_of(file), *key);
}

NewFiles::~NewFiles() {
  // What cannot be wiped now is, after the announcement, by the next writer.
  for (const fs::path& file : written_) {
    [[maybe_unused]] const Result<void> wiped = wipe_file(file);
  }
}

Result<void> NewFiles::announce(Database& database) {
  VISAVIS_CHECK(empty_trash(database, gallery_));
  VISAVIS_CHECK(database.run("INSERT INTO trash (path) VALUES ('chips/'), ('photos/')"));
  announced_ = true;
  return {};
}

Result<std::uint32_t> NewFiles::write(KeptKind kind, const std::string& name,
                                      std::span<const std::byte> bytes) {
  VISAVIS_CHECK(make_folder(gallery_, gallery_ / folder_of(kind)));
  written_.push_back(gallery_ / folder_of(kind) / name);
  return write_kept(written_.back(), bytes, key_);
}

Result<void> NewFiles::settle(Database& database) {
  if (!announced_) return {};
  VISAVIS_CHECK(sync_folders(gallery_));
  return database.run("DELETE FROM trash WHERE path IN ('chips/', 'photos/')");
}

Result<void> empty_trash(Database& database, const fs::path& gallery) {
  VISAVIS_TRY(paths, texts_of(database.query("SELECT path FROM trash")));
  if (paths.empty()) return {};
  for (const std::string& path : paths) VISAVIS_CHECK(wipe_trash(database, gallery, path));
  VISAVIS_CHECK(sync_folders(gallery));
  return database.run("DELETE FROM trash");
}

Result<void> wipe_all_kept(const fs::path& gallery) {
  for (const KeptKind kind : kKinds) {
    VISAVIS_TRY(names, names_in(gallery / folder_of(kind)));
    for (const std::string& name : names)
      if (face_of_kept(name)) VISAVIS_CHECK(wipe_file(gallery / folder_of(kind) / name));
  }
  return sync_folders(gallery);
}

namespace {

/// How many files have changed since they were kept, of those of which that is known.
Result<std::size_t> count_changed(Database& database, const fs::path& folder, KeptKind kind) {
  std::size_t changed = 0;
  VISAVIS_TRY(rows, database.query(kind == KeptKind::kChip
                                       ? "SELECT chip, chip_checksum FROM faces WHERE chip IS NOT "
                                         "NULL AND chip_checksum IS NOT NULL"
                                       : "SELECT photo, photo_checksum FROM faces WHERE photo IS "
                                         "NOT NULL AND photo_checksum IS NOT NULL"));
  for (;;) {
    VISAVIS_TRY(more, rows.next());
    if (!more) return changed;
    const std::string name = rows.text(0);
    if (!face_of_kept(name)) continue;
    const auto bytes = read_as_it_lies(folder / name);
    if (!bytes && bytes.error().code == ErrorCode::kNotFound) continue;
    if (!bytes || crc32c(*bytes, 0) != static_cast<std::uint32_t>(rows.integer(1))) ++changed;
  }
}

}  // namespace

Result<void> check_files(Database& database, int version, const fs::path& gallery,
                         std::vector<std::string>& found) {
  std::size_t odd = 0;
  std::size_t missing = 0;
  std::size_t orphans = 0;
  std::size_t changed = 0;
  for (const KeptKind kind : kKinds) {
    const fs::path folder = gallery / folder_of(kind);
    VISAVIS_TRY(named,
                texts_of(database.query(kind == KeptKind::kChip
                                            ? "SELECT chip FROM faces WHERE chip IS NOT NULL"
                                            : "SELECT photo FROM faces WHERE photo IS NOT NULL")));
    VISAVIS_TRY(there, names_in(folder));
    const std::set<std::string_view> rows(named.begin(), named.end());
    const std::set<std::string_view> files(there.begin(), there.end());
    for (const std::string_view name : rows) {
      if (!face_of_kept(name)) ++odd;
      if (!files.contains(name)) ++missing;
    }
    for (const std::string_view name : files)
      if (!rows.contains(name)) ++orphans;
    if (version < 3) continue;
    VISAVIS_TRY(count, count_changed(database, folder, kind));
    changed += count;
  }
  tell(found, odd, "faces name a chip or photo that cannot be theirs");
  tell(found, missing, "chips or photos of faces are missing");
  tell(found, changed, "chips or photos of faces are not as they were written");
  tell(found, orphans, "files in chips/ and photos/ belong to no face");
  return {};
}

}  // namespace visavis::store
