#include "folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "visavis/store/wipe.hpp"

namespace visavis::store {
namespace {

namespace fs = std::filesystem;

fs::path log_path(const fs::path& folder) { return folder / "gallery.sqlite-wal"; }

std::string reason(int error) { return std::generic_category().message(error); }

std::unexpected<Error> busy() {
  return fail(ErrorCode::kUnavailable, "another process is writing to this gallery");
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
  std::error_code error;
  const auto size = fs::file_size(log_path(folder), error);
  return error ? error == std::errc::no_such_file_or_directory : size == 0;
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
    return fail(ErrorCode::kUnavailable, "a file cannot be overwritten: " + reason(errno));
  }
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  const std::string zeros(std::size_t{64} << 10U, '\0');
  for (off_t at = 0; at < size;) {
    const auto want = std::min(static_cast<std::size_t>(size - at), zeros.size());
    const ssize_t n = ::pwrite(file.get(), zeros.data(), want, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      return fail(ErrorCode::kUnavailable, "a file cannot be overwritten: " + reason(errno));
    at += n;
  }
  if (::fsync(file.get()) != 0 || ::unlink(path.c_str()) != 0)
    return fail(ErrorCode::kUnavailable, "a file cannot be removed: " + reason(errno));
  return {};
}

}  // namespace visavis::store
