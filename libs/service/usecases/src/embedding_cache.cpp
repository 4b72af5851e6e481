#include "embedding_cache.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/quality.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

// A file: the header, then records of equal size, in this machine's byte order (its own origin
// text says which). A record: `Fixed`, the vector, the checksum of both and of the header.
constexpr std::string_view kMagic = "visavis faces 1\n";
constexpr std::size_t kHeaderBytes = kMagic.size() + sizeof(Sha256);
constexpr std::size_t kChecksumBytes = 16;
constexpr std::uint64_t kMaxBytes = std::uint64_t{4} << 30U;
constexpr std::size_t kAtOnce = 64;  // photos lost at most if the process is killed

enum class Kind : std::uint32_t { kNoFace, kUnaligned, kEmbedded };

struct Fixed {
  Sha256 image{};
  Kind kind = Kind::kNoFace;
  std::uint32_t faces_found = 0;
  Face face{};
  Quality quality{};
  float norm = 0;
};
static_assert(std::is_trivially_copyable_v<Fixed>);
static_assert(sizeof(Fixed) == 144, "Face or Quality changed: raise kEmbeddingPipeline");

using Checksum = std::array<std::byte, kChecksumBytes>;

/// Also covers the header, so that no record passes for one of another file.
Checksum checksum_of(std::span<const std::byte> header, std::span<const std::byte> record) {
  std::vector<std::byte> both(header.begin(), header.end());
  both.insert(both.end(), record.begin(), record.end());
  const Sha256 digest = sha256(both);
  Checksum checksum{};
  std::memcpy(checksum.data(), digest.data(), checksum.size());
  return checksum;
}

std::vector<std::byte> header_of(std::string_view origin) {
  const Sha256 digest = sha256(origin);
  std::vector<std::byte> header(kHeaderBytes);
  std::memcpy(header.data(), kMagic.data(), kMagic.size());
  std::memcpy(header.data() + kMagic.size(), digest.data(), digest.size());
  return header;
}

bool write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

bool begins_with(int file, std::span<const std::byte> header) {
  std::vector<std::byte> bytes(header.size());
  const ssize_t n = ::pread(file, bytes.data(), bytes.size(), 0);
  return n == static_cast<ssize_t>(bytes.size()) && std::ranges::equal(bytes, header);
}

/// Makes the folder, its owner's alone.
bool make_private(const fs::path& folder) {
  std::error_code error;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) == 0) return true;
  return errno == EEXIST && ::chmod(folder.c_str(), 0700) == 0;
}

}  // namespace

struct EmbeddingCache::Impl {
  fs::path path;  ///< Empty: nothing is kept any more.
  ModelId model{};
  std::size_t dimension = 0;
  LogSink sink;
  std::vector<std::byte> header;
  std::vector<std::byte> bytes;                      ///< The file as it was.
  std::map<Sha256, std::size_t, std::less<>> known;  ///< Where a photo's record begins.
  std::mutex mutex;                                  ///< Of what follows.
  std::vector<std::byte> unwritten;

  [[nodiscard]] std::size_t record_bytes() const {
    return sizeof(Fixed) + dimension * sizeof(float) + kChecksumBytes;
  }
  void read();
  void write();
  [[nodiscard]] bool append();
};

void EmbeddingCache::Impl::read() {
  auto file = read_file(path, kMaxBytes);
  if (!file || file->size() < kHeaderBytes ||
      !std::ranges::equal(std::span(*file).first(kHeaderBytes), header))
    return;
  bytes = *std::move(file);
  for (std::size_t at = kHeaderBytes; at + record_bytes() <= bytes.size(); at += record_bytes()) {
    Sha256 image{};
    std::memcpy(image.data(), bytes.data() + at, image.size());
    known.insert_or_assign(image, at);  // the latest: an earlier one may be damaged
  }
}

/// @return false with errno
bool EmbeddingCache::Impl::append() {
  const Descriptor file(::open(
      path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (file.get() < 0) return false;
  while (::flock(file.get(), LOCK_EX) != 0)
    if (errno != EINTR) return false;
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0 || ::fchmod(file.get(), 0600) != 0) return false;
  // What is foreign begins anew; what a killed process left unfinished goes.
  auto size = static_cast<std::size_t>(facts.st_size);
  if (!begins_with(file.get(), header)) {
    if (::ftruncate(file.get(), 0) != 0 || !write_all(file.get(), header)) return false;
    size = kHeaderBytes;
  }
  size -= (size - kHeaderBytes) % record_bytes();
  if (::ftruncate(file.get(), static_cast<off_t>(size)) != 0) return false;
  if (size + unwritten.size() > kMaxBytes) {
    errno = EFBIG;
    return false;
  }
  return write_all(file.get(), unwritten);
}

void EmbeddingCache::Impl::write() {
  if (path.empty() || unwritten.empty()) return;
  if (!make_private(path.parent_path()) || !append()) {
    log(sink, LogLevel::kWarning,
        path.string() + ": embeddings are not kept: " + std::generic_category().message(errno));
    path.clear();
  }
  unwritten.clear();
}

EmbeddingCache::EmbeddingCache(const fs::path& folder, std::string_view name,
                               std::string_view origin, ModelId model, std::size_t dimension,
                               LogSink sink)
    : impl_(std::make_unique<Impl>()) {
  impl_->dimension = dimension;
  if (folder.empty()) return;
  const std::string text = std::string(origin) + "\n" + std::to_string(dimension);
  impl_->path = folder / (std::string(name) + "-" + to_hex(sha256(text)).substr(0, 16) + ".faces");
  impl_->model = model;
  impl_->sink = std::move(sink);
  impl_->header = header_of(text);
  impl_->read();
}

EmbeddingCache::EmbeddingCache(EmbeddingCache&&) noexcept = default;
EmbeddingCache& EmbeddingCache::operator=(EmbeddingCache&&) noexcept = default;
EmbeddingCache::~EmbeddingCache() {
  if (impl_) impl_->write();
}

std::optional<RememberedPhoto> EmbeddingCache::find(const Sha256& image) const {
  const auto it = impl_->known.find(image);
  if (it == impl_->known.end()) return std::nullopt;
  const auto record = std::span(impl_->bytes).subspan(it->second, impl_->record_bytes());
  const auto content = record.first(record.size() - kChecksumBytes);
  if (!std::ranges::equal(checksum_of(impl_->header, content), record.last(kChecksumBytes)))
    return std::nullopt;
  Fixed fixed;
  std::memcpy(&fixed, content.data(), sizeof(fixed));
  RememberedPhoto photo{.record = std::nullopt, .faces_found = fixed.faces_found};
  if (fixed.kind == Kind::kNoFace) return photo;
  photo.record = pipeline::FaceRecord{
      .face = fixed.face, .quality = fixed.quality, .chip = std::nullopt, .embedding = {}};
  if (fixed.kind == Kind::kUnaligned) return photo;
  Embedding& embedding = photo.record->embedding;
  embedding = {
      .model = impl_->model, .values = std::vector<float>(impl_->dimension), .norm = fixed.norm};
  std::memcpy(embedding.values.data(), content.data() + sizeof(fixed),
              content.size() - sizeof(fixed));
  return photo;
}

void EmbeddingCache::keep(const Sha256& image, const RememberedPhoto& photo) {
  Fixed fixed{.image = image, .faces_found = static_cast<std::uint32_t>(photo.faces_found)};
  std::vector<float> values(impl_->dimension);
  if (photo.record) {
    const Embedding& embedding = photo.record->embedding;
    fixed.kind = embedding.values.empty() ? Kind::kUnaligned : Kind::kEmbedded;
    fixed.face = photo.record->face;
    fixed.quality = photo.record->quality;
    fixed.norm = embedding.norm;
    std::ranges::copy(embedding.values, values.begin());
  }
  std::vector<std::byte> record(sizeof(fixed) + values.size() * sizeof(float));
  std::memcpy(record.data(), &fixed, sizeof(fixed));
  std::memcpy(record.data() + sizeof(fixed), values.data(), values.size() * sizeof(float));
  const Checksum checksum = checksum_of(impl_->header, record);
  const std::scoped_lock lock(impl_->mutex);
  if (impl_->path.empty()) return;
  std::vector<std::byte>& unwritten = impl_->unwritten;
  unwritten.insert(unwritten.end(), record.begin(), record.end());
  unwritten.insert(unwritten.end(), checksum.begin(), checksum.end());
  if (unwritten.size() >= kAtOnce * impl_->record_bytes()) impl_->write();
}

}  // namespace visavis::usecases
