#pragma once

/// All members of a zip archive in memory.

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

/// PyTorch stores without compression, so what comes out may not be much more than what went in.
/// @return kDecodeFailed for what is no zip or damaged, kResourceExhausted if it unpacks to more
/// than twice its size and 1 MiB.
[[nodiscard]] Result<std::map<std::string, std::vector<std::byte>, std::less<>>> read_zip(
    std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
