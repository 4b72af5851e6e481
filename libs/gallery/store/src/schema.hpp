#pragma once

/// The tables of docs/formats/gallery.md.

#include <cstdint>
#include <string>
#include <visavis/core/result.hpp>

#include "sqlite.hpp"
#include "visavis/store/store.hpp"

namespace visavis::store {

inline constexpr int kFormatVersion = 3;

/// What every connection needs to be told.
[[nodiscard]] Result<void> set_up(Database& database);
/// Makes the tables in an empty file.
[[nodiscard]] Result<void> create_tables(Database& database, Element element, std::int64_t now);
/// Refuses what is not a gallery of a version that we read. @return its version
[[nodiscard]] Result<int> verify_schema(Database& database);
/// Brings a gallery of an older version to ours: all or nothing.
[[nodiscard]] Result<void> lift(Database& database, int version, std::int64_t now);

/// SQL that says whether a row of `faces` or `persons` is as it was written.
[[nodiscard]] std::string is_sound_face(int version);
[[nodiscard]] std::string is_sound_person(int version);
/// Gives a row that was written its checksum: after every change of one.
[[nodiscard]] Result<void> seal_face(Database& database, std::int64_t face);
[[nodiscard]] Result<void> seal_person(Database& database, std::int64_t person);

}  // namespace visavis::store
