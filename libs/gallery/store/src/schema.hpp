#pragma once

/// The tables of docs/formats/gallery.md.

#include <cstdint>
#include <string>
#include <visavis/core/result.hpp>

#include "sqlite.hpp"
#include "visavis/store/store.hpp"

namespace visavis::store {

inline constexpr int kFormatVersion = 2;

/// What every connection needs to be told.
[[nodiscard]] Result<void> set_up(Database& database);
/// Makes the tables in an empty file.
[[nodiscard]] Result<void> create_tables(Database& database, Element element, std::int64_t now);
/// Refuses what is not a gallery of a version that we read. @return its version
[[nodiscard]] Result<int> verify_schema(Database& database);
/// Brings a gallery of an older version to ours: all or nothing.
[[nodiscard]] Result<void> lift(Database& database, std::int64_t now);

/// SQL that says whether a row of `faces` is as it was written.
[[nodiscard]] std::string is_sound(int version);
/// Gives a row of `faces` that was written its checksum: after every change of one.
[[nodiscard]] Result<void> seal_face(Database& database, std::int64_t face);

}  // namespace visavis::store
