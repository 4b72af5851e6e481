#pragma once

/// Encryption of the database, what tells it apart and how a connection gets the key, and of files
/// beside it.

#include <sqlite3.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "visavis/store/key.hpp"

namespace visavis::store {

/// How `meta.encryption` calls it.
inline constexpr std::string_view kEncryption = "aegis-256";

/// Whether the database that was opened takes this key, or none.
/// @return kInvalidArgument if it does not; kDecodeFailed for a file that is no database.
[[nodiscard]] Result<void> check_key(sqlite3* connection, const Key* key);

/// How much longer a sealed file is.
inline constexpr std::size_t kEncryptedExtra = 36;

/// What stands in a file of an encrypted gallery, and back.
/// @param place  the file's name in the gallery: under another one it cannot be read
/// @return kDecodeFailed for bytes that were not sealed so, or have been changed
[[nodiscard]] Result<std::vector<std::byte>> encrypt(std::span<const std::byte> bytes,
                                                     std::string_view place, const Key& key);
[[nodiscard]] Result<std::vector<std::byte>> decrypt(std::span<const std::byte> sealed,
                                                     std::string_view place, const Key& key);

/// For a connection that has read nothing yet. @return SQLite's code
[[nodiscard]] int unlock(sqlite3* connection, const Key& key);

}  // namespace visavis::store
