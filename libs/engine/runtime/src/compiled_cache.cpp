#include "compiled_cache.hpp"

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>

namespace visavis::runtime {
namespace {

constexpr std::string_view kMagic = "VISAVIS1";
constexpr std::size_t kHeader = kMagic.size() + Sha256{}.size();
constexpr std::uint64_t kLargest = std::uint64_t{4} << 30;

/// Ours, and nobody else can write into it.
bool is_private(const std::filesystem::path& path, mode_t kind) {
  struct stat facts{};
  return ::lstat(path.c_str(), &facts) == 0 && (facts.st_mode & S_IFMT) == kind &&
         facts.st_uid == ::geteuid() && (facts.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool make_private_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder.parent_path(), error);
  // mkdir with its mode, not a chmod afterwards: there is no moment in which it is open.
  ::mkdir(folder.c_str(), S_IRWXU);
  return is_private(folder, S_IFDIR);
}

}  // namespace

CompiledCache::CompiledCache(const std::filesystem::path& root, std::string_view model,
                             std::string_view key) {
  if (root.empty()) return;
  folder_ = root / model;
  file_ = folder_ / (to_hex(sha256(key)) + ".blob");
}

std::optional<std::vector<std::byte>> CompiledCache::find() const {
  if (folder_.empty() || !is_private(folder_, S_IFDIR) || !is_private(file_, S_IFREG)) return {};
  Result<std::vector<std::byte>> bytes = read_file(file_, kLargest);
  if (!bytes || bytes->size() < kHeader) return {};
  const std::span<const std::byte> all(*bytes);
  const std::span<const std::byte> blob = all.subspan(kHeader);
  const Sha256 digest = sha256(blob);
  const bool whole =
      std::ranges::equal(all.first(kMagic.size()), std::as_bytes(std::span(kMagic))) &&
      std::ranges::equal(all.subspan(kMagic.size(), digest.size()),
                         std::as_bytes(std::span(digest)));
  if (!whole) return {};
  bytes->erase(bytes->begin(), bytes->begin() + kHeader);
  return *std::move(bytes);
}

void CompiledCache::keep(std::span<const std::byte> blob) const {
  if (folder_.empty() || !make_private_folder(folder_)) return;
  const Sha256 digest = sha256(blob);
  std::vector<std::byte> bytes;
  bytes.reserve(kHeader + blob.size());
  std::ranges::copy(std::as_bytes(std::span(kMagic)), std::back_inserter(bytes));
  std::ranges::copy(std::as_bytes(std::span(digest)), std::back_inserter(bytes));
  std::ranges::copy(blob, std::back_inserter(bytes));
  // Nothing depends on its success.
  [[maybe_unused]] const Result<void> written = write_file(file_, bytes);
}

}  // namespace visavis::runtime
