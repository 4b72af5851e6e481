#pragma once

/// Who may do what: API keys, each of one tenant and with one scope.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::access {

/// Each includes those before it.
enum class Scope : std::uint8_t { kRead, kEnrol, kAdmin };

[[nodiscard]] constexpr bool allows(Scope held, Scope needed) noexcept { return held >= needed; }
/// "read", "enrol", "admin".
[[nodiscard]] std::string_view to_string(Scope scope) noexcept;
[[nodiscard]] std::optional<Scope> parse_scope(std::string_view text) noexcept;

/// Whether a text can name a tenant: `[a-z0-9][a-z0-9_-]{0,62}`. No path can be made of one that
/// leads out of a folder.
[[nodiscard]] bool is_tenant(std::string_view text) noexcept;

/// What is known of a key; its secret is not.
struct KeyFacts {
  std::string id;  ///< 16 hexadecimal digits; no secret.
  std::string tenant;
  Scope scope = Scope::kRead;
  std::string note;                     ///< For people: who has it, for what.
  std::int64_t created = 0;             ///< Seconds, as all times here.
  std::optional<std::int64_t> expires;  ///< From then on it opens nothing.
};

struct NewKey {
  std::string tenant;
  Scope scope = Scope::kRead;
  std::string note;  ///< UTF-8, at most 200 bytes, no control characters.
  std::optional<std::int64_t> expires;
};

struct MadeKey {
  KeyFacts facts;
  std::string secret;  ///< "vv_" and 43 characters of base64url (RFC 4648 section 5): 256 bits.
};

/// The keys of one file, of which it holds a lock as long as it lives. Thread-safe.
///
///     auto ring = KeyRing::open("keys.json");
///     if (ring->is_empty()) show(ring->make({"main", Scope::kAdmin, "first key"}, now)->secret);
class KeyRing {
 public:
  static constexpr std::size_t kMaxKeys = 4096;

  /// A file that is not there is an empty ring; it is made with the first key.
  /// @return kDecodeFailed for a file that is damaged, never an empty ring; kInvalidArgument for
  /// one that others may read or change; kUnavailable if another process has it or it cannot be
  /// read.
  [[nodiscard]] static Result<KeyRing> open(const std::filesystem::path& file);
  KeyRing(KeyRing&&) noexcept;
  KeyRing& operator=(KeyRing&&) noexcept;
  ~KeyRing();

  /// Durable when it returns. The secret is told this once and kept nowhere.
  /// @return kInvalidArgument for no tenant, a note that is none or an expiry that is not after
  /// `now`; kResourceExhausted from kMaxKeys on; kUnavailable if it cannot be written.
  [[nodiscard]] Result<MadeKey> make(const NewKey& key, std::int64_t now);

  /// Durable when it returns; the key opens nothing from then on.
  /// @return kNotFound if the tenant has no such key.
  [[nodiscard]] Result<void> remove(std::string_view tenant, std::string_view id);

  /// In the order in which they were made, expired ones too.
  [[nodiscard]] std::vector<KeyFacts> list(std::string_view tenant) const;

  /// Takes as long for a wrong secret as for the right one: the hash of what is given is compared
  /// in constant time with every key's. @return nothing for an unknown or expired key
  [[nodiscard]] std::optional<KeyFacts> find(std::string_view secret, std::int64_t now) const;

  [[nodiscard]] bool is_empty() const;

 private:
  struct Impl;
  explicit KeyRing(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::access
