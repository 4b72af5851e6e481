#pragma once

/// Whole files in and out, with limits on the way in and atomic replacement on the way out.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/result.hpp>

namespace visavis {

/// Reads a regular file.
/// @return kNotFound if there is none, kInvalidArgument for a folder or a special file or one of
/// more than `max_bytes` (checked before memory is taken), kUnavailable if it cannot be read.
[[nodiscard]] Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                                       std::uint64_t max_bytes);

/// Who may read a file that is written.
enum class Readers : std::uint8_t {
  kAsUsual,  ///< As the umask says; of a replaced file, as before.
  kOwner,    ///< Its owner alone, whatever was there before.
};

/// A file that grows beside its final place and takes it when it is whole, so that a reader sees
/// the old file or the new one and never a half. What is not committed is removed; where the file
/// system knows files without a name (O_TMPFILE), also if the process is killed.
class FileWriter {
 public:
  /// Missing parent folders are made, and removed again if nothing is committed; links are
  /// followed, the permissions of a replaced file kept unless `readers` says otherwise.
  /// @return kInvalidArgument for a device, a pipe or a folder; kUnavailable with the path and the
  /// system's reason, like all its functions.
  [[nodiscard]] static Result<FileWriter> create(const std::filesystem::path& path,
                                                 Readers readers = Readers::kAsUsual);
  FileWriter(FileWriter&&) noexcept = default;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);
  /// What is appended next replaces the file's beginning.
  [[nodiscard]] Result<void> rewind();
  /// Durable, and at its place, when it returns. Ends the writer if it succeeds; if it cannot be
  /// made sure that the place survives a power failure, the file may be there all the same.
  [[nodiscard]] Result<void> commit();

 private:
  FileWriter(std::filesystem::path path, std::filesystem::path temporary,
             std::filesystem::path made, Descriptor file, bool named)
      : path_(std::move(path)),
        temporary_(std::move(temporary)),
        made_(std::move(made)),
        file_(std::move(file)),
        named_(named) {}

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  std::filesystem::path made_;  ///< The outermost folder that was made for it; may be empty.
  Descriptor file_;             ///< None when nothing is to be removed.
  bool named_;                  ///< Whether there is a file at `temporary_`.
};

/// Writes beside `path` and renames, so that a reader sees the old file or the new one and never a
/// half. Missing parent folders are made.
/// @return kUnavailable with the path and the system's reason.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path,
                                      std::span<const std::byte> bytes,
                                      Readers readers = Readers::kAsUsual);
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view text,
                                      Readers readers = Readers::kAsUsual);

/// Makes durable which names a folder holds: what was made, renamed or removed in it.
[[nodiscard]] Result<void> sync_folder(const std::filesystem::path& folder);

/// A file, made if it is missing, that one process at a time may hold: until the descriptor is
/// closed, also by being killed. @return kUnavailable if another has it.
[[nodiscard]] Result<Descriptor> lock_file(const std::filesystem::path& path);

/// True if `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace visavis
