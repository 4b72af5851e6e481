#include "visavis/jobs/zip_reader.hpp"

#include <minizip/unzip.h>

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <utility>

#include "label.hpp"

namespace visavis::jobs {
namespace {

constexpr std::uint64_t kAlwaysUnpacked = std::uint64_t{1} << 20U;
constexpr unsigned kEncryptedFlag = 1;

struct Close {
  void operator()(void* zip) const noexcept { ::unzClose(zip); }
};

auto damaged() { return fail(ErrorCode::kDecodeFailed, "the zip archive's directory is damaged"); }

/// Folders, and the files that macOS puts beside others for what only it understands.
bool is_passed_over(std::string_view name) {
  const std::size_t slash = name.find_last_of("/\\");
  const std::string_view base = slash == name.npos ? name : name.substr(slash + 1);
  return base.empty() || base.starts_with("._") || base == ".DS_Store" ||
         name.starts_with("__MACOSX/");
}

std::optional<ZipRefusal> refusal_of(const unz_file_info64& facts, std::uint64_t before,
                                     const ZipLimits& limits) {
  const std::uint64_t bytes = facts.uncompressed_size;
  const std::uint64_t packed = std::max<std::uint64_t>(facts.compressed_size, 1);
  if ((facts.flag & kEncryptedFlag) != 0) return ZipRefusal::kEncrypted;
  if (facts.compression_method != 0 && facts.compression_method != Z_DEFLATED)
    return ZipRefusal::kMethod;
  if (bytes > limits.max_entry_bytes) return ZipRefusal::kTooLarge;
  if (bytes > kAlwaysUnpacked && bytes / packed > limits.max_ratio) return ZipRefusal::kRatio;
  if (before > limits.max_total_bytes || bytes > limits.max_total_bytes - before)
    return ZipRefusal::kTotal;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(ZipRefusal refusal) noexcept {
  switch (refusal) {
    case ZipRefusal::kEncrypted:
      return "encrypted";
    case ZipRefusal::kMethod:
      return "method";
    case ZipRefusal::kTooLarge:
      return "too_large";
    case ZipRefusal::kRatio:
      return "ratio";
    case ZipRefusal::kTotal:
      return "total";
  }
  return "";
}

std::string_view sentence_of(ZipRefusal refusal) noexcept {
  switch (refusal) {
    case ZipRefusal::kEncrypted:
      return "the file is encrypted in the archive";
    case ZipRefusal::kMethod:
      return "the file is packed by a method that is not deflate";
    case ZipRefusal::kTooLarge:
      return "the file unpacks to more bytes than are allowed";
    case ZipRefusal::kRatio:
      return "the file unpacks to suspiciously much";
    case ZipRefusal::kTotal:
      return "the archive's files before this one are as much as is allowed";
  }
  return "";
}

struct ZipReader::Impl {
  std::unique_ptr<std::remove_pointer_t<unzFile>, Close> zip;
  ZipLimits limits;
  std::uint64_t entries = 0;
  std::uint64_t at = 0;     ///< The entry that is looked at next.
  std::uint64_t total = 0;  ///< Unpacked bytes of the files that were let through.
  std::optional<ZipEntry> current{};

  /// Moves on to entry `at`.
  [[nodiscard]] bool advance() const {
    return (at == 0 ? ::unzGoToFirstFile(zip.get()) : ::unzGoToNextFile(zip.get())) == UNZ_OK;
  }

  Result<std::optional<ZipEntry>> look() {
    unz_file_info64 facts{};
    std::array<char, 4096> name{};
    if (::unzGetCurrentFileInfo64(zip.get(), &facts, name.data(), name.size() - 1, nullptr, 0,
                                  nullptr, 0) != UNZ_OK)
      return damaged();
    const std::string_view raw(name.data(),
                               std::min<std::size_t>(facts.size_filename, name.size() - 1));
    if (is_passed_over(raw) && facts.size_filename < name.size()) return std::nullopt;
    ZipEntry entry{.label = to_label(raw),
                   .bytes = facts.uncompressed_size,
                   .refusal = refusal_of(facts, total, limits)};
    if (!entry.refusal) total += entry.bytes;
    return entry;
  }

  /// Fills a piece of the current file. @return false if there is less
  [[nodiscard]] bool fill(std::span<std::byte> piece) const {
    while (!piece.empty()) {
      const int n =
          ::unzReadCurrentFile(zip.get(), piece.data(), static_cast<unsigned>(piece.size()));
      if (n <= 0) return false;
      piece = piece.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }

  [[nodiscard]] bool is_at_end() const {
    std::byte beyond{};
    return ::unzReadCurrentFile(zip.get(), &beyond, 1) == 0;
  }
};

ZipReader::ZipReader(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ZipReader::ZipReader(ZipReader&&) noexcept = default;
ZipReader& ZipReader::operator=(ZipReader&&) noexcept = default;
ZipReader::~ZipReader() = default;

Result<ZipReader> ZipReader::open(const std::filesystem::path& file, const ZipLimits& limits) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error))
    return fail(ErrorCode::kNotFound, "there is no such file");
  auto impl = std::make_unique<Impl>();
  impl->zip.reset(::unzOpen64(file.c_str()));
  impl->limits = limits;
  unz_global_info64 facts{};
  if (!impl->zip || ::unzGetGlobalInfo64(impl->zip.get(), &facts) != UNZ_OK)
    return fail(ErrorCode::kDecodeFailed, "it is no zip archive, or one without files");
  impl->entries = facts.number_entry;
  if (impl->entries > limits.max_entries)
    return fail(ErrorCode::kResourceExhausted,
                "the zip archive has more than " + std::to_string(limits.max_entries) + " entries");
  return ZipReader(std::move(impl));
}

Result<std::optional<ZipEntry>> ZipReader::next() {
  impl_->current.reset();
  while (impl_->at < impl_->entries) {
    if (!impl_->advance()) return damaged();
    VISAVIS_TRY(entry, impl_->look());
    ++impl_->at;
    if (!entry) continue;
    impl_->current = entry;
    return entry;
  }
  return std::nullopt;
}

Result<std::vector<std::byte>> ZipReader::read() {
  if (!impl_->current || impl_->current->refusal)
    return fail(ErrorCode::kInvalidArgument, "there is no file to be read");
  if (::unzOpenCurrentFile(impl_->zip.get()) != UNZ_OK)
    return fail(ErrorCode::kDecodeFailed, "the file is damaged in the archive");
  // Memory grows with what comes, not with what a header of 100 bytes promises.
  constexpr std::uint64_t kPiece = std::uint64_t{4} << 20U;
  std::vector<std::byte> bytes;
  bool good = true;
  while (good && bytes.size() < impl_->current->bytes) {
    const std::size_t from = bytes.size();
    bytes.resize(from + std::min<std::uint64_t>(kPiece, impl_->current->bytes - from));
    good = impl_->fill(std::span(bytes).subspan(from));
  }
  good = good && impl_->is_at_end();
  const bool is_same = ::unzCloseCurrentFile(impl_->zip.get()) == UNZ_OK;  // compares the CRC
  if (!good || !is_same)
    return fail(ErrorCode::kDecodeFailed, "the file is damaged in the archive");
  return bytes;
}

Result<std::uint64_t> count_files(const std::filesystem::path& file, const ZipLimits& limits) {
  VISAVIS_TRY(reader, ZipReader::open(file, limits));
  for (std::uint64_t count = 0;; ++count) {
    VISAVIS_TRY(entry, reader.next());
    if (!entry) return count;
  }
}

}  // namespace visavis::jobs
