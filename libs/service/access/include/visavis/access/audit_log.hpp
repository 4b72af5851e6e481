#pragma once

/// Who did what to whom. Append-only, one JSON object a line; README.md describes the files.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/core/result.hpp>

namespace visavis::access {

/// Ids only: never a name, a path, pixels, a vector or a similarity. An empty text is left out; one
/// of more than 200 bytes is cut.
struct AuditEntry {
  std::int64_t time = 0;  ///< Seconds.
  std::string request{};  ///< The request's id.
  std::string tenant{};
  std::string key{};     ///< The key's id.
  std::string action{};  ///< "person.create", "face.enrol", "identify", "key.create", …
  std::string gallery{};
  std::string person{};   ///< The person's id.
  std::string face{};     ///< The face's id.
  std::string outcome{};  ///< "ok", "refused", an error's code, …

  bool operator==(const AuditEntry&) const = default;
};

/// When an entry must have reached the disk.
enum class Durable : std::uint8_t {
  kNow,    ///< Before `append` returns: survives a power failure. For what changes something.
  kLater,  ///< With the next kNow or the next file. Survives a kill of the process at once.
};

struct AuditOptions {
  std::uint64_t max_file_bytes = std::uint64_t{64} << 20U;  ///< Then the next file begins.
  std::size_t kept_files = 16;  ///< The current one included; older ones are deleted.
};

struct AuditPage {
  std::vector<AuditEntry> entries;  ///< Newest first.
  /// Where the next page begins; empty at the end. A page may hold fewer entries than were asked
  /// for, even none, and have a next one: a call reads at most 16 MiB.
  std::string next;
  std::size_t damaged = 0;  ///< Lines on the way that are none: torn by a crash, or changed.
};

/// One process at a time holds a folder of it. Thread-safe.
class AuditLog {
 public:
  static constexpr std::size_t kMaxPage = 1000;

  /// Makes the folder if need be. A last line that a crash has torn stays, is told to `sink`, and
  /// the log goes on behind it.
  /// @return kInvalidArgument for limits that are too small (4 KiB, 1 file); kUnavailable if
  /// another process has it or it cannot be read or written.
  [[nodiscard]] static Result<AuditLog> open(const std::filesystem::path& folder,
                                             const AuditOptions& options = {},
                                             const LogSink& sink = {});
  AuditLog(AuditLog&&) noexcept;
  AuditLog& operator=(AuditLog&&) noexcept;
  ~AuditLog();

  /// @return kUnavailable if it cannot be written, with the system's reason. Then part of a line
  /// may be in the file; the next entry begins a new one.
  [[nodiscard]] Result<void> append(const AuditEntry& entry, Durable durable = Durable::kNow);

  /// The newest entries of a tenant (of all, without one), or those that follow a page.
  /// @param cursor  empty, or a page's `next`
  /// @param most    1 to kMaxPage
  /// @return kInvalidArgument for another cursor or number; kUnavailable if a file cannot be read.
  [[nodiscard]] Result<AuditPage> list(std::optional<std::string_view> tenant,
                                       std::string_view cursor = {}, std::size_t most = 100) const;

 private:
  struct Impl;
  explicit AuditLog(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::access
