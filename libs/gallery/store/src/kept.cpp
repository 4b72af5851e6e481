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
#include <visavis/core/checksum.hpp>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/file.hpp>

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

/// The files in chips/ or photos/ that are named after a face whose number was not given yet.
Result<std::vector<std::string>> names_to_come(Database& database, const fs::path& gallery,
                                               KeptKind kind) {
  VISAVIS_TRY(names, names_in(gallery / folder_of(kind)));
  VISAVIS_TRY(next, next_face(database));
  std::erase_if(names, [&](const std::string& name) {
    const auto face = face_of_kept(name);
    return !face || *face < next;
  });
  return names;
}

/// What an addition that was stopped has left: its faces' numbers were not given. Whatever else is
/// there is somebody's own.
Result<void> wipe_orphans(Database& database, const fs::path& gallery, KeptKind kind) {
  VISAVIS_TRY(names, names_to_come(database, gallery, kind));
  for (const std::string& name : names) VISAVIS_CHECK(wipe_file(gallery / folder_of(kind) / name));
  return {};
}

std::unexpected<Error> in_the_way(const std::string& place) {
  return fail(ErrorCode::kInvalidArgument,
              place + " in the gallery's folder is not the gallery's, and in its way: move it");
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

/// @return an errno, or 0
int fill(const Descriptor& file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0 ? ENOSPC : errno;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return ::fsync(file.get()) == 0 ? 0 : errno;
}

Result<std::vector<std::byte>> read_as_it_lies(const fs::path& file) {
  VISAVIS_TRY(there, has_folder(file.parent_path()));
  std::error_code ignored;
  if (!there || fs::is_symlink(file, ignored))
    return fail(ErrorCode::kNotFound, "there is no such file");
  return read_file(file, kMaxKeptBytes + kEncryptedExtra);
}

}  // namespace

std::string_view folder_of(KeptKind kind) noexcept {
  return kind == KeptKind::kChip ? "chips" : "photos";
}

Result<std::int64_t> next_face(Database& database) {
  return database.number(
      "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'faces'");
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
  if (file.get() < 0) return errno == EEXIST ? in_the_way(place_of(path)) : not_written(errno);
  if (const int error = fill(file, bytes); error != 0) {
    // What cannot be wiped now is, after the announcement, by the next writer.
    [[maybe_unused]] const Result<void> wiped = wipe_file(path);
    return not_written(error);
  }
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

Result<void> NewFiles::announce(Database& database, const std::vector<std::string>& places) {
  std::error_code error;
  for (const KeptKind kind : kKinds) VISAVIS_CHECK(has_folder(gallery_ / folder_of(kind)));
  for (const std::string& place : places)
    if (fs::symlink_status(gallery_ / place, error).type() != fs::file_type::not_found)
      return in_the_way(place);
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  for (const std::string& place : places)
    VISAVIS_CHECK(database.run("INSERT INTO trash (path) VALUES (?)", std::string_view(place)));
  VISAVIS_CHECK(transaction.commit());
  announced_ = places;
  return {};
}

Result<void> NewFiles::announce_any(Database& database) {
  for (const KeptKind kind : kKinds) {
    VISAVIS_TRY(names, names_to_come(database, gallery_, kind));
    if (!names.empty()) return in_the_way((folder_of(kind) / fs::path(names.front())).string());
  }
  VISAVIS_CHECK(database.run("INSERT INTO trash (path) VALUES ('chips/'), ('photos/')"));
  announced_ = {"chips/", "photos/"};
  return {};
}

Result<std::uint32_t> NewFiles::write(KeptKind kind, const std::string& name,
                                      std::span<const std::byte> bytes) {
  VISAVIS_CHECK(make_folder(gallery_, gallery_ / folder_of(kind)));
  fs::path file = gallery_ / folder_of(kind) / name;
  VISAVIS_TRY(checksum, write_kept(file, bytes, key_));
  written_.push_back(std::move(file));
  return checksum;
}

Result<void> NewFiles::settle(Database& database) {
  if (announced_.empty()) return {};
  VISAVIS_CHECK(sync_folders(gallery_));
  for (const std::string& place : announced_)
    VISAVIS_CHECK(database.run("DELETE FROM trash WHERE path = ?", std::string_view(place)));
  return {};
}

Result<void> empty_trash(Database& database, const fs::path& gallery) {
  VISAVIS_TRY(paths, texts_of(database.query("SELECT path FROM trash")));
  if (paths.empty()) return {};
  // After a power failure a face must not be back without its files.
  VISAVIS_CHECK(sync_log(gallery));
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

Result<void> check_nothing_kept(const fs::path& gallery) {
  for (const KeptKind kind : kKinds) {
    const std::string name(folder_of(kind));
    std::error_code error;
    const fs::file_type there = fs::symlink_status(gallery / name, error).type();
    if (there == fs::file_type::not_found) continue;
    if (there == fs::file_type::directory && fs::is_empty(gallery / name, error) && !error)
      continue;
    return fail(ErrorCode::kInvalidArgument,
                "the folder has " + name +
                    " of its own, where a gallery keeps files: make the gallery in a new folder");
  }
  return {};
}

namespace {

/// Files and faces with something wrong.
struct Findings {
  std::vector<std::string> odd;  ///< Faces.
  std::vector<std::string> missing;
  std::vector<std::string> changed;
  std::size_t orphans = 0;  ///< Whose names may tell of somebody.
};

/// Looks at the file that a face's row names. @param checksum  none if that is not known
void check_file(const fs::path& folder, const std::string& name,
                std::optional<std::uint32_t> checksum, Findings& findings) {
  const std::string place = place_of(folder / name);
  const auto bytes = read_as_it_lies(folder / name);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound)
    findings.missing.push_back(place);
  else if (checksum && (!bytes || crc32c(*bytes, 0) != *checksum))
    findings.changed.push_back(place);
}

Result<void> check_folder(Database& database, int version, const fs::path& folder, KeptKind kind,
                          Findings& findings) {
  const std::string column = kind == KeptKind::kChip ? "chip" : "photo";
  const std::string checksum = version < 3 ? "NULL" : column + "_checksum";
  const std::string sql = "SELECT id, " + column + ", " + checksum + " FROM faces WHERE " + column +
                          " IS NOT NULL ORDER BY id";
  std::set<std::string> named;
  VISAVIS_TRY(rows, database.query(sql));
  for (;;) {
    VISAVIS_TRY(more, rows.next());
    if (!more) break;
    std::string name = rows.text(1);
    if (face_of_kept(name) != rows.integer(0)) {
      findings.odd.push_back("f" + std::to_string(rows.integer(0)));
      continue;
    }
    std::optional<std::uint32_t> expected;
    if (!rows.is_null(2)) expected = static_cast<std::uint32_t>(rows.integer(2));
    check_file(folder, name, expected, findings);
    named.insert(std::move(name));
  }
  VISAVIS_TRY(there, names_in(folder));
  for (const std::string& name : there)
    if (!named.contains(name)) ++findings.orphans;
  return {};
}

void tell(std::vector<std::string>& found, const std::vector<std::string>& which,
          const std::string& what) {
  constexpr std::size_t kTold = 50;
  if (which.empty()) return;
  std::string sentence = std::to_string(which.size()) + " " + what;
  for (std::size_t i = 0; i < std::min(which.size(), kTold); ++i)
    sentence += (i == 0 ? ": " : ", ") + which[i];
  if (which.size() > kTold) sentence += ", …";
  found.push_back(std::move(sentence));
}

}  // namespace

Result<void> check_files(Database& database, int version, const fs::path& gallery,
                         std::vector<std::string>& found) {
  Findings findings;
  for (const KeptKind kind : kKinds)
    VISAVIS_CHECK(check_folder(database, version, gallery / folder_of(kind), kind, findings));
  tell(found, findings.odd, "faces name a chip or photo that cannot be theirs");
  tell(found, findings.missing, "chips or photos of faces are missing");
  tell(found, findings.changed, "chips or photos of faces are not as they were written");
  if (findings.orphans > 0)
    found.push_back(std::to_string(findings.orphans) +
                    " files in chips/ and photos/ belong to no face");
  return {};
}

}  // namespace visavis::store
