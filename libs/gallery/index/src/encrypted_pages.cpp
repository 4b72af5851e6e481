#include "encrypted_pages.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace visavis::index {
namespace {

constexpr std::string_view kMark = "visI";
constexpr std::size_t kHead = kMark.size() + kFileSaltBytes;
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kStored = kNonce + kPage + kTag;  // of a page
constexpr std::size_t kAtOnce = 64;                     // pages, which stay in the cache meanwhile

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

std::unexpected<Error> system_failure(const char* what) {
  return fail(ErrorCode::kUnavailable,
              std::string(what) + ": " + std::generic_category().message(errno));
}
std::unexpected<Error> damaged() {
  return fail(ErrorCode::kDecodeFailed, "the encrypted index file is damaged or another's");
}
std::unexpected<Error> no_cipher() {
  return fail(ErrorCode::kResourceExhausted, "the index file cannot be encrypted");
}

Result<void> read_at(int file, std::size_t offset, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const auto got = ::pread(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure("reading the index");
    if (got == 0) return damaged();
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::size_t>(got);
  }
  return {};
}

Result<void> write_at(int file, std::size_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto done = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return system_failure("writing the index");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::size_t>(done);
  }
  return {};
}

bool random(std::span<std::byte> bytes) {
  return RAND_bytes(raw(bytes.data()), static_cast<int>(bytes.size())) == 1;
}

Cipher make_cipher(const FileKeyBytes& key, bool encrypts) {
  Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  if (cipher && EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(key.data()),
                                  nullptr, encrypts ? 1 : 0) != 1)
    cipher.reset();
  return cipher;
}

/// Which page it is, as little-endian bytes.
std::array<unsigned char, 8> place_of(std::size_t page) {
  std::array<unsigned char, 8> place{};
  for (std::size_t i = 0; i < place.size(); ++i)
    place[i] = static_cast<unsigned char>(std::uint64_t{page} >> (8 * i));
  return place;
}

/// Begins a page with its nonce, and runs it through the cipher.
bool run(EVP_CIPHER_CTX* cipher, std::size_t page, const std::byte* nonce, const std::byte* from,
         std::byte* to) {
  const auto place = place_of(page);
  int written = 0;
  return EVP_CipherInit_ex(cipher, nullptr, nullptr, nullptr, raw(nonce), -1) == 1 &&
         EVP_CipherUpdate(cipher, nullptr, &written, place.data(), place.size()) == 1 &&
         EVP_CipherUpdate(cipher, raw(to), &written, raw(from), kPage) == 1;
}

bool finish(EVP_CIPHER_CTX* cipher) {
  std::array<unsigned char, kTag> none{};  // this mode holds nothing back
  int written = 0;
  return EVP_CipherFinal_ex(cipher, none.data(), &written) == 1;
}

}  // namespace

struct EncryptedPages::Impl {
  Descriptor file;
  std::size_t count = 0;
  Cipher encrypting{nullptr, EVP_CIPHER_CTX_free};
  Cipher decrypting{nullptr, EVP_CIPHER_CTX_free};
  std::vector<std::byte> stored = std::vector<std::byte>(kAtOnce * kStored);

  Result<void> take(const FileKey& key, std::span<const std::byte, kFileSaltBytes> salt) {
    FileKeyBytes own = key(salt);
    encrypting = make_cipher(own, true);
    decrypting = make_cipher(own, false);
    OPENSSL_cleanse(own.data(), own.size());
    if (!encrypting || !decrypting) return no_cipher();
    return {};
  }

  Result<void> decrypt(std::size_t page, std::byte* from, std::byte* to) {
    EVP_CIPHER_CTX* cipher = decrypting.get();
    if (!run(cipher, page, from, from + kNonce, to) ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, kTag, from + kNonce + kPage) != 1)
      return no_cipher();
    if (!finish(cipher)) return damaged();
    return {};
  }

  Result<void> encrypt(std::size_t page, const std::byte* from, std::byte* to) {
    EVP_CIPHER_CTX* cipher = encrypting.get();
    // Never one that was used before: random ones meet in one of 2^50 files of 2^23 writes.
    if (!random({to, kNonce})) return no_cipher();
    if (!run(cipher, page, to, from, to + kNonce) || !finish(cipher) ||
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, kTag, to + kNonce + kPage) != 1)
      return no_cipher();
    return {};
  }
};

EncryptedPages::EncryptedPages(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
EncryptedPages::EncryptedPages(EncryptedPages&&) noexcept = default;
EncryptedPages& EncryptedPages::operator=(EncryptedPages&&) noexcept = default;
EncryptedPages::~EncryptedPages() = default;

Result<EncryptedPages> EncryptedPages::create(Descriptor file, const FileKey& key) {
  std::array<std::byte, kHead> head{};
  std::ranges::copy(std::as_bytes(std::span(kMark)), head.begin());
  const auto salt = std::span(head).last<kFileSaltBytes>();
  if (!random(salt)) return no_cipher();
  VISAVIS_CHECK(write_at(file.get(), 0, head));
  auto impl = std::make_unique<Impl>(Impl{.file = std::move(file)});
  VISAVIS_CHECK(impl->take(key, salt));
  return EncryptedPages(std::move(impl));
}

Result<EncryptedPages> EncryptedPages::open(Descriptor file, const FileKey& key) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return system_failure("the index file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (!S_ISREG(status.st_mode) || size < kHead || (size - kHead) % kStored != 0) return damaged();
  std::array<std::byte, kHead> head{};
  VISAVIS_CHECK(read_at(file.get(), 0, head));
  if (!std::ranges::equal(std::as_bytes(std::span(kMark)), std::span(head).first(kMark.size())))
    return fail(ErrorCode::kDecodeFailed, "not an encrypted index file");
  auto impl =
      std::make_unique<Impl>(Impl{.file = std::move(file), .count = (size - kHead) / kStored});
  VISAVIS_CHECK(impl->take(key, std::span(head).last<kFileSaltBytes>()));
  return EncryptedPages(std::move(impl));
}

std::size_t EncryptedPages::count() const noexcept { return impl_->count; }

Result<void> EncryptedPages::read(std::size_t first, std::span<std::byte> pages) {
  for (; !pages.empty();) {
    const std::size_t count = std::min(kAtOnce, pages.size() / kPage);
    const auto stored = std::span(impl_->stored).first(count * kStored);
    VISAVIS_CHECK(read_at(impl_->file.get(), kHead + first * kStored, stored));
    for (std::size_t i = 0; i < count; ++i)
      VISAVIS_CHECK(impl_->decrypt(first + i, &stored[i * kStored], &pages[i * kPage]));
    pages = pages.subspan(count * kPage);
    first += count;
  }
  return {};
}

Result<void> EncryptedPages::write(std::size_t first, std::span<const std::byte> pages) {
  for (; !pages.empty();) {
    const std::size_t count = std::min(kAtOnce, pages.size() / kPage);
    const auto stored = std::span(impl_->stored).first(count * kStored);
    for (std::size_t i = 0; i < count; ++i)
      VISAVIS_CHECK(impl_->encrypt(first + i, &pages[i * kPage], &stored[i * kStored]));
    VISAVIS_CHECK(write_at(impl_->file.get(), kHead + first * kStored, stored));
    pages = pages.subspan(count * kPage);
    first += count;
  }
  return {};
}

Result<void> EncryptedPages::sync() {
  if (::fdatasync(impl_->file.get()) != 0) return system_failure("syncing the index");
  return {};
}

}  // namespace visavis::index
