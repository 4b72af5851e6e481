#pragma once

/// SQLite behind Result: a connection, a transaction, a statement with its answers.

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <visavis/core/result.hpp>

#include "visavis/store/key.hpp"

namespace visavis::store {

/// What SQLite's code means to somebody who has a gallery.
[[nodiscard]] Error sqlite_error(int code);

class Database;

/// A statement with its values bound. Must not outlive its database.
class Query {
 public:
  Query(Query&& other) noexcept
      : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  /// @return true if there is a row to read, false at the end.
  [[nodiscard]] Result<bool> next();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  /// Valid until the next call of next().
  [[nodiscard]] std::span<const std::byte> blob(int column) const;

 private:
  friend class Database;
  Query(Database& database, sqlite3_stmt* statement) noexcept
      : database_(&database), statement_(statement) {}
  Database* database_;
  sqlite3_stmt* statement_;
};

/// One connection. Thread-compatible.
class Database {
 public:
  enum class Mode : std::uint8_t {
    kRead,
    kImmutable,  ///< For files that nobody can change: takes no locks, makes no files.
    kWrite,
    kCreate,
  };
  /// @param key  of an encrypted database; null for a plain one
  [[nodiscard]] static Result<Database> open(const std::filesystem::path& path, Mode mode,
                                             const Key* key);

  /// Runs statements that answer nothing.
  [[nodiscard]] Result<void> execute(const char* sql);

  /// One statement with a value for each `?`: integers, floats, text, bytes, optionals of them.
  template <class... Values>
  [[nodiscard]] Result<Query> query(std::string_view sql, const Values&... values) {
    VISAVIS_TRY(prepared, prepare(sql));
    int index = 0;
    (bind(prepared.statement_, ++index, values), ...);
    return prepared;
  }

  /// The same for a statement whose rows are of no interest.
  template <class... Values>
  [[nodiscard]] Result<void> run(std::string_view sql, const Values&... values) {
    VISAVIS_TRY(prepared, query(sql, values...));
    for (;;) {
      VISAVIS_TRY(more, prepared.next());
      if (!more) return {};
    }
  }

  /// The first column of the first row. @return kDecodeFailed if there is no row
  template <class... Values>
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql, const Values&... values) {
    VISAVIS_TRY(prepared, query(sql, values...));
    VISAVIS_TRY(there, prepared.next());
    if (!there) return fail(ErrorCode::kDecodeFailed, "the gallery lacks a row that must be there");
    return prepared.integer(0);
  }

  [[nodiscard]] std::int64_t last_row() const;
  [[nodiscard]] std::int64_t changes() const;

 private:
  friend class Query;
  struct Close {
    void operator()(sqlite3* connection) const noexcept;
  };
  /// Statements that wait for their next use.
  struct Idle {
    Idle() = default;
    Idle(Idle&&) = default;
    Idle& operator=(Idle&&) = delete;
    ~Idle();
    std::unordered_multimap<std::string_view, sqlite3_stmt*> statements;
  };

  explicit Database(sqlite3* connection) : connection_(connection) {}
  [[nodiscard]] Result<Query> prepare(std::string_view sql);
  void give_back(sqlite3_stmt* statement);

  static void bind(sqlite3_stmt* statement, int index, std::int64_t value);
  static void bind(sqlite3_stmt* statement, int index, double value);
  static void bind(sqlite3_stmt* statement, int index, std::string_view value);
  static void bind(sqlite3_stmt* statement, int index, std::span<const std::byte> value);
  template <class T>
  static void bind(sqlite3_stmt* statement, int index, const std::optional<T>& value) {
    if (value) bind(statement, index, *value);  // what is not bound is null
  }

  std::unique_ptr<sqlite3, Close> connection_;
  Idle idle_;
};

/// Rolls back unless it was committed.
class Transaction {
 public:
  enum class Kind : std::uint8_t { kRead, kWrite };
  [[nodiscard]] static Result<Transaction> begin(Database& database, Kind kind);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  /// After an error nothing of the transaction has happened.
  [[nodiscard]] Result<void> commit();

 private:
  explicit Transaction(Database& database) noexcept : database_(&database) {}
  Database* database_;
};

}  // namespace visavis::store
