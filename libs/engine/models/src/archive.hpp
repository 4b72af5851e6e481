#pragma once

/// One file out of a package (zip or gzipped tar). Private to models.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::models {

/// Unpacks one regular file into memory; nothing is written to the disk.
/// @param max_bytes  of the member; on the way to it 32 times as much (at least 1 MiB) may be
/// unpacked.
/// @return kDecodeFailed for what is no archive or is damaged, kNotFound without such a member,
/// kResourceExhausted beyond the limit.
[[nodiscard]] Result<std::vector<std::byte>> read_member(std::span<const std::byte> archive,
                                                         std::string_view member,
                                                         std::size_t max_bytes);

}  // namespace visavis::models
