#include "zip.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {
namespace {

struct Free {
  void operator()(archive* reader) const noexcept { ::archive_read_free(reader); }
};

Result<std::vector<std::byte>> unpack(archive* reader, std::size_t& left) {
  std::vector<std::byte> bytes;
  std::array<std::byte, 65536> part{};
  while (true) {
    const la_ssize_t n = ::archive_read_data(reader, part.data(), part.size());
    if (n == 0) return bytes;
    if (n < 0) return fail(ErrorCode::kDecodeFailed, "the zip archive is damaged");
    if (static_cast<std::size_t>(n) > left)
      return fail(ErrorCode::kResourceExhausted, "the zip archive unpacks to too much");
    left -= static_cast<std::size_t>(n);
    bytes.insert(bytes.end(), part.begin(), part.begin() + n);
  }
}

}  // namespace

Result<std::map<std::string, std::vector<std::byte>, std::less<>>> read_zip(
    std::span<const std::byte> bytes) {
  const std::unique_ptr<archive, Free> reader(::archive_read_new());
  if (!reader) return fail(ErrorCode::kResourceExhausted, "no memory to read the zip archive");
  ::archive_read_support_format_zip(reader.get());
  if (::archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK)
    return fail(ErrorCode::kDecodeFailed, "it is no zip archive");
  std::map<std::string, std::vector<std::byte>, std::less<>> members;
  std::size_t left = 2 * bytes.size() + (std::size_t{1} << 20U);
  while (true) {
    archive_entry* entry = nullptr;
    const int status = ::archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) return members;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
      return fail(ErrorCode::kDecodeFailed, "the zip archive is damaged");
    const char* path = ::archive_entry_pathname(entry);
    if (path == nullptr || ::archive_entry_filetype(entry) != AE_IFREG) continue;
    std::string name = path;
    VISAVIS_TRY(contents, unpack(reader.get(), left));
    members.emplace(std::move(name), std::move(contents));
  }
}

}  // namespace visavis::modelkit
