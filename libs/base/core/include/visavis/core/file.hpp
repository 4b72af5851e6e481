#pragma once

/// Whole files in and out, with limits on the way in and atomic replacement on the way out.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis {

/// Reads a regular file.
/// @return kNotFound if there is none, kInvalidArgument for a folder or a special file or one of
/// more than `max_bytes` (checked before memory is taken), kUnavailable if it cannot be read.
[[nodiscard]] Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                                       std::uint64_t max_bytes);

/// Writes beside `path` and renames, so that a reader sees the old file or the new one and never a
/// half. Missing parent folders are made.
/// @return kUnavailable with the system's reason.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path,
                                      std::span<const std::byte> bytes);
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view text);

/// True if `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace visavis
