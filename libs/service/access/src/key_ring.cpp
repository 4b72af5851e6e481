#include "visavis/access/key_ring.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <ranges>
#include <shared_mutex>
#include <span>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/core/time.hpp>

#include "key_file.hpp"

namespace visavis::access {
namespace {

constexpr std::string_view kPrefix = "vv_";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretCharacters = 43;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{8} << 20U;

Result<void> fill_randomly(std::span<unsigned char> bytes) {
  if (::RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1) return {};
  return fail(ErrorCode::kUnavailable, "the system gives no random numbers");
}

Result<std::string> make_secret() {
  std::array<unsigned char, kSecretBytes> bytes{};
  VISAVIS_CHECK(fill_randomly(bytes));
  std::array<unsigned char, 45> base64{};  // 44 characters, the last of them padding, and a zero
  ::EVP_EncodeBlock(base64.data(), bytes.data(), static_cast<int>(bytes.size()));
  std::string secret(kPrefix);
  for (const unsigned char c : base64 | std::views::take(kSecretCharacters))
    secret += c == '+' ? '-' : c == '/' ? '_' : static_cast<char>(c);
  ::OPENSSL_cleanse(bytes.data(), bytes.size());
  ::OPENSSL_cleanse(base64.data(), base64.size());
  return secret;
}

Result<std::string> make_id() {
  std::array<unsigned char, 8> bytes{};
  VISAVIS_CHECK(fill_randomly(bytes));
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += kDigits[byte >> 4U];
    id += kDigits[byte & 15U];
  }
  return id;
}

/// Who may change the file can let anybody in.
Result<void> check_owner_only(const std::filesystem::path& file) {
  struct stat facts{};
  if (::stat(file.c_str(), &facts) != 0 || (facts.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              "the key file can be read or changed by others than its owner: chmod 600 it");
}

Result<std::vector<KeptKey>> read_keys(const std::filesystem::path& file) {
  VISAVIS_CHECK(check_owner_only(file));
  const auto bytes = read_file(file, kMaxFileBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return std::vector<KeptKey>();
  if (!bytes) return fail(bytes.error().code, "the key file " + bytes.error().message);
  return parse_key_file({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
}

Result<void> check(const NewKey& key, std::int64_t now) {
  if (!is_tenant(key.tenant))
    return fail(ErrorCode::kInvalidArgument,
                "a tenant is named by 1 to 63 of a to z, 0 to 9, _ and -, the first a letter or "
                "digit");
  if (!is_note(key.note))
    return fail(ErrorCode::kInvalidArgument,
                "a key's note is UTF-8 text of at most 200 bytes without control characters");
  constexpr std::int64_t kYear10000 = 253'402'300'800;
  if (key.expires && (*key.expires <= now || *key.expires >= kYear10000))
    return fail(ErrorCode::kInvalidArgument, "a key's expiry must lie in the future");
  return {};
}

}  // namespace

std::string_view to_string(Scope scope) noexcept {
  switch (scope) {
    case Scope::kRead:
      return "read";
    case Scope::kEnrol:
      return "enrol";
    case Scope::kAdmin:
      return "admin";
  }
  return "";
}

std::optional<Scope> parse_scope(std::string_view text) noexcept {
  for (const Scope scope : {Scope::kRead, Scope::kEnrol, Scope::kAdmin})
    if (text == to_string(scope)) return scope;
  return std::nullopt;
}

bool is_tenant(std::string_view text) noexcept {
  const auto starts = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto follows = [&](char c) { return starts(c) || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 63 && starts(text.front()) &&
         std::ranges::all_of(text, follows);
}

struct KeyRing::Impl {
  Impl(std::filesystem::path path, Descriptor held, std::vector<KeptKey> read)
      : file(std::move(path)), lock(std::move(held)), keys(std::move(read)) {}

  /// Nothing changes in memory that is not on disk. Under the lock.
  Result<void> replace_by(std::vector<KeptKey> changed) {
    VISAVIS_CHECK(write_file(file, to_key_file(changed), Readers::kOwner));
    keys = std::move(changed);
    return {};
  }

  const std::filesystem::path file;
  const Descriptor lock;
  mutable std::shared_mutex mutex;
  std::vector<KeptKey> keys;
};

KeyRing::KeyRing(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
KeyRing::KeyRing(KeyRing&&) noexcept = default;
KeyRing& KeyRing::operator=(KeyRing&&) noexcept = default;
KeyRing::~KeyRing() = default;

Result<KeyRing> KeyRing::open(const std::filesystem::path& file) {
  std::filesystem::path lock_path = file;
  lock_path += ".lock";
  VISAVIS_TRY(lock, lock_file(lock_path));
  VISAVIS_TRY(keys, read_keys(file));
  return KeyRing(std::make_unique<Impl>(file, std::move(lock), std::move(keys)));
}

Result<MadeKey> KeyRing::make(const NewKey& key, std::int64_t now) {
  VISAVIS_CHECK(check(key, now));
  VISAVIS_TRY(secret, make_secret());
  VISAVIS_TRY(id, make_id());
  KeyFacts facts{std::move(id), key.tenant, key.scope, key.note, now, key.expires};
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->keys.size() >= kMaxKeys)
    return fail(ErrorCode::kResourceExhausted,
                "there are " + std::to_string(kMaxKeys) + " keys already: remove some first");
  std::vector<KeptKey> keys = impl_->keys;
  keys.push_back({facts, sha256(secret)});
  VISAVIS_CHECK(impl_->replace_by(std::move(keys)));
  return MadeKey{std::move(facts), std::move(secret)};
}

Result<void> KeyRing::remove(std::string_view tenant, std::string_view id) {
  const std::scoped_lock lock(impl_->mutex);
  std::vector<KeptKey> keys = impl_->keys;
  const auto is_it = [&](const KeptKey& key) {
    return key.facts.id == id && key.facts.tenant == tenant;
  };
  if (std::erase_if(keys, is_it) == 0)
    return fail(ErrorCode::kNotFound, "there is no key of that id");
  return impl_->replace_by(std::move(keys));
}

std::vector<KeyFacts> KeyRing::list(std::string_view tenant) const {
  const std::shared_lock lock(impl_->mutex);
  std::vector<KeyFacts> found;
  for (const KeptKey& key : impl_->keys)
    if (key.facts.tenant == tenant) found.push_back(key.facts);
  return found;
}

std::optional<KeyFacts> KeyRing::find(std::string_view secret, std::int64_t now) const {
  // Its length is no secret, and a long text must not cost a long hash.
  if (secret.size() != kPrefix.size() + kSecretCharacters) return std::nullopt;
  const Sha256 digest = sha256(secret);
  const std::shared_lock lock(impl_->mutex);
  const KeptKey* found = nullptr;
  for (const KeptKey& key : impl_->keys)
    if (::CRYPTO_memcmp(key.digest.data(), digest.data(), digest.size()) == 0) found = &key;
  if (found == nullptr) return std::nullopt;
  if (found->facts.expires && *found->facts.expires <= now) return std::nullopt;
  return found->facts;
}

bool KeyRing::is_empty() const {
  const std::shared_lock lock(impl_->mutex);
  return impl_->keys.empty();
}

}  // namespace visavis::access
