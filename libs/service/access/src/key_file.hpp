#pragma once

/// The file of a key ring, as text and back.

#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>

#include "visavis/access/key_ring.hpp"

namespace visavis::access {

/// A key with the hash by which it is known again. A plain SHA-256 serves: the secret is 256 random
/// bits, which no dictionary holds and nobody can try out; salt and stretching protect texts that
/// people choose.
struct KeptKey {
  KeyFacts facts;
  Sha256 digest{};
};

/// UTF-8, at most 200 bytes, no control characters.
[[nodiscard]] bool is_note(std::string_view text) noexcept;

[[nodiscard]] std::string to_key_file(const std::vector<KeptKey>& keys);

/// Everything must be as to_key_file writes it: a ring that lost a key in reading would lose it for
/// good in the next writing. @return kDecodeFailed with what is wrong; never holds a hash
[[nodiscard]] Result<std::vector<KeptKey>> parse_key_file(std::string_view text);

}  // namespace visavis::access
