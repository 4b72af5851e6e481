#pragma once

/// Reads an encrypted index file as docs/formats/index.md describes it, by other code than the
/// module's.

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>
#include <visavis/index/vector_index.hpp>

namespace visavis::index {

inline constexpr std::size_t kHeadBytes = 20;
inline constexpr std::size_t kStoredPage = 12 + 4096 + 16;

/// A page's plain bytes; none if it is not the one that was written there.
inline std::vector<std::byte> decrypted_page(std::span<const std::byte> stored, std::uint64_t place,
                                             const FileKeyBytes& key) {
  const auto raw = [](const auto* p) { return reinterpret_cast<const unsigned char*>(p); };
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(),
                                                                               EVP_CIPHER_CTX_free);
  std::vector<std::byte> page(4096);
  std::array<unsigned char, 16> tag{};
  std::memcpy(tag.data(), &stored[12 + 4096], tag.size());
  int size = 0;
  EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(key.data()), raw(stored.data()));
  EVP_DecryptUpdate(cipher.get(), nullptr, &size, raw(&place), sizeof(place));
  EVP_DecryptUpdate(cipher.get(), reinterpret_cast<unsigned char*>(page.data()), &size,
                    raw(&stored[12]), 4096);
  EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, 16, tag.data());
  if (EVP_DecryptFinal_ex(cipher.get(), tag.data(), &size) != 1) page.clear();
  return page;
}

/// All pages of a file that can be decrypted.
inline std::vector<std::byte> decrypted(std::span<const std::byte> file, const FileKey& key) {
  std::vector<std::byte> pages;
  if (file.size() < kHeadBytes) return pages;
  const FileKeyBytes own = key(file.subspan<4, kFileSaltBytes>());
  for (std::size_t i = 0; kHeadBytes + (i + 1) * kStoredPage <= file.size(); ++i) {
    const auto page =
        decrypted_page(file.subspan(kHeadBytes + i * kStoredPage, kStoredPage), i, own);
    pages.insert(pages.end(), page.begin(), page.end());
  }
  return pages;
}

}  // namespace visavis::index
