#pragma once

/// The key that a gallery is encrypted with. docs/formats/gallery.md describes its file and what is
/// derived from it.

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <visavis/core/result.hpp>

namespace visavis::store {

/// 256 bits, overwritten in memory when they go. Immutable.
class Key {
 public:
  static constexpr std::size_t kBytes = 32;

  explicit Key(std::span<const std::byte, kBytes> bytes) noexcept;
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key();

  [[nodiscard]] std::span<const std::byte, kBytes> bytes() const noexcept { return bytes_; }

  /// Another key, from which this one cannot be found: HKDF-SHA256 (RFC 5869) with this key as
  /// input.
  [[nodiscard]] Key derive(std::string_view info, std::span<const std::byte> salt = {}) const;

 private:
  std::array<std::byte, kBytes> bytes_;
};

/// From a file, or a pipe, of 64 hexadecimal digits and at most one line end.
/// @return kNotFound if there is none, kInvalidArgument for another content and for a file of ours
/// that others may read, kUnavailable if it cannot be read.
[[nodiscard]] Result<std::shared_ptr<const Key>> read_key(const std::filesystem::path& file);

/// Makes a file with a random key that its owner alone may read; durable when it returns.
/// @return kInvalidArgument if there is something of that name, kUnavailable if it cannot be made.
[[nodiscard]] Result<void> make_key_file(const std::filesystem::path& file);

}  // namespace visavis::store
