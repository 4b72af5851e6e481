#pragma once

/// One array of NumPy's (numpy/lib/format.py, versions 1 to 3): magic, version, a dictionary in
/// Python's notation, elements. Only numbers; whatever would be a pickle is refused.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "state_dict.hpp"

namespace visavis::modelkit {

[[nodiscard]] bool is_npy(std::span<const std::byte> bytes) noexcept;

/// @return kDecodeFailed for what is no array or damaged, kUnsupported for elements that are no
/// little-endian numbers.
/// @pre `bytes` outlive the result.
[[nodiscard]] Result<Weight> read_npy(std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
