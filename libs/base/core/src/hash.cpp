#include "visavis/core/hash.hpp"

#include <openssl/sha.h>

namespace visavis {

Sha256 sha256(std::span<const std::byte> bytes) {
  Sha256 digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

Sha256 sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }

std::string to_hex(const Sha256& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const std::uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace visavis
