#pragma once

/// The files around the database: the writer's lock, the folder itself, what is overwritten.

#include <filesystem>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/result.hpp>

namespace visavis::store {

/// The right to write to a gallery, until it goes.
/// @return kUnavailable if another process has it or the folder cannot be written.
[[nodiscard]] Result<Descriptor> take_write_lock(const std::filesystem::path& folder);

/// Makes what was renamed or removed in a folder, or written to a file, durable.
[[nodiscard]] Result<void> sync(const std::filesystem::path& path);

}  // namespace visavis::store
