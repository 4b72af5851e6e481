#include "schema.hpp"

#include <string>

namespace visavis::store {
namespace {

constexpr std::int64_t kApplicationId = 0x76697347;  // "visG"

/// What `faces.checksum` must be.
constexpr std::string_view kFaceChecksum =
    "row_checksum(faces.id, person, norm, quality, box, landmarks, source, enrolled, chip, photo, "
    "embedding)";

/// What `persons.checksum` must be.
constexpr std::string_view kPersonChecksum =
    "row_checksum(persons.id, public_id, name, attributes, consent_basis, consent_at, expires_at, "
    "persons.created)";

constexpr const char* kTables = R"sql(
CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  model TEXT,
  dimension INTEGER NOT NULL,
  element TEXT NOT NULL CHECK (element IN ('f16', 'f32')),
  generation INTEGER NOT NULL,
  created INTEGER NOT NULL,
  encryption TEXT NOT NULL DEFAULT 'none',
  encryption_header BLOB
);
CREATE TABLE persons (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  attributes TEXT NOT NULL DEFAULT '{}',
  consent_basis TEXT,
  consent_at INTEGER,
  expires_at INTEGER,
  created INTEGER NOT NULL,
  checksum INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX persons_by_expiry ON persons (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE faces (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL REFERENCES persons (id) ON DELETE CASCADE,
  norm REAL NOT NULL,
  quality REAL NOT NULL,
  box BLOB NOT NULL,
  landmarks BLOB,
  source TEXT NOT NULL,
  enrolled INTEGER NOT NULL,
  chip TEXT,
  photo TEXT,
  embedding BLOB NOT NULL,
  checksum INTEGER NOT NULL DEFAULT 0,
  chip_checksum INTEGER,
  photo_checksum INTEGER
);
CREATE INDEX faces_by_person ON faces (person);
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  action TEXT NOT NULL,
  person INTEGER,
  count INTEGER NOT NULL
);
CREATE TABLE trash (path TEXT PRIMARY KEY) WITHOUT ROWID;
PRAGMA application_id = 1986622279;
)sql";
static_assert(kApplicationId == 1986622279, "as in kTables");

constexpr const char* kImports = R"sql(
CREATE TABLE imports (
  source TEXT NOT NULL,
  path TEXT NOT NULL,
  settings TEXT NOT NULL,
  reason TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (source, path)
) WITHOUT ROWID;
)sql";

constexpr const char* kVersion = "PRAGMA user_version = 3";
static_assert(kFormatVersion == 3, "as in kVersion");

/// From version 1, whose `imports` nothing filled.
constexpr const char* kFirstLift =
    "ALTER TABLE faces ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0; DROP TABLE imports;";

/// From version 2. Of chips and photos that are there nobody knows whether they are as they were.
constexpr const char* kSecondLift =
    "ALTER TABLE persons ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE faces ADD COLUMN chip_checksum INTEGER;"
    "ALTER TABLE faces ADD COLUMN photo_checksum INTEGER;";

std::string seal_faces() { return "UPDATE faces SET checksum = " + std::string(kFaceChecksum); }

std::string seal_persons() {
  return "UPDATE persons SET checksum = " + std::string(kPersonChecksum);
}

}  // namespace

Result<void> set_up(Database& database) {
  return database.execute(
      "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;"
      "PRAGMA temp_store = MEMORY;"
      // 8 MiB: the inner pages of a database of a million faces, so that a row costs one read.
      "PRAGMA cache_size = -8192;");
}

Result<void> create_tables(Database& database, Element element, std::int64_t now) {
  VISAVIS_CHECK(database.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL;"));
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  for (const char* part : {kTables, kImports, kVersion}) VISAVIS_CHECK(database.execute(part));
  VISAVIS_CHECK(database.run(
      "INSERT INTO meta (id, dimension, element, generation, created) VALUES (1, 0, ?, 0, ?)",
      to_string(element), now));
  return transaction.commit();
}

Result<int> verify_schema(Database& database) {
  VISAVIS_TRY(application, database.number("PRAGMA application_id"));
  if (application != kApplicationId)
    return fail(ErrorCode::kDecodeFailed, "gallery.sqlite is a database, but not of a gallery");
  VISAVIS_TRY(version, database.number("PRAGMA user_version"));
  if (version < 1)
    return fail(ErrorCode::kDecodeFailed, "the gallery's database is damaged: it has no version");
  if (version > kFormatVersion)
    return fail(ErrorCode::kUnsupported,
                "the gallery has format version " + std::to_string(version) +
                    ", this program reads up to " + std::to_string(kFormatVersion));
  VISAVIS_TRY(plain, database.number(
                         "SELECT count(*) FROM meta WHERE encryption IN ('none', 'aegis-256')"));
  if (plain != 1)
    return fail(ErrorCode::kUnsupported, "the gallery is encrypted in a way unknown to this build");
  return static_cast<int>(version);
}

std::string is_sound_face(int version) {
  return version < 2 ? "1" : "faces.checksum IS " + std::string(kFaceChecksum);
}

std::string is_sound_person(int version) {
  return version < 3 ? "1" : "persons.checksum IS " + std::string(kPersonChecksum);
}

Result<void> seal_face(Database& database, std::int64_t face) {
  static const std::string sql = seal_faces() + " WHERE id = ?";
  return database.run(sql, face);
}

Result<void> seal_person(Database& database, std::int64_t person) {
  static const std::string sql = seal_persons() + " WHERE id = ?";
  return database.run(sql, person);
}

Result<void> lift(Database& database, int version, std::int64_t now) {
  VISAVIS_TRY(transaction, Transaction::begin(database, Transaction::Kind::kWrite));
  if (version < 2) {
    VISAVIS_CHECK(database.execute(kFirstLift));
    VISAVIS_CHECK(database.execute(kImports));
    VISAVIS_CHECK(database.run(seal_faces()));
  }
  VISAVIS_CHECK(database.execute(kSecondLift));
  VISAVIS_CHECK(database.run(seal_persons()));
  VISAVIS_CHECK(database.execute(kVersion));
  VISAVIS_CHECK(database.run(
      "INSERT INTO audit (at, action, count) SELECT ?, 'migrate', count(*) FROM faces", now));
  return transaction.commit();
}

}  // namespace visavis::store
