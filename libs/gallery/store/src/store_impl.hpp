#pragma once

/// What a store holds: two connections, each with the mutex of whoever uses it.

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "folder.hpp"
#include "sqlite.hpp"
#include "visavis/store/store.hpp"

namespace visavis::store {

struct Store::Impl {
  Impl(std::filesystem::path where, Descriptor held, Database read)
      : folder(std::move(where)), lock(std::move(held)), reader(std::move(read)) {}

  std::filesystem::path folder;
  Descriptor lock;  ///< Held by the writer. Outlives the connections.
  std::mutex writing;
  /// Nothing in Mode::kRead. Closed last: only a connection that may write puts the log away.
  std::optional<Database> writer;
  mutable std::mutex reading;
  mutable Database reader;
};

}  // namespace visavis::store
