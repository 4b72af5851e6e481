#pragma once

/// The container of an archive: tar, without compression, plain files only.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>

namespace visavis::gallery {

/// Where an archive is read from: a file, or bytes that stay where they are.
using ArchiveSource = std::variant<std::filesystem::path, std::span<const std::byte>>;

/// Goes through an archive once. Takes bounded memory, whatever the file claims. Thread-compatible.
class ArchiveReader {
 public:
  /// @return kNotFound, kUnavailable; kDecodeFailed for what is no tar
  [[nodiscard]] static Result<ArchiveReader> open(const ArchiveSource& source);
  ArchiveReader(ArchiveReader&&) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) = delete;
  ~ArchiveReader();

  /// Goes to the next member, which must be a plain file of this name.
  /// @return its size; kDecodeFailed for any other, or none
  [[nodiscard]] Result<std::uint64_t> next(std::string_view name);
  /// Passes members over up to the first whose name begins so. @return false if there is none
  [[nodiscard]] Result<bool> skip_to(std::string_view name);
  /// Whether the archive ends here.
  [[nodiscard]] Result<bool> at_end();

  /// Reads on in the member. @return how much; less than was asked for at its end only
  [[nodiscard]] Result<std::size_t> read(std::span<std::byte> bytes);
  /// The whole member, of exactly this size. @return kDecodeFailed if it has another
  [[nodiscard]] Result<std::vector<std::byte>> read_all(std::uint64_t size);

 private:
  struct Impl;
  explicit ArchiveReader(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// Writes one. Thread-compatible.
class ArchiveWriter {
 public:
  /// @return kUnavailable, as all its functions
  [[nodiscard]] static Result<ArchiveWriter> create(const std::filesystem::path& path);
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) = delete;
  ~ArchiveWriter();

  /// Begins a member, of which exactly `size` bytes must follow.
  [[nodiscard]] Result<void> begin(const std::string& name, std::uint64_t size, std::int64_t time);
  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);
  /// The file takes its place.
  [[nodiscard]] Result<void> commit();

 private:
  struct Impl;
  explicit ArchiveWriter(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::gallery
