#pragma once

/// The tables of docs/formats/gallery.md.

#include <cstdint>
#include <visavis/core/result.hpp>

#include "sqlite.hpp"
#include "visavis/store/store.hpp"

namespace visavis::store {

inline constexpr int kFormatVersion = 1;

/// What every connection needs to be told.
[[nodiscard]] Result<void> set_up(Database& database);
/// Makes the tables in an empty file.
[[nodiscard]] Result<void> create_tables(Database& database, Element element, std::int64_t now);
/// Refuses what is not a gallery of a version that we read.
[[nodiscard]] Result<void> verify_schema(Database& database);

}  // namespace visavis::store
