#include "encryption.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace visavis::store {
namespace {

constexpr std::string_view kPlain("SQLite format 3\0", 16);
constexpr std::string_view kMark = "visE";
constexpr std::size_t kSaltBytes = 4;

/// The first bytes of an encrypted database, where SQLite's name stands in a plain one: the mark,
/// random bytes, and what the key makes of them.
using Head = std::array<std::byte, 16>;

/// Writes the proof, by which a wrong key is told from damage.
void prove(Head& head, const Key& key) {
  const auto salt = std::span(head).subspan(kMark.size(), kSaltBytes);
  const auto proof = std::span(head).subspan(kMark.size() + kSaltBytes);
  const Key made = key.derive("visavis gallery proof", salt);
  std::ranges::copy(made.bytes().first(proof.size()), proof.begin());
}

bool begins_with(const Head& head, std::string_view text) {
  return std::ranges::equal(std::as_bytes(std::span(text)), std::span(head).first(text.size()));
}

/// Through SQLite's own descriptor: to close another one would drop all locks on the file.
int read_head(sqlite3* connection, Head& head) {
  sqlite3_file* file = nullptr;
  const int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER,
                                        static_cast<void*>(&file));
  if (code != SQLITE_OK) return code;
  return file->pMethods->xRead(file, head.data(), static_cast<int>(head.size()), 0);
}

}  // namespace

Result<void> check_key(sqlite3* connection, const Key* key) {
  Head head{};
  const int code = read_head(connection, head);
  if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
    return fail(ErrorCode::kUnavailable, "the gallery cannot be read: the disk failed");
  const bool plain = begins_with(head, kPlain);
  if (!plain && !begins_with(head, kMark))
    return fail(ErrorCode::kDecodeFailed, "gallery.sqlite is not a SQLite database");
  if (plain && key == nullptr) return {};
  if (plain)
    return fail(ErrorCode::kInvalidArgument,
                "the gallery is not encrypted and is opened without a key");
  if (key == nullptr)
    return fail(ErrorCode::kInvalidArgument, "the gallery is encrypted and needs its key file");
  Head expected = head;
  prove(expected, *key);
  if (expected == head) return {};
  return fail(ErrorCode::kInvalidArgument, "the gallery is encrypted with another key");
}

namespace {

constexpr std::string_view kFileMark = "visS";
constexpr std::size_t kFileSaltBytes = 16;
constexpr std::size_t kTagBytes = 16;
static_assert(kEncryptedExtra == kFileMark.size() + kFileSaltBytes + kTagBytes);

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

/// AES-256-GCM with a key of this file's own, which makes a nonce superfluous: it is all zeros.
/// @return none if libcrypto cannot
Cipher make_cipher(std::span<const std::byte> salt, std::string_view place, const Key& key,
                   bool encrypts) {
  const Key own = key.derive("visavis gallery file " + std::string(place), salt);
  constexpr std::array<unsigned char, 12> kNonce{};
  Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  if (cipher && EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr,
                                  reinterpret_cast<const unsigned char*>(own.bytes().data()),
                                  kNonce.data(), encrypts ? 1 : 0) != 1)
    cipher.reset();
  return cipher;
}

/// @return whether it is done
bool run(EVP_CIPHER_CTX* cipher, std::span<const std::byte> from, std::byte* to) {
  int written = 0;
  return EVP_CipherUpdate(cipher, reinterpret_cast<unsigned char*>(to), &written,
                          reinterpret_cast<const unsigned char*>(from.data()),
                          static_cast<int>(from.size())) == 1 &&
         written == static_cast<int>(from.size());
}

bool finish(EVP_CIPHER_CTX* cipher) {
  std::array<unsigned char, kTagBytes> none{};  // this mode holds nothing back
  int written = 0;
  return EVP_CipherFinal_ex(cipher, none.data(), &written) == 1;
}

auto cannot() { return fail(ErrorCode::kResourceExhausted, "a file cannot be encrypted"); }

}  // namespace

Result<std::vector<std::byte>> encrypt(std::span<const std::byte> bytes, std::string_view place,
                                       const Key& key) {
  std::vector<std::byte> sealed(kEncryptedExtra + bytes.size());
  const auto end = std::ranges::copy(std::as_bytes(std::span(kFileMark)), sealed.begin()).out;
  const std::span salt(end, kFileSaltBytes);
  if (RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), kFileSaltBytes) != 1)
    return cannot();
  const Cipher cipher = make_cipher(salt, place, key, true);
  std::byte* const body = sealed.data() + kFileMark.size() + kFileSaltBytes;
  std::byte* const tag = body + bytes.size();
  if (!cipher || !run(cipher.get(), bytes, body) || !finish(cipher.get()) ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, tag) != 1)
    return cannot();
  return sealed;
}

Result<std::vector<std::byte>> decrypt(std::span<const std::byte> sealed, std::string_view place,
                                       const Key& key) {
  const auto damaged = [] {
    return fail(ErrorCode::kDecodeFailed, "the encrypted file is damaged or another's");
  };
  if (sealed.size() < kEncryptedExtra ||
      !std::ranges::equal(std::as_bytes(std::span(kFileMark)), sealed.first(kFileMark.size())))
    return damaged();
  const auto salt = sealed.subspan(kFileMark.size(), kFileSaltBytes);
  const auto body =
      sealed.subspan(kFileMark.size() + kFileSaltBytes, sealed.size() - kEncryptedExtra);
  std::array<std::byte, kTagBytes> tag{};
  std::ranges::copy(sealed.last(kTagBytes), tag.begin());
  const Cipher cipher = make_cipher(salt, place, key, false);
  std::vector<std::byte> bytes(body.size());
  if (!cipher || !run(cipher.get(), body, bytes.data())) return cannot();
  if (EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) != 1)
    return cannot();
  if (!finish(cipher.get())) return damaged();
  return bytes;
}

int unlock(sqlite3* connection, const Key& key) {
  // A database that is there keeps its head, a new one takes this.
  Head head{};
  std::ranges::copy(std::as_bytes(std::span(kMark)), head.begin());
  if (RAND_bytes(reinterpret_cast<unsigned char*>(head.data()) + kMark.size(), kSaltBytes) != 1)
    return SQLITE_IOERR;
  prove(head, key);
  // How the library takes a key that is no password: as it is, and the bytes for the head after it.
  constexpr std::string_view kRaw = "raw:";
  const Key pages = key.derive("visavis gallery pages");
  std::array<std::byte, kRaw.size() + Key::kBytes + sizeof(Head)> given{};
  auto end = std::ranges::copy(std::as_bytes(std::span(kRaw)), given.begin()).out;
  end = std::ranges::copy(pages.bytes(), end).out;
  std::ranges::copy(head, end);
  const int code = sqlite3_key(connection, given.data(), static_cast<int>(given.size()));
  OPENSSL_cleanse(given.data(), given.size());
  return code;
}

}  // namespace visavis::store
