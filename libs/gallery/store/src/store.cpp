#include "visavis/store/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <set>
#include <system_error>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/core/time.hpp>
#include <visavis/vocab/embedding.hpp>

#include "element.hpp"
#include "encryption.hpp"
#include "kept.hpp"
#include "schema.hpp"
#include "store_impl.hpp"
#include "visavis/store/wipe.hpp"

namespace visavis::store {
namespace {

namespace fs = std::filesystem;

fs::path unborn_path(const fs::path& folder) { return folder / "gallery.sqlite.new"; }

fs::path with_ending(fs::path path, const char* ending) {
  path += ending;
  return path;
}

auto invalid(std::string what) { return fail(ErrorCode::kInvalidArgument, std::move(what)); }

Result<void> check_text(std::string_view text, std::size_t max_bytes, const std::string& what) {
  if (text.size() > max_bytes)
    return invalid(what + " is longer than " + std::to_string(max_bytes) + " bytes");
  if (!is_utf8(text)) return invalid(what + " is not UTF-8 text");
  // SQLite's own functions and many readers end a text there.
  if (text.contains('\0')) return invalid(what + " holds a zero byte");
  return {};
}

Result<void> check_name(std::string_view text, const std::string& what) {
  if (text.empty()) return invalid(what + " is empty");
  return check_text(text, kMaxNameBytes, what);
}

Result<void> check_vector(std::span<const float> unit) {
  if (is_unit(unit)) return {};
  return invalid("the embedding is not a finite unit vector");
}

Result<void> check_fields(const FaceFields& fields) {
  VISAVIS_CHECK(check_text(fields.source, kMaxSourceBytes, "the photo's path"));
  const Box& box = fields.box;
  std::vector<float> numbers{fields.quality, fields.norm, box.x, box.y, box.width, box.height};
  if (fields.landmarks)
    for (const Point& point : *fields.landmarks) numbers.insert(numbers.end(), {point.x, point.y});
  for (const float number : numbers)
    if (!std::isfinite(number)) return invalid("a face's number is not finite");
  return {};
}

Result<void> check_face(const NewFace& face) {
  VISAVIS_CHECK(check_name(face.person, "the person's name"));
  VISAVIS_CHECK(check_fields(*face.fields));
  VISAVIS_CHECK(check_vector(face.unit));
  for (const KeptFile& file : {face.chip, face.photo}) {
    if (file.bytes.empty()) continue;
    if (!is_kept_form(file.form))
      return invalid("a kept file has a form that no name can end with");
    if (file.bytes.size() > kMaxKeptBytes)
      return invalid("a chip or photo is too large to be kept");
  }
  return {};
}

/// Where the files of faces will lie, below the gallery's folder.
Result<std::vector<std::string>> places_of(Database& database, std::span<const NewFace> faces) {
  VISAVIS_TRY(next, next_face(database));
  std::vector<std::string> places;
  const auto add = [&](KeptKind kind, std::int64_t id, const KeptFile& file) {
    if (!file.bytes.empty())
      places.push_back(std::string(folder_of(kind)) + "/" + kept_name(id, file.form));
  };
  for (const NewFace& face : faces) {
    const std::int64_t id = face.id.value_or(next);
    add(KeptKind::kChip, id, face.chip);
    add(KeptKind::kPhoto, id, face.photo);
    next = id + 1;
  }
  return places;
}

Result<void> check_person(const PersonFields& person) {
  VISAVIS_CHECK(check_name(person.public_id, "the person's id"));
  VISAVIS_CHECK(check_name(person.name, "the person's name"));
  VISAVIS_CHECK(check_text(person.attributes, kMaxAttributeBytes, "the person's attributes"));
  return check_text(person.consent_basis.value_or(""), kMaxNameBytes, "the basis of consent");
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

std::optional<std::span<const std::byte>> bytes_of(const std::optional<Landmarks>& landmarks) {
  if (!landmarks) return std::nullopt;
  return bytes_of(*landmarks);
}

/// The gallery's model, made the faces' if it has none yet.
struct Kind {
  std::string model;
  std::size_t dimension = 0;
  Element element = Element::kF16;
};

Result<Kind> read_kind(Database& database) {
  VISAVIS_TRY(row, database.query("SELECT model, dimension, element FROM meta WHERE id = 1"));
  VISAVIS_TRY(there, row.next());
  if (!there) return fail(ErrorCode::kDecodeFailed, "the gallery's database is damaged");
  return Kind{.model = row.text(0),
              .dimension = static_cast<std::size_t>(row.integer(1)),
              .element = row.text(2) == "f32" ? Element::kF32 : Element::kF16};
}

Result<void> fit(Database& database, Kind& kind, const NewFace& face) {
  if (kind.model.empty()) {
    kind.model = face.model;
    kind.dimension = face.unit.size();
    return database.run("UPDATE meta SET model = ?, dimension = ? WHERE id = 1",
                        std::string_view(kind.model), static_cast<std::int64_t>(kind.dimension));
  }
  if (face.model != kind.model)
    return fail(ErrorCode::kModelMismatch, "the gallery was made by model " + kind.model +
                                               ", the face's embedding by " +
                                               std::string(face.model));
  if (face.unit.size() != kind.dimension)
    return fail(ErrorCode::kModelMismatch,
                "the gallery's vectors have " + std::to_string(kind.dimension) +
                    " numbers, the face's embedding " + std::to_string(face.unit.size()));
  return {};
}

Result<AddedPerson> find_or_make_person(Database& database, std::string_view id, std::int64_t now) {
  {
    VISAVIS_TRY(known, database.query("SELECT id FROM persons WHERE public_id = ?", id));
    VISAVIS_TRY(there, known.next());
    if (there) return AddedPerson{.person = known.integer(0)};
  }
  VISAVIS_CHECK(
      database.run("INSERT INTO persons (public_id, name, created) VALUES (?, ?, ?)", id, id, now));
  const std::int64_t row = database.last_row();
  VISAVIS_CHECK(seal_person(database, row));
  return AddedPerson{.person = row, .is_new = true};
}

/// What a face's row says of a file; nothing if there is none.
struct Kept {
  std::optional<std::string> name{};
  std::optional<std::int64_t> checksum{};
};

Result<Kept> keep_file(NewFiles& files, KeptKind kind, std::int64_t face, const KeptFile& file) {
  if (file.bytes.empty()) return Kept{};
  std::string name = kept_name(face, file.form);
  VISAVIS_TRY(checksum, files.write(kind, name, file.bytes));
  return Kept{.name = std::move(name), .checksum = checksum};
}

Result<AddedFace> add_face(Database& database, NewFiles& files, const Kind& kind,
                           const NewFace& face, std::int64_t now) {
  VISAVIS_TRY(person, find_or_make_person(database, face.person, now));
  const FaceFields& fields = *face.fields;
  const std::vector<std::byte> vector = encode(face.unit, kind.element);
  // The files are named after the row before it is there.
  VISAVIS_TRY(next, next_face(database));
  const std::int64_t id = face.id.value_or(next);
  if (id < next || id > kMaxForeignId) return invalid("a face's number was given before");
  VISAVIS_TRY(chip, keep_file(files, KeptKind::kChip, id, face.chip));
  VISAVIS_TRY(photo, keep_file(files, KeptKind::kPhoto, id, face.photo));
  VISAVIS_CHECK(database.run(
      "INSERT INTO faces (id, person, norm, quality, box, landmarks, source, enrolled, chip, "
      "photo, embedding, chip_checksum, photo_checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
      "?, ?)",
      id, person.person, static_cast<double>(fields.norm), static_cast<double>(fields.quality),
      bytes_of(fields.box), bytes_of(fields.landmarks), std::string_view(fields.source),
      face.enrolled.value_or(now), chip.name, photo.name, std::span<const std::byte>(vector),
      chip.checksum, photo.checksum));
  VISAVIS_CHECK(seal_face(database, id));
  AddedFace added{.face = id,
                  .person = person.person,
                  .new_person = person.is_new,
                  .unit = std::vector<float>(face.unit.size())};
  decode(vector, kind.element, added.unit);
  return added;
}

Result<void> write_audit(Database& database, std::string_view action,
                         std::optional<std::int64_t> person, std::int64_t count) {
  return database.run("INSERT INTO audit (at, action, person, count) VALUES (?, ?, ?, ?)",
                      seconds_now(), action, person, count);
}

Result<void> next_generation(Database& database) {
  return database.run("UPDATE meta SET generation = generation + 1 WHERE id = 1");
}

/// One audit row for each person that got faces.
Result<void> audit_enrolment(Database& database, std::span<const AddedFace> added) {
  std::vector<std::pair<std::int64_t, std::int64_t>> counts;
  for (const AddedFace& one : added) {
    if (counts.empty() || counts.back().first != one.person) counts.emplace_back(one.person, 0);
    ++counts.back().second;
  }
  for (const auto& [person, count] : counts)
    VISAVIS_CHECK(write_audit(database, "enrol", person, count));
  return {};
}

/// Marks the files of faces that are about to go.
Result<void> throw_away_files(Database& database, std::string_view faces_sql,
                              std::int64_t argument) {
  return database.run(faces_sql, argument);
}

/// With a removal: their paths and messages may name who is removed.
Result<void> forget_refusals(Database& database) { return database.run("DELETE FROM imports"); }

/// What an emptied log held before.
enum class Log { kAnything, kRemovals };

/// Empties the log into the database, so that no copy of what was removed stays in it. SQLite syncs
/// the log, then the database, and truncates the log. That is synced, too, unless the log held
/// nothing but removals: those pages have zeros where the removed was, and whoever is removed next
/// is so when the log is synced that is written after the truncation.
Result<void> empty_log(Database& database, const fs::path& folder, Log held) {
  VISAVIS_TRY(busy, database.number("PRAGMA wal_checkpoint(TRUNCATE)"));
  if (busy != 0) {
    VISAVIS_CHECK(sync_log(folder));
    return fail(
        ErrorCode::kUnavailable,
        "it is removed, but another process is still reading the gallery, so that old bytes "
        "remain on disk: compact the gallery to be rid of them");
  }
  return held == Log::kRemovals ? Result<void>{} : sync_log(folder);
}

/// While it lives, a commit is synced only when the log is emptied: a removal ends with that.
class SyncedByPurge {
 public:
  static Result<SyncedByPurge> begin(Database& database) {
    VISAVIS_CHECK(database.execute("PRAGMA synchronous = NORMAL"));
    return SyncedByPurge(database);
  }
  SyncedByPurge(const SyncedByPurge&) = delete;
  SyncedByPurge(SyncedByPurge&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)) {}
  SyncedByPurge& operator=(const SyncedByPurge&) = delete;
  SyncedByPurge& operator=(SyncedByPurge&&) = delete;
  ~SyncedByPurge() {
    if (database_ == nullptr) return;
    [[maybe_unused]] const auto restored = database_->execute("PRAGMA synchronous = FULL");
  }

 private:
  explicit SyncedByPurge(Database& database) noexcept : database_(&database) {}
  Database* database_;
};

void remove_unborn(const fs::path& folder) {
  // What cannot be removed is refused by the creation that follows.
  for (const char* ending : {"", "-wal", "-shm", "-journal"}) {
    [[maybe_unused]] const Result<void> gone = wipe_file(with_ending(unborn_path(folder), ending));
  }
}

Result<Database> open_reader(const fs::path& path, const Key* key) {
  auto database = Database::open(path, Database::Mode::kRead, key);
  if (database && set_up(*database) && database->number("PRAGMA schema_version")) return database;
  // In a folder that cannot be written SQLite cannot make the files that readers and writers agree
  // by. Where no log is left, nothing is missing without them.
  std::error_code ignored;
  if (!log_is_empty(path.parent_path()) || !fs::exists(path, ignored)) return database;
  return Database::open(path, Database::Mode::kImmutable, key);
}

}  // namespace

std::string_view to_string(Element element) noexcept {
  return element == Element::kF32 ? "f32" : "f16";
}

Store::Store(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Store::Store(Store&&) noexcept = default;
Store::~Store() = default;

bool Store::exists(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(database_path(folder), ignored);
}

namespace {

/// The connections of a gallery whose file is there.
struct Connections {
  Database reader;
  int version;
  std::optional<Database> writer;
};

Result<Connections> connect(const fs::path& path, bool write, const Key* key) {
  std::optional<Database> writer;
  if (write) {
    VISAVIS_TRY(opened, Database::open(path, Database::Mode::kWrite, key));
    VISAVIS_CHECK(set_up(opened));
    VISAVIS_TRY(version, verify_schema(opened));
    if (version < kFormatVersion) VISAVIS_CHECK(lift(opened, version, seconds_now()));
    writer.emplace(std::move(opened));
  }
  VISAVIS_TRY(reader, open_reader(path, key));
  VISAVIS_CHECK(set_up(reader));
  VISAVIS_TRY(version, verify_schema(reader));
  return Connections{.reader = std::move(reader), .version = version, .writer = std::move(writer)};
}

/// Whether the folder holds a database.
/// @return kNotFound for no folder, kUnavailable for one that cannot be looked into, kDecodeFailed
/// for a database that is not a file or an empty one.
Result<bool> find_database(const fs::path& folder) {
  std::error_code error;
  const fs::file_status place = fs::status(folder, error);
  if (!fs::status_known(place))
    return fail(ErrorCode::kUnavailable, "the gallery cannot be opened: " + error.message());
  if (!fs::is_directory(place))
    return fail(ErrorCode::kNotFound, "there is no such gallery folder");
  const fs::file_status there = fs::status(database_path(folder), error);
  if (there.type() == fs::file_type::not_found) return false;
  if (!fs::status_known(there))
    return fail(ErrorCode::kUnavailable, "the gallery cannot be opened: " + error.message());
  if (!fs::is_regular_file(there))
    return fail(ErrorCode::kDecodeFailed, "gallery.sqlite is not a file");
  if (fs::file_size(database_path(folder), error) == 0)
    return fail(ErrorCode::kDecodeFailed, "gallery.sqlite is empty");
  return true;
}

/// The folder of a gallery that is being made. What has come into being for it goes again unless
/// `keep` is called.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& folder)
      : folder_(folder.has_filename() ? folder : folder.parent_path()) {}
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code ignored;  // a folder that is not empty stays
    if (is_ours_) {
      remove_unborn(folder_);
      for (const std::string& name : kept_) fs::remove(folder_ / name, ignored);
      fs::remove(folder_ / "gallery.lock", ignored);
    }
    for (const fs::path& folder : made_) fs::remove(folder, ignored);
  }

  Result<void> make() {
    std::error_code error;
    // A link that leads nowhere is there, too: it is not to be removed.
    for (fs::path at = folder_; !at.empty() && !fs::exists(fs::symlink_status(at, error));
         at = at.parent_path())
      made_.push_back(at);
    if (made_.empty()) return {};
    error.clear();
    if (made_.size() > 1) fs::create_directories(made_[1], error);
    // Another process may make it at the same time.
    if (!error && ::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
      error = std::error_code(errno, std::generic_category());
    if (!error) return {};
    return fail(ErrorCode::kUnavailable, "the gallery folder cannot be made: " + error.message());
  }
  /// Refuses a folder where files lie that would be taken for a gallery's. Beside an unborn gallery
  /// they are its own.
  Result<void> check() {
    std::error_code ignored;
    const auto kept = check_nothing_kept(folder_);
    if (kept || fs::exists(unborn_path(folder_), ignored)) return {};
    // Another process may have given birth meanwhile.
    return fs::exists(database_path(folder_), ignored) ? Result<void>() : kept;
  }
  /// Removes what somebody who was stopped has left of a gallery that never was. @pre it is locked
  Result<void> clear() {
    std::error_code ignored;
    // The unborn gallery goes last: without it nobody knows whose the files are.
    if (fs::exists(unborn_path(folder_), ignored)) VISAVIS_CHECK(wipe_all_kept(folder_));
    VISAVIS_CHECK(check_nothing_kept(folder_));
    is_ours_ = true;
    for (const char* name : {"chips", "photos"})
      if (!fs::exists(folder_ / name, ignored)) kept_.emplace_back(name);
    remove_unborn(folder_);
    return {};
  }
  void keep() {
    is_ours_ = false;
    made_.clear();
  }

 private:
  fs::path folder_;
  std::vector<fs::path> made_;     ///< The innermost first.
  std::vector<std::string> kept_;  ///< Folders that were not there before.
  bool is_ours_ = false;           ///< Whatever a gallery has for files.
};

/// Gives a whole database its name.
Result<void> give_birth(const fs::path& folder) {
  std::error_code error;
  // Closing the last connection has emptied the log into the file and removed it.
  if (fs::exists(with_ending(unborn_path(folder), "-wal"), error))
    return fail(ErrorCode::kUnavailable, "the gallery cannot be written: the disk may be full");
  VISAVIS_CHECK(sync(unborn_path(folder)));
  fs::rename(unborn_path(folder), database_path(folder), error);
  if (error)
    return fail(ErrorCode::kUnavailable, "the gallery cannot be written: " + error.message());
  return sync(folder);
}

Result<void> make_tables(const fs::path& path, const StoreOptions& options) {
  // The files that SQLite makes beside it get its permissions.
  {
    const Descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0)
      return fail(ErrorCode::kUnavailable,
                  "the gallery cannot be written: " + std::generic_category().message(errno));
  }
  VISAVIS_TRY(database, Database::open(path, Database::Mode::kCreate, options.key.get()));
  VISAVIS_CHECK(set_up(database));
  VISAVIS_CHECK(create_tables(database, options.element, seconds_now()));
  if (!options.key) return {};
  return database.run("UPDATE meta SET encryption = ?", kEncryption);
}

}  // namespace

Result<Store> Store::open(const fs::path& folder, const StoreOptions& options) {
  const bool write = options.mode != Mode::kRead;
  Descriptor lock;
  NewFolder fresh(folder);
  if (options.mode == Mode::kCreate) VISAVIS_CHECK(fresh.make());
  VISAVIS_TRY(there, find_database(folder));
  if (options.mode != Mode::kCreate && !there)
    return fail(ErrorCode::kNotFound, "there is no gallery in this folder");
  if (!there) VISAVIS_CHECK(fresh.check());
  if (write) {
    VISAVIS_TRY(taken, take_write_lock(folder));
    lock = std::move(taken);
  }
  const auto assemble = [&](const fs::path& path, Descriptor held) -> Result<Store> {
    VISAVIS_TRY(connections, connect(path, write, options.key.get()));
    auto impl = std::make_unique<Impl>(folder, options.key, std::move(held),
                                       std::move(connections.reader), connections.version);
    if (connections.writer) impl->writer.emplace(*std::move(connections.writer));
    return Store(std::move(impl));
  };
  const auto make = [&]() -> Result<void> {
    VISAVIS_CHECK(fresh.clear());
    VISAVIS_CHECK(make_tables(unborn_path(folder), options));
    // Chips and photos are nobody's without it.
    VISAVIS_CHECK(sync(folder));
    if (options.fill) {
      VISAVIS_TRY(unborn, assemble(unborn_path(folder), Descriptor()));
      VISAVIS_CHECK(options.fill(unborn));
    }
    return give_birth(folder);
  };
  if (!there) {
    // Another process may have made it before the lock was ours.
    VISAVIS_TRY(now, find_database(folder));
    if (!now) VISAVIS_CHECK(make());
  }
  fresh.keep();
  VISAVIS_TRY(store, assemble(database_path(folder), std::move(lock)));
  if (write) VISAVIS_CHECK(empty_trash(*store.impl_->writer, folder));
  return store;
}

namespace {

auto read_only() {
  return fail(ErrorCode::kInvalidArgument, "the gallery was opened for reading only");
}

Result<void> write_person(Database& database, std::int64_t row, const PersonFields& person) {
  std::optional<std::string_view> basis;
  if (person.consent_basis) basis = *person.consent_basis;
  VISAVIS_CHECK(database.run(
      "UPDATE persons SET name = ?, attributes = ?, consent_basis = ?, consent_at = ?, "
      "expires_at = ? WHERE id = ?",
      std::string_view(person.name), std::string_view(person.attributes), basis, person.consent_at,
      person.expires_at, row));
  return seal_person(database, row);
}

/// Which of the things that are said of a person are about to change.
Result<std::vector<std::string_view>> changes_of(Database& database, std::int64_t row,
                                                 const PersonFields& person) {
  VISAVIS_TRY(old, database.query("SELECT name, attributes, consent_basis, consent_at, expires_at "
                                  "FROM persons WHERE id = ?",
                                  row));
  VISAVIS_CHECK(old.next());
  const auto text = [&](int column) {
    return old.is_null(column) ? std::nullopt : std::optional(old.text(column));
  };
  const auto time = [&](int column) {
    return old.is_null(column) ? std::nullopt : std::optional(old.integer(column));
  };
  std::vector<std::string_view> changes;
  if (old.text(0) != person.name) changes.emplace_back("set-name");
  if (old.text(1) != person.attributes) changes.emplace_back("set-attributes");
  if (text(2) != person.consent_basis || time(3) != person.consent_at)
    changes.emplace_back("set-consent");
  if (time(4) != person.expires_at) changes.emplace_back("set-expiry");
  return changes;
}

Result<AddedPerson> put_row(Database& database, const PersonFields& person, std::int64_t now) {
  VISAVIS_TRY(row, find_or_make_person(database, person.public_id, now));
  VISAVIS_TRY(changes, changes_of(database, row.person, person));
  VISAVIS_CHECK(write_person(database, row.person, person));
  for (const std::string_view change : changes)
    VISAVIS_CHECK(write_audit(database, change, row.person, 0));
  return row;
}

}  // namespace

Result<std::vector<AddedFace>> Store::add(std::span<const NewFace> faces,
                                          std::span<const PersonFields> persons) {
  if (!impl_->writer) return read_only();
  if (faces.empty() && persons.empty()) return std::vector<AddedFace>{};
  for (const PersonFields& person : persons) VISAVIS_CHECK(check_person(person));
  for (const NewFace& face : faces) VISAVIS_CHECK(check_face(face));
  const std::scoped_lock lock(impl_->writing);
  Database& database = *impl_->writer;
  NewFiles files(impl_->folder, impl_->key.get());
  VISAVIS_CHECK(empty_trash(database, impl_->folder));
  VISAVIS_TRY(places, places_of(database, faces));
  if (!places.empty()) VISAVIS_CHECK(files.announce(database, places));
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  VISAVIS_TRY(kind, read_kind(database));
  const std::int64_t now = seconds_now();
  std::set<std::int64_t> made;
  for (const PersonFields& person : persons) {
    VISAVIS_TRY(row, put_row(database, person, now));
    if (row.is_new) made.insert(row.person);
  }
  std::vector<AddedFace> added;
  added.reserve(faces.size());
  for (const NewFace& face : faces) {
    VISAVIS_CHECK(fit(database, kind, face));
    VISAVIS_TRY(one, add_face(database, files, kind, face, now));
    one.new_person = one.new_person || made.erase(one.person) > 0;
    added.push_back(std::move(one));
  }
  VISAVIS_CHECK(audit_enrolment(database, added));
  VISAVIS_CHECK(next_generation(database));
  VISAVIS_CHECK(files.settle(database));
  const Result<void> committed = transaction.commit();
  files.leave();
  VISAVIS_CHECK(committed);
  return added;
}

Result<std::int64_t> Store::put_person(const PersonFields& person) {
  if (!impl_->writer) return read_only();
  VISAVIS_CHECK(check_person(person));
  const std::scoped_lock lock(impl_->writing);
  Database& database = *impl_->writer;
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  VISAVIS_TRY(row, put_row(database, person, seconds_now()));
  VISAVIS_CHECK(transaction.commit());
  return row.person;
}

Result<std::vector<std::int64_t>> Store::remove_person(std::int64_t person) {
  if (!impl_->writer) return read_only();
  const std::scoped_lock lock(impl_->writing);
  Database& database = *impl_->writer;
  VISAVIS_TRY(synced_by_purge, SyncedByPurge::begin(database));
  impl_->log_was_empty = log_is_empty(impl_->folder);
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  std::vector<std::int64_t> faces;
  {
    VISAVIS_TRY(rows, database.query("SELECT id FROM faces WHERE person = ? ORDER BY id", person));
    for (;;) {
      VISAVIS_TRY(more, rows.next());
      if (!more) break;
      faces.push_back(rows.integer(0));
    }
  }
  VISAVIS_CHECK(throw_away_files(
      database,
      "INSERT OR IGNORE INTO trash SELECT 'chips/' || chip FROM faces WHERE person = ?1 AND chip "
      "IS NOT NULL UNION SELECT 'photos/' || photo FROM faces WHERE person = ?1 AND photo IS NOT "
      "NULL",
      person));
  VISAVIS_CHECK(forget_refusals(database));
  VISAVIS_CHECK(database.run("DELETE FROM persons WHERE id = ?", person));
  if (database.changes() == 0) return fail(ErrorCode::kNotFound, "there is no such person");
  VISAVIS_CHECK(write_audit(database, "remove", person, static_cast<std::int64_t>(faces.size())));
  VISAVIS_CHECK(next_generation(database));
  VISAVIS_CHECK(transaction.commit());
  return faces;
}

namespace {

/// @return whose it was
Result<std::int64_t> drop_face(Database& database, std::int64_t face) {
  std::int64_t person = 0;
  {
    VISAVIS_TRY(row, database.query("SELECT person FROM faces WHERE id = ?", face));
    VISAVIS_TRY(there, row.next());
    if (!there) return fail(ErrorCode::kNotFound, "there is no such face");
    person = row.integer(0);
  }
  VISAVIS_CHECK(throw_away_files(
      database,
      "INSERT OR IGNORE INTO trash SELECT 'chips/' || chip FROM faces WHERE id = ?1 AND chip IS "
      "NOT NULL UNION SELECT 'photos/' || photo FROM faces WHERE id = ?1 AND photo IS NOT NULL",
      face));
  VISAVIS_CHECK(forget_refusals(database));
  VISAVIS_CHECK(database.run("DELETE FROM faces WHERE id = ?", face));
  VISAVIS_CHECK(write_audit(database, "remove", person, 1));
  return person;
}

}  // namespace

Result<void> Store::remove_face(std::int64_t face) {
  if (!impl_->writer) return read_only();
  const std::scoped_lock lock(impl_->writing);
  Database& database = *impl_->writer;
  VISAVIS_TRY(synced_by_purge, SyncedByPurge::begin(database));
  impl_->log_was_empty = log_is_empty(impl_->folder);
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  VISAVIS_CHECK(drop_face(database, face));
  VISAVIS_CHECK(next_generation(database));
  return transaction.commit();
}

Result<void> Store::note_refused(const Import& import, std::span<const RefusedPhoto> photos) {
  if (!impl_->writer) return read_only();
  const std::scoped_lock lock(impl_->writing);
  Database& database = *impl_->writer;
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  for (const RefusedPhoto& photo : photos)
    VISAVIS_CHECK(
        database.run("INSERT OR REPLACE INTO imports (source, path, settings, reason, message) "
                     "VALUES (?, ?, ?, ?, ?)",
                     std::string_view(import.source), std::string_view(photo.path),
                     std::string_view(import.settings), std::string_view(photo.reason),
                     std::string_view(photo.message)));
  return transaction.commit();
}

Result<void> Store::finish_import(std::string_view source) {
  if (!impl_->writer) return read_only();
  const std::scoped_lock lock(impl_->writing);
  return impl_->writer->run("DELETE FROM imports WHERE source = ?", source);
}

struct Change::Impl {
  std::unique_lock<std::mutex> lock;
  Database& database;
  NewFiles files;  // wiped after the transaction was rolled back
  std::optional<Transaction> transaction{};
  Kind kind{};
  std::int64_t now = seconds_now();
};

Change::Change(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Change::Change(Change&&) noexcept = default;
Change::~Change() = default;

Result<Change> Store::begin(Keeping keeping) {
  if (!impl_->writer) return read_only();
  std::unique_lock lock(impl_->writing);
  Database& database = *impl_->writer;
  std::unique_ptr<Change::Impl> change(
      new Change::Impl{.lock = std::move(lock),
                       .database = database,
                       .files = NewFiles(impl_->folder, impl_->key.get())});
  VISAVIS_CHECK(empty_trash(database, impl_->folder));
  if (keeping == Keeping::kFiles) VISAVIS_CHECK(change->files.announce_any(database));
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  change->transaction.emplace(std::move(transaction));
  VISAVIS_TRY(kind, read_kind(database));
  change->kind = std::move(kind);
  return Change(std::move(change));
}

Result<void> Change::set_model(std::string_view model, std::size_t dimension) {
  impl_->kind.model = model;
  impl_->kind.dimension = dimension;
  return impl_->database.run("UPDATE meta SET model = ?, dimension = ? WHERE id = 1", model,
                             static_cast<std::int64_t>(dimension));
}

Result<AddedFace> Change::add(const NewFace& face) {
  VISAVIS_CHECK(check_face(face));
  VISAVIS_CHECK(fit(impl_->database, impl_->kind, face));
  return add_face(impl_->database, impl_->files, impl_->kind, face, impl_->now);
}

Result<AddedPerson> Change::add_person(const PersonFields& person, std::int64_t created) {
  VISAVIS_CHECK(check_person(person));
  VISAVIS_TRY(added, find_or_make_person(impl_->database, person.public_id, created));
  if (added.is_new) VISAVIS_CHECK(write_person(impl_->database, added.person, person));
  return added;
}

Result<void> Change::replace(std::int64_t face, std::span<const float> unit,
                             const FaceFields& fields) {
  VISAVIS_CHECK(check_vector(unit));
  VISAVIS_CHECK(check_fields(fields));
  if (unit.size() != impl_->kind.dimension)
    return fail(ErrorCode::kModelMismatch, "the new vectors differ in their dimension");
  const std::vector<std::byte> vector = encode(unit, impl_->kind.element);
  VISAVIS_CHECK(impl_->database.run(
      "UPDATE faces SET embedding = ?, norm = ?, quality = ?, box = ?, landmarks = ?, source = ? "
      "WHERE id = ?",
      std::span<const std::byte>(vector), static_cast<double>(fields.norm),
      static_cast<double>(fields.quality), bytes_of(fields.box), bytes_of(fields.landmarks),
      std::string_view(fields.source), face));
  if (impl_->database.changes() == 0) return fail(ErrorCode::kNotFound, "there is no such face");
  return seal_face(impl_->database, face);
}

Result<void> Change::remove_face(std::int64_t face) {
  VISAVIS_CHECK(drop_face(impl_->database, face));
  return {};
}

Result<void> Change::note(std::string_view action, std::optional<std::int64_t> person,
                          std::int64_t count) {
  return write_audit(impl_->database, action, person, count);
}

Result<void> Change::commit() {
  VISAVIS_CHECK(next_generation(impl_->database));
  VISAVIS_CHECK(impl_->files.settle(impl_->database));
  const Result<void> committed = impl_->transaction->commit();
  impl_->files.leave();
  return committed;
}

Result<void> Store::purge() {
  if (!impl_->writer) return read_only();
  const std::scoped_lock lock(impl_->writing);
  VISAVIS_CHECK(empty_trash(*impl_->writer, impl_->folder));
  const bool held_removals = std::exchange(impl_->log_was_empty, false);
  return empty_log(*impl_->writer, impl_->folder, held_removals ? Log::kRemovals : Log::kAnything);
}

Result<void> Store::renew() {
  if (!impl_->writer) return read_only();
  const std::scoped_lock lock(impl_->writing);
  return next_generation(*impl_->writer);
}

Result<void> Store::compact() {
  if (!impl_->writer) return read_only();
  const std::scoped_lock lock(impl_->writing);
  VISAVIS_CHECK(impl_->writer->execute("VACUUM"));
  return empty_log(*impl_->writer, impl_->folder, Log::kAnything);
}

Result<void> Store::note(std::string_view action, std::optional<std::int64_t> person,
                         std::int64_t count) {
  if (!impl_->writer) return read_only();
  const std::scoped_lock lock(impl_->writing);
  return write_audit(*impl_->writer, action, person, count);
}

}  // namespace visavis::store
