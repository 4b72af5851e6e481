#pragma once

/// The files of a zip archive that a stranger made.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::jobs {

struct ZipLimits {
  std::uint64_t max_entries = 50'000;  ///< Folders included.
  std::uint64_t max_entry_bytes = std::uint64_t{64} << 20U;
  std::uint64_t max_total_bytes = std::uint64_t{16} << 30U;  ///< Unpacked, as the archive says.
  /// Unpacked to packed, of entries of more than 1 MiB. Photos have about 1.
  std::uint64_t max_ratio = 100;
};

/// Why an entry is not read, though the others are.
enum class ZipRefusal : std::uint8_t {
  kEncrypted,
  kMethod,  ///< Neither stored nor deflated.
  kTooLarge,
  kRatio,
  kTotal,  ///< All before it are as much as may be unpacked.
};

/// The stable lower_snake name: "encrypted".
[[nodiscard]] std::string_view to_string(ZipRefusal refusal) noexcept;
/// One sentence for a person.
[[nodiscard]] std::string_view sentence_of(ZipRefusal refusal) noexcept;

struct ZipEntry {
  /// As the archive has it, UTF-8 of at most 500 bytes without control characters. Only for people:
  /// it may be absolute, lead upwards or be there twice, and no path must be made of it.
  std::string label;
  std::uint64_t bytes = 0;  ///< Unpacked, as the archive says.
  std::optional<ZipRefusal> refusal{};
};

/// Goes through the files in the order of the archive's directory, which is the same each time.
/// Folders, and what macOS puts beside files, are passed over; archives in the archive are files
/// like others. In memory is one entry at a time. Thread-compatible.
class ZipReader {
 public:
  /// @return kDecodeFailed for what is no zip, and for an empty one; kResourceExhausted for more
  /// entries than may be; kNotFound if there is no such file.
  [[nodiscard]] static Result<ZipReader> open(const std::filesystem::path& file,
                                              const ZipLimits& limits = {});
  ZipReader(ZipReader&&) noexcept;
  ZipReader& operator=(ZipReader&&) noexcept;
  ~ZipReader();

  /// @return nothing at the end; kDecodeFailed if the directory is damaged from here on
  [[nodiscard]] Result<std::optional<ZipEntry>> next();

  /// The contents of the entry that next() gave last, checked by their CRC-32.
  /// @return kDecodeFailed for an entry that is damaged or not as long as it says, kInvalidArgument
  /// for a refused one
  [[nodiscard]] Result<std::vector<std::byte>> read();

 private:
  struct Impl;
  explicit ZipReader(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// How many files there are: what next() gives before the end.
[[nodiscard]] Result<std::uint64_t> count_files(const std::filesystem::path& file,
                                                const ZipLimits& limits = {});

}  // namespace visavis::jobs
