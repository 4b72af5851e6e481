#include "folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "visavis/store/wipe.hpp"

namespace visavis::store {
namespace {

namespace fs = std::filesystem;

/// https://www.sqlite.org/fileformat2.html#walformat: zeros are no header, and the log is empty.
constexpr std::size_t kLogHeaderBytes = 32;
/// What an emptied log keeps: some removals' worth.
constexpr off_t kLogBytes = 256L * 1024;

fs::path log_path(const fs::path& folder) { return folder / "gallery.sqlite-wal"; }

std::string reason(int error) { return std::generic_category().message(error); }

std::unexpected<Error> busy() {
  return fail(ErrorCode::kUnavailable, "another process is writing to this gallery");
}

std::unexpected<Error> cannot_be_overwritten() {
  return fail(ErrorCode::kUnavailable, "a file cannot be overwritten: " + reason(errno));
}

/// With zeros, from its first byte to its last.
Result<void> overwrite(int file) {
  const off_t size = ::lseek(file, 0, SEEK_END);
  const std::string zeros(std::size_t{64} << 10U, '\0');
  for (off_t at = 0; at < size;) {
    const auto want = std::min(static_cast<std::size_t>(size - at), zeros.size());
    const ssize_t n = ::pwrite(file, zeros.data(), want, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return cannot_be_overwritten();
    at += n;
  }
  return {};
}

}  // namespace

Result<Descriptor> take_write_lock(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "gallery.lock";
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0)
    return fail(ErrorCode::kUnavailable, "the gallery cannot be written: " + reason(errno));
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return busy();
    return fail(ErrorCode::kUnavailable, "the gallery cannot be locked: " + reason(errno));
  }
  // Who failed to make a gallery removes its lock: that of a file without a name keeps nobody out.
  struct stat ours{};
  struct stat named{};
  if (::fstat(lock.get(), &ours) != 0 || ::stat(path.c_str(), &named) != 0 ||
      ours.st_ino != named.st_ino)
    return busy();
  return lock;
}

fs::path database_path(const fs::path& folder) { return folder / "gallery.sqlite"; }

bool log_is_empty(const fs::path& folder) {
  const Descriptor log(::open(log_path(folder).c_str(), O_RDONLY | O_CLOEXEC));
  if (log.get() < 0) return errno == ENOENT;
  std::array<char, kLogHeaderBytes> header{};
  const ssize_t n = ::pread(log.get(), header.data(), header.size(), 0);
  return n >= 0 && std::ranges::all_of(header, [](char byte) { return byte == 0; });
}

Result<void> wipe_log(const fs::path& folder) {
  const Descriptor log(::open(log_path(folder).c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (log.get() < 0) {
    if (errno == ENOENT) return {};
    return cannot_be_overwritten();
  }
  if (::lseek(log.get(), 0, SEEK_END) > kLogBytes && ::ftruncate(log.get(), kLogBytes) != 0)
    return cannot_be_overwritten();
  return overwrite(log.get());
}

Result<void> sync_log(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(log_path(folder), ignored) ? sync(log_path(folder)) : Result<void>{};
}

Result<void> sync(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() >= 0 && ::fsync(file.get()) == 0) return {};
  return fail(ErrorCode::kUnavailable, "the gallery cannot be written: " + reason(errno));
}

Result<void> wipe_file(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) {
    if (errno == ENOENT) return {};
    return cannot_be_overwritten();
  }
  VISAVIS_CHECK(overwrite(file.get()));
  if (::fsync(file.get()) != 0 || ::unlink(path.c_str()) != 0)
    return fail(ErrorCode::kUnavailable, "a file cannot be removed: " + reason(errno));
  return {};
}

}  // namespace visavis::store
