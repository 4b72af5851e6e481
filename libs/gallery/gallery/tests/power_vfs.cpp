#include "power_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512;

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A write, or a cut if there are no bytes.
struct Pending {
  std::size_t at = 0;
  std::string bytes{};
  bool cut = false;
};

/// A file as the disk surely has it, and what happened since.
struct Image {
  std::string synced{};
  std::vector<Pending> pending{};
};

void put(std::string& content, std::size_t at, std::string_view bytes) {
  if (content.size() < at + bytes.size()) content.resize(at + bytes.size(), '\0');
  content.replace(at, bytes.size(), bytes);
}

void apply_all(std::string& content, const Pending& change) {
  if (change.cut)
    content.resize(change.at, '\0');
  else
    put(content, change.at, change.bytes);
}

void apply_torn(std::string& content, const Pending& change, std::mt19937_64& random) {
  for (std::size_t from = 0; from < change.bytes.size();) {
    const std::size_t sector_end = (change.at + from) / kSector * kSector + kSector;
    const std::size_t to = std::min(change.bytes.size(), sector_end - change.at);
    if (random() % 2 == 0)
      put(content, change.at + from, std::string_view(change.bytes).substr(from, to - from));
    from = to;
  }
}

}  // namespace

struct PowerVfs::Disk {
  std::mutex mutex{};
  Options options{};
  std::size_t writes = 0;
  bool dead = false;
  std::map<std::string, Image> images{};
  sqlite3_vfs* real = nullptr;
  sqlite3_vfs vfs{};
  sqlite3_io_methods methods{};

  Image& image(const std::string& path) {
    const auto [entry, is_new] = images.try_emplace(path);
    if (is_new) entry->second.synced = read_all(path);  // what lay there before
    return entry->second;
  }
  /// @return false if the power has failed
  bool log(const std::string& path, Pending change) {
    const std::scoped_lock lock(mutex);
    if (dead) return false;
    image(path).pending.push_back(std::move(change));
    dead = ++writes == options.fails_at;
    return !dead;  // the failing write itself may be on the disk, but is never reported done
  }
};

namespace {

PowerVfs::Disk* the_disk = nullptr;  // SQLite's callbacks of a file are told nothing but the file

struct File {
  sqlite3_file base;
  std::string* path;  // of what is kept durable; null for others
  sqlite3_file* real;
};

File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* real_of(sqlite3_file* file) { return of(file).real; }

int on_close(sqlite3_file* file) {
  sqlite3_file* real = real_of(file);
  const int code = real->pMethods != nullptr ? real->pMethods->xClose(real) : SQLITE_OK;
  delete of(file).path;
  return code;
}

int on_read(sqlite3_file* file, void* to, int size, sqlite3_int64 at) {
  return real_of(file)->pMethods->xRead(real_of(file), to, size, at);
}

int on_write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  const std::string* path = of(file).path;
  if (path != nullptr &&
      !the_disk->log(*path, {.at = static_cast<std::size_t>(at),
                             .bytes = std::string(static_cast<const char*>(bytes),
                                                  static_cast<std::size_t>(size))}))
    return SQLITE_IOERR_WRITE;
  return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, at);
}

int on_truncate(sqlite3_file* file, sqlite3_int64 size) {
  const std::string* path = of(file).path;
  if (path != nullptr && !the_disk->log(*path, {.at = static_cast<std::size_t>(size), .cut = true}))
    return SQLITE_IOERR_TRUNCATE;
  return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

/// Takes no time on the real disk: what is durable is decided here.
int on_sync(sqlite3_file* file, int /*flags*/) {
  if (of(file).path == nullptr) return SQLITE_OK;
  const std::scoped_lock lock(the_disk->mutex);
  if (the_disk->dead) return SQLITE_IOERR_FSYNC;
  Image& image = the_disk->image(*of(file).path);
  for (const Pending& change : image.pending) apply_all(image.synced, change);
  image.pending.clear();
  return SQLITE_OK;
}

int on_file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
int on_lock(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
int on_unlock(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
int on_check_lock(sqlite3_file* file, int* held) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), held);
}

int on_control(sqlite3_file* file, int what, void* argument) {
  if (what == SQLITE_FCNTL_PRAGMA && the_disk->options.without_syncs) {
    char** words = static_cast<char**>(argument);
    if (std::string_view(words[1]) == "synchronous" && words[2] != nullptr &&
        std::string_view(words[2]) != "OFF")
      return SQLITE_OK;  // heard and not obeyed
  }
  return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

int on_sector_size(sqlite3_file* file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}
int on_characteristics(sqlite3_file* file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
int on_shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** memory) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, memory);
}
int on_shm_lock(sqlite3_file* file, int offset, int n, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}
void on_shm_barrier(sqlite3_file* file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }
int on_shm_unmap(sqlite3_file* file, int remove) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

int on_open(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* got) {
  File& mine = of(file);
  mine.base.pMethods = nullptr;
  mine.path = nullptr;
  mine.real = reinterpret_cast<sqlite3_file*>(&mine + 1);
  const int code = the_disk->real->xOpen(the_disk->real, name, mine.real, flags, got);
  if (code != SQLITE_OK) return code;
  if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0) {
    mine.path = new std::string(name);
    const std::scoped_lock lock(the_disk->mutex);
    the_disk->image(*mine.path);
  }
  mine.base.pMethods = &the_disk->methods;
  return SQLITE_OK;
}

int on_delete(sqlite3_vfs* /*vfs*/, const char* name, int sync_folder) {
  {
    const std::scoped_lock lock(the_disk->mutex);
    if (the_disk->dead) return SQLITE_IOERR_DELETE;
    // An entry whose folder is not synced may be found again: as if nothing had been removed.
    if (sync_folder != 0) the_disk->images[name] = {};
  }
  return the_disk->real->xDelete(the_disk->real, name, sync_folder);
}

int turn_syncs_off(sqlite3* connection, const char** /*error*/, const void* /*api*/) {
  sqlite3_exec(connection, "PRAGMA synchronous = OFF", nullptr, nullptr, nullptr);
  return SQLITE_OK;
}
void (*extension())() { return reinterpret_cast<void (*)()>(&turn_syncs_off); }

}  // namespace

PowerVfs::PowerVfs(const Options& options) : disk_(std::make_unique<Disk>()) {
  disk_->options = options;
  disk_->real = sqlite3_vfs_find("unix");  // without encryption, which is put above this disk
  disk_->vfs = *disk_->real;
  disk_->vfs.zName = "power";
  disk_->vfs.szOsFile = static_cast<int>(sizeof(File)) + disk_->real->szOsFile;
  disk_->vfs.pNext = nullptr;
  disk_->vfs.xOpen = on_open;
  disk_->vfs.xDelete = on_delete;
  disk_->methods = {.iVersion = 2,  // without mapped pages, whose writes nobody would see
                    .xClose = on_close,
                    .xRead = on_read,
                    .xWrite = on_write,
                    .xTruncate = on_truncate,
                    .xSync = on_sync,
                    .xFileSize = on_file_size,
                    .xLock = on_lock,
                    .xUnlock = on_unlock,
                    .xCheckReservedLock = on_check_lock,
                    .xFileControl = on_control,
                    .xSectorSize = on_sector_size,
                    .xDeviceCharacteristics = on_characteristics,
                    .xShmMap = on_shm_map,
                    .xShmLock = on_shm_lock,
                    .xShmBarrier = on_shm_barrier,
                    .xShmUnmap = on_shm_unmap,
                    .xFetch = nullptr,
                    .xUnfetch = nullptr};
  the_disk = disk_.get();
  sqlite3_vfs_register(&disk_->vfs, 0);
  sqlite3mc_vfs_create("power", 1);
  if (options.without_syncs) sqlite3_auto_extension(extension());
}

PowerVfs::~PowerVfs() {
  sqlite3_cancel_auto_extension(extension());
  sqlite3mc_vfs_destroy("multipleciphers-power");
  sqlite3_vfs_unregister(&disk_->vfs);
  sqlite3_vfs_register(sqlite3_vfs_find("multipleciphers-unix"), 1);
  the_disk = nullptr;
}

std::size_t PowerVfs::writes() const {
  const std::scoped_lock lock(disk_->mutex);
  return disk_->writes;
}

void PowerVfs::leave(const fs::path& folder, std::uint64_t seed) const {
  std::mt19937_64 random(seed);
  fs::create_directories(folder);
  for (const auto& [path, image] : disk_->images) {
    std::string content = image.synced;
    for (const Pending& change : image.pending) {
      const auto dice = random() % 3;
      if (dice == 0) apply_all(content, change);
      if (dice == 1) apply_torn(content, change, random);
    }
    if (content.empty()) continue;
    std::ofstream(folder / fs::path(path).filename(), std::ios::binary) << content;
  }
}

}  // namespace visavis::gallery
