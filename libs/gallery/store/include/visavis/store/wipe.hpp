#pragma once

/// Files that are to be forgotten.

#include <filesystem>
#include <visavis/core/result.hpp>

namespace visavis::store {

/// Overwrites a file with zeros, syncs it and removes it. What a file system or a drive keeps
/// elsewhere is beyond its reach. A file that is not there is none to forget.
/// @return kUnavailable with the system's reason.
[[nodiscard]] Result<void> wipe_file(const std::filesystem::path& path);

}  // namespace visavis::store
