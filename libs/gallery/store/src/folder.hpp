#pragma once

/// The files around the database: the writer's lock, the folder itself, what is overwritten.

#include <filesystem>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/result.hpp>

namespace visavis::store {

/// The right to write to a gallery, until it goes.
/// @return kUnavailable if another process has it or the folder cannot be written.
[[nodiscard]] Result<Descriptor> take_write_lock(const std::filesystem::path& folder);

[[nodiscard]] std::filesystem::path database_path(const std::filesystem::path& folder);

/// Whether the database's log holds nothing.
[[nodiscard]] bool log_is_empty(const std::filesystem::path& folder);

/// Makes what was committed durable, whether its transaction did so or not.
[[nodiscard]] Result<void> sync_log(const std::filesystem::path& folder);

/// Makes what was renamed or removed in a folder, or written to a file, durable.
[[nodiscard]] Result<void> sync(const std::filesystem::path& path);

}  // namespace visavis::store
