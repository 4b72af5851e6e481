#include "sqlite.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <visavis/core/checksum.hpp>

#include "encryption.hpp"
#include "fold.hpp"

namespace visavis::store {
namespace {

/// How long a writer waits for a reader's snapshot to end, and the other way round.
constexpr int kBusyMs = 5000;

/// A path as the path of a `file:` URI.
std::string to_uri(const std::filesystem::path& path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == '-' || c == '_';
    if (plain)
      uri += c;
    else
      uri.append({'%', kHex[byte >> 4U], kHex[byte & 15U]});
  }
  return uri;
}

int flags_of(Database::Mode mode) {
  // The store serialises the use of each connection itself.
  constexpr int kAlways = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case Database::Mode::kImmutable:
      return kAlways | SQLITE_OPEN_READONLY;
    // What reads may write if the system lets it, so that the last one can put the log away.
    case Database::Mode::kRead:
    case Database::Mode::kWrite:
      return kAlways | SQLITE_OPEN_READWRITE;
    case Database::Mode::kCreate:
      return kAlways | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  }
  return kAlways | SQLITE_OPEN_READONLY;
}

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

/// One value as docs/formats/gallery.md counts it: storage class, length, content.
std::uint32_t add_value(std::uint32_t checksum, sqlite3_value* value) {
  const int type = sqlite3_value_type(value);
  checksum = crc32c(bytes_of(static_cast<std::uint8_t>(type)), checksum);
  if (type == SQLITE_NULL) return checksum;
  if (type == SQLITE_INTEGER)
    return crc32c(bytes_of(static_cast<std::int64_t>(sqlite3_value_int64(value))), checksum);
  if (type == SQLITE_FLOAT) return crc32c(bytes_of(sqlite3_value_double(value)), checksum);
  // Of a text this gives its bytes: databases are in UTF-8.
  const void* content = sqlite3_value_blob(value);
  const auto size = static_cast<std::uint64_t>(sqlite3_value_bytes(value));
  checksum = crc32c(bytes_of(size), checksum);
  return crc32c({static_cast<const std::byte*>(content), content == nullptr ? 0 : size}, checksum);
}

/// row_checksum(value, ...) in SQL.
void row_checksum(sqlite3_context* context, int count, sqlite3_value** values) {
  std::uint32_t checksum = 0;
  for (int i = 0; i < count; ++i) checksum = add_value(checksum, values[i]);
  sqlite3_result_int64(context, checksum);
}

/// fold_case(text) in SQL.
void fold_text(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(values[0]));
  const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[0]));
  if (text == nullptr) return sqlite3_result_null(context);
  try {
    const std::string folded = fold_case({text, size});
    sqlite3_result_text64(context, folded.data(), folded.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

static_assert(SQLITE_INTEGER == 1 && SQLITE_FLOAT == 2 && SQLITE_TEXT == 3 && SQLITE_BLOB == 4 &&
                  SQLITE_NULL == 5,
              "the format's numbers of storage classes");

}  // namespace

Error sqlite_error(int code) {
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return {ErrorCode::kUnavailable, "the gallery cannot be written: the disk is full"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {ErrorCode::kUnavailable,
              "the gallery cannot be written: its file or folder is read-only"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:  // its locks were lost to others again and again
      return {ErrorCode::kUnavailable, "the gallery is busy: another process is using it"};
    // Statements are fixed, and values are checked before: the tables are not those that were made.
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:  // its first bytes are a database's, or nobody had opened it
      return {ErrorCode::kDecodeFailed, "the gallery's database is damaged"};
    case SQLITE_NOMEM:
      return {ErrorCode::kResourceExhausted, "memory ran out"};
    case SQLITE_CANTOPEN:
      return {ErrorCode::kUnavailable, "the gallery's database cannot be opened"};
    case SQLITE_IOERR:
      return {ErrorCode::kUnavailable, "the gallery cannot be read or written: the disk failed"};
    case SQLITE_TOOBIG:
      return {ErrorCode::kInvalidArgument, "a value is too long for the gallery"};
    default:
      return {ErrorCode::kInternal,
              std::string("the gallery's database says: ") + sqlite3_errstr(code & 0xFF)};
  }
}

Query::~Query() {
  if (statement_ != nullptr) database_->give_back(statement_);
}

Result<bool> Query::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(sqlite_error(code));
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

double Query::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Query::text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return text == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(text), size);
}

std::span<const std::byte> Query::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return {static_cast<const std::byte*>(bytes), bytes == nullptr ? 0 : size};
}

void Database::Close::operator()(sqlite3* connection) const noexcept {
  sqlite3_close_v2(connection);
}

Database::Idle::~Idle() {
  for (const auto& [sql, statement] : statements) sqlite3_finalize(statement);
}

Result<Database> Database::open(const std::filesystem::path& path, Mode mode, const Key* key) {
  std::string name = to_uri(path);
  if (mode == Mode::kImmutable) name += "?immutable=1";
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &connection, flags_of(mode), nullptr);
  Database database(connection);  // SQLite wants it closed even if it could not be opened
  if (code != SQLITE_OK) return std::unexpected(sqlite_error(code));
  if (mode != Mode::kCreate) VISAVIS_CHECK(check_key(connection, key));
  if (const int given = key != nullptr ? unlock(connection, *key) : SQLITE_OK; given != SQLITE_OK)
    return std::unexpected(sqlite_error(given));
  sqlite3_busy_timeout(connection, kBusyMs);
  // A file from elsewhere is data: no SQL of its schema may do anything but describe tables.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_create_function(connection, "row_checksum", -1,
                          SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                          row_checksum, nullptr, nullptr);
  sqlite3_create_function(connection, "fold_case", 1,
                          SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                          fold_text, nullptr, nullptr);
  if (mode == Mode::kRead) VISAVIS_CHECK(database.execute("PRAGMA query_only = ON"));
  return database;
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(sqlite_error(code));
  return {};
}

Result<Query> Database::prepare(std::string_view sql) {
  if (const auto found = idle_.statements.find(sql); found != idle_.statements.end()) {
    sqlite3_stmt* statement = found->second;
    idle_.statements.erase(found);
    return Query(*this, statement);
  }
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return std::unexpected(sqlite_error(code));
  return Query(*this, statement);
}

void Database::give_back(sqlite3_stmt* statement) {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  idle_.statements.emplace(sqlite3_sql(statement), statement);
}

std::int64_t Database::last_row() const { return sqlite3_last_insert_rowid(connection_.get()); }
std::int64_t Database::changes() const { return sqlite3_changes64(connection_.get()); }

void Database::bind(sqlite3_stmt* statement, int index, std::int64_t value) {
  sqlite3_bind_int64(statement, index, value);
}
void Database::bind(sqlite3_stmt* statement, int index, double value) {
  sqlite3_bind_double(statement, index, value);
}
void Database::bind(sqlite3_stmt* statement, int index, std::string_view value) {
  sqlite3_bind_text64(statement, index, value.data() == nullptr ? "" : value.data(), value.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
}
void Database::bind(sqlite3_stmt* statement, int index, std::span<const std::byte> value) {
  sqlite3_bind_blob64(statement, index, value.data(), value.size(), SQLITE_TRANSIENT);
}

Result<Transaction> Transaction::begin(Database& database, Kind kind) {
  VISAVIS_CHECK(database.execute(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ == nullptr) return;
  // Where SQLite rolled back by itself there is nothing left to undo, and it says so.
  [[maybe_unused]] const Result<void> rolled_back = database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  VISAVIS_CHECK(database_->execute("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace visavis::store
