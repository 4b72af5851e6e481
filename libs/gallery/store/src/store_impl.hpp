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
  std::string one;    ///< id, person, norm, quality, box, landmarks, source, enrolled, chip, photo
  std::string owner;  ///< public_id, name, norm, quality, expires_at
  std::string all;    ///< id, norm, quality, embedding, box, landmarks, source
};

struct Store::Impl {
  Impl(std::filesystem::path where, std::shared_ptr<const Key> with, Descriptor held, Database read,
       int version)
      : folder(std::move(where)),
        key(std::move(with)),
        lock(std::move(held)),
        queries(version),
        reader(std::move(read)) {}

  std::filesystem::path folder;
  std::shared_ptr<const Key> key;  ///< Null for a plain gallery.
  Descriptor lock;                 ///< Held by the writer. Outlives the connections.
  std::mutex writing;
  /// Nothing in Mode::kRead.
  std::optional<Database> writer;
  FaceQueries queries;
  mutable std::mutex reading;
  mutable Database reader;
};

}  // namespace visavis::store
