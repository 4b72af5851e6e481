#include "archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::models {
namespace {

struct Free {
  void operator()(archive* reader) const noexcept { ::archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, Free>;

Result<Reader> open(std::span<const std::byte> bytes) {
  Reader reader(::archive_read_new());
  if (!reader) return fail(ErrorCode::kResourceExhausted, "no memory to read the archive");
  ::archive_read_support_filter_gzip(reader.get());
  ::archive_read_support_format_tar(reader.get());
  ::archive_read_support_format_zip(reader.get());
  if (::archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return fail(ErrorCode::kDecodeFailed, "it is neither a zip nor a gzipped tar archive");
  return reader;
}

Result<std::vector<std::byte>> unpack(archive* reader, std::size_t max_bytes) {
  std::vector<std::byte> bytes;
  // The size in the header is a claim: only what really comes out takes memory.
  std::array<std::byte, 65536> part{};
  while (true) {
    const la_ssize_t n = ::archive_read_data(reader, part.data(), part.size());
    if (n == 0) return bytes;
    if (n < 0) return fail(ErrorCode::kDecodeFailed, "the archive is damaged");
    if (bytes.size() + static_cast<std::size_t>(n) > max_bytes)
      return fail(ErrorCode::kResourceExhausted,
                  "the member has more than " + std::to_string(max_bytes) + " bytes");
    bytes.insert(bytes.end(), part.begin(), part.begin() + n);
  }
}

}  // namespace

Result<std::vector<std::byte>> read_member(std::span<const std::byte> archive,
                                           std::string_view member, std::size_t max_bytes) {
  VISAVIS_TRY(reader, open(archive));
  const std::int64_t most =
      std::max(static_cast<std::int64_t>(max_bytes) * 32, std::int64_t{1} << 20U);
  while (true) {
    archive_entry* entry = nullptr;
    const int status = ::archive_read_next_header(reader.get(), &entry);
    if (::archive_filter_bytes(reader.get(), 0) > most)
      return fail(ErrorCode::kResourceExhausted,
                  "the archive unpacks to more than " + std::to_string(most) + " bytes");
    if (status == ARCHIVE_EOF)
      return fail(ErrorCode::kNotFound, "the archive holds no " + std::string(member));
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
      return fail(ErrorCode::kDecodeFailed, "it is no archive, or a damaged one");
    const char* path = ::archive_entry_pathname(entry);
    if (path != nullptr && path == member && ::archive_entry_filetype(entry) == AE_IFREG)
      return unpack(reader.get(), max_bytes);
  }
}

}  // namespace visavis::models
