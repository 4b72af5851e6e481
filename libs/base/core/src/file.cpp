#include "visavis/core/file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace visavis {
namespace {

std::string reason(int error) { return std::generic_category().message(error); }

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

std::unexpected<Error> not_written(const std::filesystem::path& path, int error) {
  return fail(ErrorCode::kUnavailable, path.string() + " cannot be written: " + reason(error));
}

/// Without a name a file is gone with its process, however that ends. Not every file system can.
Descriptor open_unnamed(const std::filesystem::path& path, mode_t mode) {
  return Descriptor(::open(folder_of(path).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
}

bool give_name(const Descriptor& file, const std::filesystem::path& name) {
  const std::string handle = "/proc/self/fd/" + std::to_string(file.get());
  return ::linkat(AT_FDCWD, handle.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

/// What a link stands for, so that writing goes through it like everywhere else.
std::filesystem::path without_links(std::filesystem::path path) {
  constexpr int kMostLinks = 40;
  std::error_code error;
  for (int i = 0; i < kMostLinks && std::filesystem::is_symlink(path, error); ++i) {
    const std::filesystem::path target = std::filesystem::read_symlink(path, error);
    if (error) break;
    path = target.is_absolute() ? target : path.parent_path() / target;
  }
  return path;
}

/// Makes the missing folders above a file. @return the outermost of them; empty if there was none
std::filesystem::path make_parents(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path outermost;
  for (std::filesystem::path folder = path.parent_path();
       !folder.empty() && !std::filesystem::exists(folder, error) && !error;
       folder = folder.parent_path())
    outermost = folder;
  if (!outermost.empty()) std::filesystem::create_directories(path.parent_path(), error);
  return outermost;
}

/// Makes a new name durable, and the folders that were made for it, from `outermost` on.
Result<void> sync_parents(const std::filesystem::path& path,
                          const std::filesystem::path& outermost) {
  std::filesystem::path folder = folder_of(path);
  VISAVIS_CHECK(sync_folder(folder));
  if (outermost.empty()) return {};
  const std::filesystem::path last = folder_of(outermost);
  while (folder != last && folder.has_parent_path()) {
    folder = folder_of(folder);
    VISAVIS_CHECK(sync_folder(folder));
  }
  return {};
}

/// Removes the folders above a file, from `outermost` on, as far as nothing is in them.
void remove_parents(const std::filesystem::path& path, const std::filesystem::path& outermost) {
  if (outermost.empty()) return;
  std::error_code error;
  for (std::filesystem::path folder = path.parent_path();; folder = folder.parent_path()) {
    std::filesystem::remove(folder, error);  // one that holds something stays
    if (error || folder == outermost || folder.empty()) return;
  }
}

}  // namespace

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                         std::uint64_t max_bytes) {
  // O_NONBLOCK: opening a named pipe without a writer must not wait for one.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR)
      return fail(ErrorCode::kNotFound, "there is no such file");
    return fail(ErrorCode::kUnavailable, "cannot be opened: " + reason(error));
  }
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0)
    return fail(ErrorCode::kUnavailable, "cannot be read: " + reason(errno));
  if (S_ISDIR(facts.st_mode)) return fail(ErrorCode::kInvalidArgument, "is a folder, not a file");
  if (!S_ISREG(facts.st_mode)) return fail(ErrorCode::kInvalidArgument, "is not a regular file");
  const auto size = static_cast<std::uint64_t>(facts.st_size);
  if (size > max_bytes)
    return fail(ErrorCode::kInvalidArgument, "has " + std::to_string(size) +
                                                 " bytes, more than the limit of " +
                                                 std::to_string(max_bytes));
  std::vector<std::byte> bytes(size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(ErrorCode::kUnavailable, "cannot be read: " + reason(errno));
    if (n == 0) break;  // it shrank while we read
    done += static_cast<std::size_t>(n);
  }
  bytes.resize(done);
  return bytes;
}

Result<FileWriter> FileWriter::create(const std::filesystem::path& given, Readers readers) {
  const std::filesystem::path path = without_links(given);
  struct stat old{};
  const bool replaces = ::stat(path.c_str(), &old) == 0;
  if (replaces && !S_ISREG(old.st_mode))
    return fail(ErrorCode::kInvalidArgument,
                path.string() + " cannot be written: it is not a regular file");
  std::filesystem::path made = make_parents(path);
  static std::atomic<unsigned> counter{0};
  std::filesystem::path temporary = path;
  temporary += ".tmp." + std::to_string(::getpid()) + "." + std::to_string(counter++);
  const bool is_private = readers == Readers::kOwner;
  const mode_t mode = is_private ? 0600 : 0666;
  const bool can_be_named = ::access("/proc/self/fd", X_OK) == 0;
  Descriptor file = can_be_named ? open_unnamed(path, mode) : Descriptor();
  const bool named = file.get() < 0;
  if (named)
    file = Descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.get() < 0) {
    const int error = errno;
    remove_parents(path, made);
    return not_written(path, error);
  }
  FileWriter writer(path, std::move(temporary), std::move(made), std::move(file), named);
  // What somebody had closed to others stays closed.
  if (replaces && !is_private && ::fchmod(writer.file_.get(), old.st_mode & 07777U) != 0)
    return not_written(path, errno);
  return writer;
}

FileWriter::~FileWriter() {
  if (file_.get() < 0) return;
  if (named_) ::unlink(temporary_.c_str());
  remove_parents(path_, made_);
}

Result<void> FileWriter::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return not_written(path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> FileWriter::rewind() {
  if (::lseek(file_.get(), 0, SEEK_SET) == 0) return {};
  return not_written(path_, errno);
}

Result<void> FileWriter::commit() {
  if (::fsync(file_.get()) != 0) return not_written(path_, errno);
  if (!named_ && !give_name(file_, temporary_)) return not_written(path_, errno);
  named_ = true;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return not_written(path_, errno);
  file_ = Descriptor();
  return sync_parents(path_, made_);
}

Result<void> write_file(const std::filesystem::path& path, std::span<const std::byte> bytes,
                        Readers readers) {
  VISAVIS_TRY(file, FileWriter::create(path, readers));
  VISAVIS_CHECK(file.append(bytes));
  return file.commit();
}

Result<void> write_file(const std::filesystem::path& path, std::string_view text, Readers readers) {
  return write_file(path, std::as_bytes(std::span(text)), readers);
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const Descriptor file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0 && errno == EACCES) return {};  // may be written in, not opened
  if (file.get() < 0) return not_written(folder, errno);
  // EINVAL: the file system does not know this (network and user-space ones).
  if (::fsync(file.get()) != 0 && errno != EINVAL) return not_written(folder, errno);
  return {};
}

Result<Descriptor> lock_file(const std::filesystem::path& path) {
  Descriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.get() < 0) return not_written(path, errno);
  while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK)
      return fail(ErrorCode::kUnavailable, path.string() + " is held by another process");
    return not_written(path, errno);
  }
  return lock;
}

bool is_utf8(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    std::size_t extra = 0;
    std::uint32_t point = 0;
    std::uint32_t smallest = 0;
    if (lead < 0x80) {
      ++i;
      continue;
    }
    if ((lead & 0xE0U) == 0xC0U) {
      extra = 1, point = lead & 0x1FU, smallest = 0x80;
    } else if ((lead & 0xF0U) == 0xE0U) {
      extra = 2, point = lead & 0x0FU, smallest = 0x800;
    } else if ((lead & 0xF8U) == 0xF0U) {
      extra = 3, point = lead & 0x07U, smallest = 0x10000;
    } else {
      return false;
    }
    if (text.size() - i <= extra) return false;
    for (std::size_t k = 1; k <= extra; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      if ((next & 0xC0U) != 0x80U) return false;
      point = (point << 6) | (next & 0x3FU);
    }
    if (point < smallest || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += extra + 1;
  }
  return true;
}

}  // namespace visavis
