#pragma once

/// A file of pages, each encrypted and authenticated by itself. Its form: docs/formats/index.md.

#include <cstddef>
#include <memory>
#include <span>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>

namespace visavis::index {

inline constexpr std::size_t kPage = 4096;

/// AES-256-GCM with a key of this file's own, a new random nonce for every page that is written,
/// and the page's number among what is authenticated. Thread-compatible.
class EncryptedPages {
 public:
  /// Takes an empty file.
  /// @return kUnavailable if it cannot be written or there are no random numbers.
  [[nodiscard]] static Result<EncryptedPages> create(Descriptor file, const FileKey& key);
  /// @return kDecodeFailed for a file that is none of these or is cut short.
  [[nodiscard]] static Result<EncryptedPages> open(Descriptor file, const FileKey& key);

  EncryptedPages(EncryptedPages&&) noexcept;
  EncryptedPages& operator=(EncryptedPages&&) noexcept;
  ~EncryptedPages();

  /// How many there were when it was opened.
  [[nodiscard]] std::size_t count() const noexcept;
  /// @param pages Whole ones; their bytes are undefined after a failure.
  /// @return kDecodeFailed for a page that is not the one that was written there, or by another
  /// key.
  [[nodiscard]] Result<void> read(std::size_t first, std::span<std::byte> pages);
  [[nodiscard]] Result<void> write(std::size_t first, std::span<const std::byte> pages);
  [[nodiscard]] Result<void> sync();

 private:
  struct Impl;
  explicit EncryptedPages(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::index
