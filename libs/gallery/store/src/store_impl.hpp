#pragma once

/// What a store holds: two connections, each with the mutex of whoever uses it.

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "folder.hpp"
#include "sqlite.hpp"
#include "visavis/store/store.hpp"

namespace visavis::store {

/// What reads rows of `faces`: the last column says whether the row is as it was written.
struct FaceQueries {
  explicit FaceQueries(int version);
  std::string vectors;  ///< id, person, quality, embedding
  std::string vectors_of_person;
  std::string of_person;  ///< As `one`.
  std::string after;      ///< As `one`: the next by id.
  std::string one;  ///< id, person, norm, quality, box, landmarks, source, enrolled, chip, photo
  /// public_id, name, norm, quality, expires_at, the person's row; then whether that is sound, too.
  std::string owner;
  std::string all;  ///< id, norm, quality, embedding, box, landmarks, source
};

/// The same of `persons`: id, public_id, name, attributes, consent_basis, consent_at, expires_at,
/// created, how many faces.
struct PersonQueries {
  explicit PersonQueries(int version);
  std::string after;  ///< The next by id.
  std::string named;  ///< The same of those whose folded name holds a text.
  std::string one;    ///< By public id.
  std::string expired;
};

struct Store::Impl {
  Impl(std::filesystem::path where, std::shared_ptr<const Key> with, Descriptor held, Database read,
       int format)
      : folder(std::move(where)),
        key(std::move(with)),
        lock(std::move(held)),
        version(format),
        queries(version),
        person_queries(version),
        reader(std::move(read)) {}

  std::filesystem::path folder;
  std::shared_ptr<const Key> key;  ///< Null for a plain gallery.
  Descriptor lock;                 ///< Held by the writer. Outlives the connections.
  std::mutex writing;
  /// Nothing in Mode::kRead.
  std::optional<Database> writer;
  /// Before the last removal, so that the log holds nothing else. Guarded by `writing`.
  bool log_was_empty = false;
  int version;  ///< Of the format.
  FaceQueries queries;
  PersonQueries person_queries;
  mutable std::mutex reading;
  mutable Database reader;
};

}  // namespace visavis::store
