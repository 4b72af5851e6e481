#include "visavis/access/audit_log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <mutex>
#include <system_error>
#include <utility>
#include <visavis/core/file.hpp>

#include "audit_file.hpp"
#include "audit_line.hpp"

namespace visavis::access {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLeastFileBytes = 4096;
constexpr std::uint64_t kReadAtOnce = std::uint64_t{16} << 20U;

std::unexpected<Error> not_written(int error) {
  return fail(ErrorCode::kUnavailable,
              "the audit log cannot be written: " + std::generic_category().message(error));
}

/// @return how much of it was written: all, or errno says why not
std::size_t write_all(int file, std::string_view text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(file, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<void> make_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0)
    return sync_folder(folder.has_parent_path() ? folder.parent_path() : ".");
  if (errno == EEXIST) return {};
  return not_written(errno);
}

Result<void> sync(const Descriptor& file) {
  if (::fdatasync(file.get()) == 0) return {};
  return not_written(errno);
}

}  // namespace

struct AuditLog::Impl {
  Impl(fs::path place, const AuditOptions& limits, Descriptor held, std::uint64_t newest,
       AuditTail tail)
      : folder(std::move(place)),
        options(limits),
        lock(std::move(held)),
        number(newest),
        file(std::make_shared<Descriptor>(std::move(tail.file))),
        bytes(tail.bytes),
        torn(tail.torn) {}

  /// Begins the next file. Under the mutex.
  Result<void> begin_next() {
    VISAVIS_CHECK(sync(*file));
    VISAVIS_TRY(tail, open_tail(audit_file(folder, number + 1)));
    ++number;
    file = std::make_shared<Descriptor>(std::move(tail.file));
    bytes = tail.bytes;
    torn = tail.torn;
    VISAVIS_CHECK(sync_folder(folder));
    VISAVIS_TRY(numbers, audit_files(folder));
    for (const std::uint64_t old : numbers)
      if (old + options.kept_files <= number) ::unlink(audit_file(folder, old).c_str());
    return {};
  }

  /// @return the entry's place in the order of all that this object wrote
  Result<std::uint64_t> write(std::string line) {
    const std::scoped_lock held(mutex);
    if (bytes > 0 && bytes + line.size() > options.max_file_bytes) VISAVIS_CHECK(begin_next());
    if (torn) line.insert(0, 1, '\n');
    const std::size_t done = write_all(file->get(), line);
    const int error = errno;
    bytes += done;
    if (done > 0) torn = done < line.size();
    if (done < line.size()) return not_written(error);
    return ++written;
  }

  /// One sync serves all who wait for it.
  Result<void> sync_up_to(std::uint64_t entry) {
    const std::scoped_lock syncing(sync_mutex);
    if (synced >= entry) return {};
    std::unique_lock held(mutex);
    const std::uint64_t reached = written;
    const std::shared_ptr<Descriptor> current = file;  // those before were synced when they ended
    held.unlock();
    VISAVIS_CHECK(sync(*current));
    synced = reached;
    return {};
  }

  [[nodiscard]] AuditPlace end() const {
    const std::scoped_lock held(mutex);
    return {number, bytes};
  }

  const fs::path folder;
  const AuditOptions options;
  const Descriptor lock;
  mutable std::mutex mutex;
  std::uint64_t number;
  std::shared_ptr<Descriptor> file;
  std::uint64_t bytes;
  bool torn;
  std::uint64_t written = 0;
  std::mutex sync_mutex;     ///< Taken before `mutex`.
  std::uint64_t synced = 0;  ///< Of `written`.
};

AuditLog::AuditLog(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
AuditLog::AuditLog(AuditLog&&) noexcept = default;
AuditLog& AuditLog::operator=(AuditLog&&) noexcept = default;
AuditLog::~AuditLog() = default;

Result<AuditLog> AuditLog::open(const fs::path& folder, const AuditOptions& options,
                                const LogSink& sink) {
  if (options.max_file_bytes < kLeastFileBytes || options.kept_files < 1)
    return fail(ErrorCode::kInvalidArgument,
                "an audit log needs files of at least 4096 bytes, and one of them");
  VISAVIS_CHECK(make_folder(folder));
  VISAVIS_TRY(lock, lock_file(folder / "lock"));
  VISAVIS_TRY(numbers, audit_files(folder));
  const std::uint64_t number = numbers.empty() ? 1 : numbers.back();
  VISAVIS_TRY(tail, open_tail(audit_file(folder, number)));
  VISAVIS_CHECK(sync_folder(folder));
  if (tail.torn)
    log(sink, LogLevel::kWarning,
        "the last entry of the audit log was torn, by a crash or a full disk; it stays as it is");
  return AuditLog(
      std::make_unique<Impl>(folder, options, std::move(lock), number, std::move(tail)));
}

Result<void> AuditLog::append(const AuditEntry& entry, Durable durable) {
  VISAVIS_TRY(place, impl_->write(to_line(entry)));
  if (durable == Durable::kLater) return {};
  return impl_->sync_up_to(place);
}

Result<AuditPage> AuditLog::list(std::optional<std::string_view> tenant, std::string_view cursor,
                                 std::size_t most) const {
  if (most < 1 || most > kMaxPage)
    return fail(ErrorCode::kInvalidArgument, "a page has 1 to 1000 entries");
  const AuditPlace newest = impl_->end();
  const auto from = cursor.empty() ? newest : parse_cursor(cursor);
  if (!from || from->file > newest.file ||
      (from->file == newest.file && from->offset > newest.offset))
    return fail(ErrorCode::kInvalidArgument, "the audit log has no such cursor");
  VISAVIS_TRY(numbers, audit_files(impl_->folder));

  AuditPage page;
  const std::string mark = tenant ? mark_of(*tenant) : std::string();
  const auto visit = [&](std::string_view line) {
    if (line.empty()) return Walk::kOn;
    if (!mark.empty() && !line.contains(mark)) return Walk::kOn;
    auto entry = parse_line(line);
    if (!entry) {
      ++page.damaged;
      return Walk::kOn;
    }
    if (tenant && entry->tenant != *tenant) return Walk::kOn;
    page.entries.push_back(*std::move(entry));
    return page.entries.size() == most ? Walk::kStop : Walk::kOn;
  };
  std::uint64_t budget = kReadAtOnce;
  while (!numbers.empty()) {
    const std::uint64_t number = numbers.back();
    numbers.pop_back();
    if (number > from->file) continue;
    const std::uint64_t end =
        number == from->file ? from->offset : std::numeric_limits<std::uint64_t>::max();
    VISAVIS_TRY(rest, walk_back(audit_file(impl_->folder, number), end, budget, visit));
    const bool is_full = page.entries.size() == most || budget == 0;
    if (is_full && (rest > 0 || !numbers.empty())) {
      page.next = to_cursor({number, rest});
      break;
    }
  }
  return page;
}

}  // namespace visavis::access
