#include "visavis/store/key.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>
#include <visavis/core/descriptor.hpp>

#include "folder.hpp"

namespace visavis::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigits = 2 * Key::kBytes;

/// Text of a key file, overwritten when it goes. One more than is allowed shows what is too long.
struct Text {
  std::array<char, kDigits + 2> characters{};
  std::size_t size = 0;
  ~Text() { OPENSSL_cleanse(characters.data(), characters.size()); }
};

/// Bytes of a key on their way, overwritten when they go.
struct Bytes {
  std::array<std::byte, Key::kBytes> bytes{};
  ~Bytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  [[nodiscard]] unsigned char* data() { return reinterpret_cast<unsigned char*>(bytes.data()); }
};

std::string reason(int error) { return std::generic_category().message(error); }

auto unreadable(int error) {
  return fail(ErrorCode::kUnavailable, "the key file cannot be read: " + reason(error));
}

/// As ssh does with private keys: a file of ours that others may read keeps no secret.
Result<void> check_readers(int file) {
  struct stat facts{};
  if (::fstat(file, &facts) != 0) return unreadable(errno);
  const bool ours = S_ISREG(facts.st_mode) && facts.st_uid == ::geteuid();
  if (!ours || (facts.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              "the key file can be read by others than its owner: chmod 600 it");
}

Result<void> read_text(int file, Text& text) {
  while (text.size < text.characters.size()) {
    const ssize_t got =
        ::read(file, text.characters.data() + text.size, text.characters.size() - text.size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(errno);
    if (got == 0) return {};
    text.size += static_cast<std::size_t>(got);
  }
  return {};
}

std::optional<unsigned> digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

bool parse(const Text& text, Bytes& key) {
  const bool line = text.size == kDigits + 1 && text.characters[kDigits] == '\n';
  if (text.size != kDigits && !line) return false;
  for (std::size_t i = 0; i < Key::kBytes; ++i) {
    const auto high = digit(text.characters[2 * i]);
    const auto low = digit(text.characters[2 * i + 1]);
    if (!high || !low) return false;
    key.bytes[i] = static_cast<std::byte>(*high << 4U | *low);
  }
  return true;
}

void print(const Bytes& key, Text& text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const std::byte byte : key.bytes) {
    text.characters[text.size++] = kHex[std::to_integer<std::size_t>(byte >> 4U)];
    text.characters[text.size++] = kHex[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  text.characters[text.size++] = '\n';
}

/// What a hash function of libcrypto cannot compute is due to memory that ran out.
void need(bool done) {
  if (!done) throw std::bad_alloc();
}

void hmac(std::span<const std::byte> key, std::span<const std::byte> bytes, Bytes& digest) {
  need(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
            reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(),
            nullptr) != nullptr);
}

}  // namespace

Key::Key(std::span<const std::byte, kBytes> bytes) noexcept {
  std::ranges::copy(bytes, bytes_.begin());
}

Key::~Key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Key Key::derive(std::string_view info, std::span<const std::byte> salt) const {
  // RFC 5869, sections 2.2 and 2.3: as much as one block of SHA-256 gives.
  const std::array<std::byte, kBytes> no_salt{};
  Bytes extracted;
  hmac(salt.empty() ? std::span<const std::byte>(no_salt) : salt, bytes_, extracted);
  std::string block(info);
  block += '\1';
  Bytes expanded;
  hmac(extracted.bytes, std::as_bytes(std::span(block)), expanded);
  return Key(expanded.bytes);
}

Result<std::shared_ptr<const Key>> read_key(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && (errno == ENOENT || errno == ENOTDIR))
    return fail(ErrorCode::kNotFound, "there is no such key file");
  if (file.get() < 0) return unreadable(errno);
  VISAVIS_CHECK(check_readers(file.get()));
  Text text;
  VISAVIS_CHECK(read_text(file.get(), text));
  Bytes key;
  if (!parse(text, key))
    return fail(ErrorCode::kInvalidArgument,
                "a key file holds 64 hexadecimal digits and nothing else");
  return std::make_shared<const Key>(key.bytes);
}

Result<void> make_key_file(const fs::path& path) {
  Bytes key;
  if (RAND_bytes(key.data(), static_cast<int>(Key::kBytes)) != 1)
    return fail(ErrorCode::kUnavailable, "the system has no random numbers");
  Text text;
  print(key, text);
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file.get() < 0 && errno == EEXIST)
    return fail(ErrorCode::kInvalidArgument, "there is something of that name already");
  if (file.get() < 0)
    return fail(ErrorCode::kUnavailable, "the key file cannot be made: " + reason(errno));
  if (::write(file.get(), text.characters.data(), text.size) != static_cast<ssize_t>(text.size) ||
      ::fsync(file.get()) != 0) {
    const std::string why = reason(errno);
    ::unlink(path.c_str());
    return fail(ErrorCode::kUnavailable, "the key file cannot be written: " + why);
  }
  return sync(path.has_parent_path() ? path.parent_path() : fs::path("."));
}

}  // namespace visavis::store
