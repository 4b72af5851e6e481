#include "archive_file.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlock = std::size_t{64} << 10U;

auto damaged() { return fail(ErrorCode::kDecodeFailed, "the archive is truncated or damaged"); }

}  // namespace

struct ArchiveReader::Impl {
  struct Free {
    void operator()(archive* one) const noexcept { ::archive_read_free(one); }
  };
  std::unique_ptr<archive, Free> reader{::archive_read_new()};
  archive_entry* entry = nullptr;  ///< The member that comes next, if it was looked at already.
  bool ended = false;

  /// Looks at the next member. @return false at the end
  Result<bool> peek() {
    if (entry != nullptr || ended) return !ended;
    const int status = ::archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_OK) return true;
    entry = nullptr;
    ended = status == ARCHIVE_EOF;
    if (ended) return false;
    return damaged();  // a warning too: what it did not understand it may understand wrongly
  }
  [[nodiscard]] std::string name() const {
    const char* path = ::archive_entry_pathname(entry);
    return path == nullptr ? std::string() : std::string(path);
  }
  /// Links, devices, folders, and files with holes that are larger than what is there.
  [[nodiscard]] bool is_plain() const {
    return ::archive_entry_filetype(entry) == AE_IFREG &&
           ::archive_entry_hardlink(entry) == nullptr &&
           ::archive_entry_symlink(entry) == nullptr && ::archive_entry_sparse_count(entry) == 0 &&
           ::archive_entry_size_is_set(entry) != 0 && ::archive_entry_size(entry) >= 0;
  }
};

ArchiveReader::ArchiveReader(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

Result<ArchiveReader> ArchiveReader::open(const ArchiveSource& source) {
  auto impl = std::make_unique<Impl>();
  archive* reader = impl->reader.get();
  if (reader == nullptr) return fail(ErrorCode::kResourceExhausted, "memory ran out");
  // No filter: nothing that is read is larger than the file.
  ::archive_read_support_format_tar(reader);
  int opened = ARCHIVE_FATAL;
  if (const auto* path = std::get_if<fs::path>(&source)) {
    std::error_code error;
    const fs::file_status there = fs::status(*path, error);
    if (there.type() == fs::file_type::not_found)
      return fail(ErrorCode::kNotFound, "there is no such file");
    if (!fs::is_regular_file(there))
      return fail(ErrorCode::kDecodeFailed, "the archive is not a regular file");
    opened = ::archive_read_open_filename(reader, path->c_str(), kBlock);
    if (opened != ARCHIVE_OK && ::archive_errno(reader) == EACCES)
      return fail(ErrorCode::kUnavailable, "the archive cannot be opened: permission denied");
  } else {
    const auto bytes = std::get<std::span<const std::byte>>(source);
    opened = ::archive_read_open_memory(reader, bytes.data(), bytes.size());
  }
  if (opened != ARCHIVE_OK) return damaged();
  return ArchiveReader(std::move(impl));
}

Result<std::uint64_t> ArchiveReader::next(std::string_view name) {
  VISAVIS_TRY(there, impl_->peek());
  if (!there)
    return fail(ErrorCode::kDecodeFailed, "the archive ends before its " + std::string(name));
  if (impl_->name() != name)
    return fail(ErrorCode::kDecodeFailed,
                "the archive holds another member where " + std::string(name) + " must be");
  if (!impl_->is_plain())
    return fail(ErrorCode::kDecodeFailed,
                "the archive's " + std::string(name) + " is not a plain file");
  const auto size = static_cast<std::uint64_t>(::archive_entry_size(impl_->entry));
  impl_->entry = nullptr;
  return size;
}

Result<bool> ArchiveReader::skip_to(std::string_view name) {
  for (;;) {
    VISAVIS_TRY(there, impl_->peek());
    if (!there || impl_->name().starts_with(name)) return there;
    impl_->entry = nullptr;
  }
}

Result<bool> ArchiveReader::at_end() {
  VISAVIS_TRY(there, impl_->peek());
  return !there;
}

Result<std::size_t> ArchiveReader::read(std::span<std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const la_ssize_t n =
        ::archive_read_data(impl_->reader.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0) return damaged();
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<std::vector<std::byte>> ArchiveReader::read_all(std::uint64_t size) {
  std::vector<std::byte> bytes;
  std::array<std::byte, kBlock> part{};
  // What a size claims takes no memory before it is there.
  for (;;) {
    VISAVIS_TRY(n, read(part));
    bytes.insert(bytes.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(n));
    if (bytes.size() > size || (n < part.size() && bytes.size() != size))
      return fail(ErrorCode::kDecodeFailed,
                  "a member of the archive has another size than it says");
    if (n < part.size()) return bytes;
  }
}

struct ArchiveWriter::Impl {
  struct Free {
    void operator()(archive* one) const noexcept { ::archive_write_free(one); }
  };
  explicit Impl(FileWriter out) : file(std::move(out)) {}

  FileWriter file;
  Result<void> written{};  ///< The first error of the file.
  std::unique_ptr<archive, Free> writer{::archive_write_new()};

  static la_ssize_t write(archive* /*writer*/, void* self, const void* bytes, std::size_t size) {
    auto& impl = *static_cast<Impl*>(self);
    if (impl.written) impl.written = impl.file.append({static_cast<const std::byte*>(bytes), size});
    return impl.written ? static_cast<la_ssize_t>(size) : -1;
  }
  [[nodiscard]] Result<void> outcome(bool well) const {
    if (!written) return written;
    if (well) return {};
    return fail(ErrorCode::kInternal, "the archive was written wrongly");
  }
};

ArchiveWriter::ArchiveWriter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter::~ArchiveWriter() = default;

Result<ArchiveWriter> ArchiveWriter::create(const fs::path& path) {
  VISAVIS_TRY(file, FileWriter::create(path, Readers::kOwner));
  auto impl = std::make_unique<Impl>(std::move(file));
  archive* writer = impl->writer.get();
  if (writer == nullptr) return fail(ErrorCode::kResourceExhausted, "memory ran out");
  ::archive_write_set_format_pax_restricted(writer);
  if (::archive_write_open(writer, impl.get(), nullptr, &Impl::write, nullptr) != ARCHIVE_OK)
    return fail(ErrorCode::kUnavailable, "the archive cannot be written");
  return ArchiveWriter(std::move(impl));
}

Result<void> ArchiveWriter::begin(const std::string& name, std::uint64_t size, std::int64_t time) {
  struct Free {
    void operator()(archive_entry* one) const noexcept { ::archive_entry_free(one); }
  };
  const std::unique_ptr<archive_entry, Free> entry(::archive_entry_new());
  if (!entry) return fail(ErrorCode::kResourceExhausted, "memory ran out");
  ::archive_entry_set_pathname(entry.get(), name.c_str());
  ::archive_entry_set_filetype(entry.get(), AE_IFREG);
  ::archive_entry_set_perm(entry.get(), 0600);
  ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  ::archive_entry_set_mtime(entry.get(), time, 0);
  return impl_->outcome(::archive_write_header(impl_->writer.get(), entry.get()) == ARCHIVE_OK);
}

Result<void> ArchiveWriter::append(std::span<const std::byte> bytes) {
  if (bytes.empty()) return {};
  const la_ssize_t n = ::archive_write_data(impl_->writer.get(), bytes.data(), bytes.size());
  return impl_->outcome(n == static_cast<la_ssize_t>(bytes.size()));
}

Result<void> ArchiveWriter::commit() {
  VISAVIS_CHECK(impl_->outcome(::archive_write_close(impl_->writer.get()) == ARCHIVE_OK));
  return impl_->file.commit();
}

}  // namespace visavis::gallery
