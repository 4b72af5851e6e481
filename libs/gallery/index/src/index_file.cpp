#include "index_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>

#include "checksum.hpp"
#include "dot.hpp"
#include "encrypted_pages.hpp"

namespace visavis::index {
namespace {

constexpr std::array<char, 8> kMagic = {'V', 'S', 'V', 'I', 'N', 'D', 'E', 'X'};
constexpr std::uint32_t kVersion = 5;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t dimension;
  std::uint64_t capacity;  ///< Rows per segment.
  std::uint64_t segments;
  std::uint64_t bytes;  ///< Of the whole file.
  std::uint64_t count;
  std::uint64_t generation;
  std::uint64_t model;
  std::uint32_t prefix;         ///< Coded coordinates per row, 0 without codes.
  std::uint32_t directions;     ///< Rows of the basis: prefix or 0.
  std::uint64_t sample;         ///< What the plan was learned from.
  std::uint64_t plan_checksum;  ///< Of steps and basis, which are behind the header's page.
  std::uint32_t kind;
  std::uint32_t unused;
  std::uint64_t graph_bytes;  ///< Behind the last segment; 0 without.
  std::uint64_t graph_checksum;
  /// Of the segments' checksums: not all segments of one state are those of another.
  std::uint64_t segments_checksum;
  std::uint64_t checksum;  ///< Of everything before.
};

std::uint64_t checksum_of(const Header& header) noexcept {
  return checksum(std::as_bytes(std::span(&header, 1)).first(offsetof(Header, checksum)), kVersion);
}

std::unexpected<Error> system_failure(const std::string& what) {
  return fail(ErrorCode::kUnavailable, what + ": " + std::generic_category().message(errno));
}

IndexKind kind_of(const Header& header) noexcept { return static_cast<IndexKind>(header.kind); }

Layout layout_of(const Header& header) noexcept {
  return Layout::of(header.dimension, header.prefix, code_form(kind_of(header)));
}

std::uint64_t checksum_of(std::span<const Segment> segments) noexcept {
  std::uint64_t sum = 0;
  for (const Segment& segment : segments) {
    const std::uint64_t seal = segment.seal_value();
    sum = checksum(std::as_bytes(std::span(&seal, 1)), sum);
  }
  return sum;
}

// Of steps, basis and zeros up to the end of a page.
std::size_t plan_bytes(const Header& header) noexcept {
  const std::size_t numbers = header.prefix + header.directions * padded(header.dimension);
  return round_up(numbers * sizeof(float), kPage);
}

std::size_t first_segment_at(const Header& header) noexcept { return kPage + plan_bytes(header); }

bool is_sound(const Header& header) noexcept {
  if (header.dimension == 0 || header.dimension > 65536) return false;
  if (header.kind > static_cast<std::uint32_t>(IndexKind::kHnsw)) return false;
  const std::size_t stride = padded(header.dimension);
  const bool rotated = header.directions != 0;
  if (header.prefix > stride || header.prefix > kMaxCoded || header.prefix % kPadding != 0 ||
      (rotated && header.directions != header.prefix) ||
      (!rotated && header.prefix != 0 && header.prefix != stride)) {
    return false;
  }
  return header.capacity == layout_of(header).capacity;
}

/// A file that holds the pages of an index.
struct Source {
  Descriptor file;
  std::optional<EncryptedPages> encrypted{};  ///< Has the file, if it is.
};

struct FirstBytes {
  Header header{};
  std::uint64_t file_bytes = 0;  ///< What the header should say.
};

Result<FirstBytes> read_first(EncryptedPages& pages) {
  FirstBytes first{.file_bytes = pages.count() * kPage};
  std::array<std::byte, kPage> page{};
  if (pages.count() > 0) VISAVIS_CHECK(pages.read(0, page));
  std::memcpy(&first.header, page.data(), sizeof(first.header));
  return first;
}

Result<FirstBytes> read_first(int descriptor) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) return system_failure("the index file");
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kDecodeFailed, "the index is not a file");
  FirstBytes first{.file_bytes = static_cast<std::uint64_t>(status.st_size)};
  const auto got = ::pread(descriptor, &first.header, sizeof(first.header), 0);
  if (got < 0) return system_failure("reading the index");
  if (got != sizeof(first.header)) return fail(ErrorCode::kDecodeFailed, "not an index file");
  return first;
}

Result<Header> read_header(Source& source) {
  VISAVIS_TRY(first,
              source.encrypted ? read_first(*source.encrypted) : read_first(source.file.get()));
  const Header& header = first.header;
  if (header.magic != kMagic) return fail(ErrorCode::kDecodeFailed, "not an index file");
  if (header.version != kVersion) {
    return fail(ErrorCode::kDecodeFailed, "an index file of another version");
  }
  if (header.checksum != checksum_of(header) || !is_sound(header)) {
    return fail(ErrorCode::kDecodeFailed, "the header of the index file is damaged");
  }
  if (header.bytes != first.file_bytes) {
    return fail(ErrorCode::kDecodeFailed, "the index file is cut short or has grown");
  }
  return header;
}

Stamp stamp_of(const Header& header) noexcept {
  return {.count = header.count, .generation = header.generation, .model = ModelId{header.model}};
}

// A segment that is not the last is full, so each but the last has the same size.
bool sizes_agree(const Header& header, const Layout& layout) noexcept {
  const std::uint64_t first = first_segment_at(header);
  if (header.graph_bytes % kPage != 0 || header.bytes < first ||
      header.graph_bytes > header.bytes - first) {
    return false;
  }
  const std::uint64_t behind = header.bytes - first - header.graph_bytes;
  const std::uint64_t whole = layout.bytes();
  return header.segments <= behind / layout.bytes(0) && behind <= header.segments * whole &&
         behind + whole > header.segments * whole;
}

Result<Source> opened(const std::filesystem::path& path, const FileKey& key) {
  Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.get() < 0) {
    if (errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no index file");
    return system_failure("opening the index file");
  }
  if (!key) return Source{.file = std::move(descriptor)};
  VISAVIS_TRY(encrypted, EncryptedPages::open(std::move(descriptor), key));
  return Source{.file = Descriptor(), .encrypted = std::move(encrypted)};
}

Result<void> write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto done = ::write(descriptor, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return system_failure("writing the index");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
  }
  return {};
}

/// What a write begins and ends at a multiple of, the system can keep and map as one large page.
/// A search reads most of the file, and with small pages waits for their addresses.
constexpr std::size_t kHugePage = std::size_t{2} << 20;

/// Takes pages one after the other, and the first of them once more at the end.
class Output {
 public:
  static Result<Output> make(Descriptor file, const FileKey& key) {
    Output output;
    if (!key) {
      output.file_ = std::move(file);
      return output;
    }
    VISAVIS_TRY(encrypted, EncryptedPages::create(std::move(file), key));
    output.encrypted_ = std::move(encrypted);
    return output;
  }

  Result<void> append(std::span<const std::byte> pages) {
    if (!encrypted_) return gather(pages);
    VISAVIS_CHECK(encrypted_->write(pages_, pages));
    pages_ += pages.size() / kPage;
    return {};
  }

  Result<void> finish(std::span<const std::byte, kPage> first) {
    if (encrypted_) {
      VISAVIS_CHECK(encrypted_->write(0, first));
      return encrypted_->sync();
    }
    VISAVIS_CHECK(write_all(file_.get(), gathered_));
    if (::pwrite(file_.get(), first.data(), first.size(), 0) != kPage) {
      return system_failure("writing the index");
    }
    if (::fsync(file_.get()) != 0) return system_failure("syncing the index");
    return {};
  }

 private:
  Result<void> gather(std::span<const std::byte> pages) {
    while (!pages.empty()) {
      const auto next = pages.first(std::min(pages.size(), kHugePage - gathered_.size()));
      gathered_.insert(gathered_.end(), next.begin(), next.end());
      pages = pages.subspan(next.size());
      if (gathered_.size() < kHugePage) continue;
      VISAVIS_CHECK(write_all(file_.get(), gathered_));
      gathered_.clear();
    }
    return {};
  }

  Descriptor file_;
  std::vector<std::byte> gathered_;
  std::optional<EncryptedPages> encrypted_;
  std::size_t pages_ = 0;
};

/// Packs live rows into whole segments and writes each when it is full.
class Packer {
 public:
  /// @param keeps_numbers Removed rows keep their places.
  Packer(Output& output, const Layout& layout, bool keeps_numbers)
      : output_(&output), layout_(layout), keeps_numbers_(keeps_numbers) {}

  Result<void> add(const Segment& from) {
    for (std::size_t row = 0; row < from.used(); ++row) {
      if (!from.is_live(row) && !keeps_numbers_) continue;
      VISAVIS_CHECK(append(from, row));
    }
    if (!from.is_damaged()) return {};
    return fail(ErrorCode::kDecodeFailed, "the encrypted index file is damaged");
  }
  Result<void> flush() {
    if (!memory_) return {};
    Segment segment(memory_, 0, layout_);
    segment.seal();
    bytes_ += segment.bytes().size();
    ++segments_;
    const std::uint64_t seal = segment.seal_value();
    checksum_ = checksum(std::as_bytes(std::span(&seal, 1)), checksum_);
    VISAVIS_CHECK(output_->append(segment.bytes()));
    memory_.reset();
    return {};
  }
  [[nodiscard]] std::uint64_t segments() const noexcept { return segments_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t checksum_of_all() const noexcept { return checksum_; }

 private:
  Result<void> append(const Segment& from, std::size_t row) {
    if (!memory_) {
      VISAVIS_TRY(fresh, Mapping::anonymous(layout_.bytes()));
      memory_ = std::move(fresh);
    }
    Segment to(memory_, 0, layout_);
    const std::span values(from.row(row), layout_.stride);
    if (!from.is_live(row)) {
      to.append_nothing();
    } else if (layout_.prefix == 0) {
      to.append(from.key(row), from.group(row), values, nullptr);
    } else {
      const Code code = from.code(row);
      to.append(from.key(row), from.group(row), values, &code);
    }
    return to.room() == 0 ? flush() : Result<void>{};
  }

  Output* output_;
  Layout layout_;
  bool keeps_numbers_;
  std::shared_ptr<Mapping> memory_;
  std::uint64_t segments_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t checksum_ = 0;
};

Result<std::uint64_t> write_plan(Output& output, const Header& header, const Plan* plan) {
  if (plan == nullptr) return std::uint64_t{0};
  std::vector<float> numbers = plan->steps;
  numbers.insert(numbers.end(), plan->basis.begin(), plan->basis.end());
  numbers.resize(plan_bytes(header) / sizeof(float));
  const auto bytes = std::as_bytes(std::span(numbers));
  VISAVIS_CHECK(output.append(bytes));
  return checksum(bytes, kVersion);
}

Result<void> write_graph(Output& output, Header& header, const Graph* graph) {
  if (graph == nullptr) return {};
  auto bytes = graph->bytes();
  bytes.resize(round_up(bytes.size(), kPage));
  header.graph_bytes = bytes.size();
  header.graph_checksum = checksum(bytes, kVersion);
  return output.append(bytes);
}

void put_stamp(Header& header, const Stamp& stamp) noexcept {
  header.count = stamp.count;
  header.generation = stamp.generation;
  header.model = static_cast<std::uint64_t>(stamp.model);
}

Result<void> write_content(Output& output, const IndexContent& content, const Stamp& stamp) {
  const Plan* plan = content.plan;
  Header header{};
  header.magic = kMagic;
  header.version = kVersion;
  header.dimension = static_cast<std::uint32_t>(content.dimension);
  header.kind = static_cast<std::uint32_t>(content.kind);
  if (plan != nullptr) {
    header.prefix = static_cast<std::uint32_t>(plan->prefix());
    header.directions = plan->basis.empty() ? 0 : header.prefix;
    header.sample = plan->sample;
  }
  const Layout layout = layout_of(header);
  std::array<std::byte, kPage> first{};
  VISAVIS_CHECK(output.append(first));
  VISAVIS_TRY(plan_checksum, write_plan(output, header, plan));
  Packer packer(output, layout, content.graph != nullptr);
  for (const Segment& segment : content.segments) VISAVIS_CHECK(packer.add(segment));
  VISAVIS_CHECK(packer.flush());
  VISAVIS_CHECK(write_graph(output, header, content.graph));
  header.capacity = layout.capacity;
  header.segments = packer.segments();
  header.segments_checksum = packer.checksum_of_all();
  header.bytes = first_segment_at(header) + packer.bytes() + header.graph_bytes;
  put_stamp(header, stamp);
  header.plan_checksum = plan_checksum;
  header.checksum = checksum_of(header);
  std::memcpy(first.data(), &header, sizeof(header));
  return output.finish(first);
}

Result<void> write_file(Descriptor file, const IndexContent& content, const Stamp& stamp,
                        const FileKey& key) {
  VISAVIS_TRY(output, Output::make(std::move(file), key));
  return write_content(output, content, stamp);
}

Result<void> replace(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_failure("renaming the index");
  const auto folder = to.has_parent_path() ? to.parent_path() : std::filesystem::path(".");
  const Descriptor opened_folder(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened_folder.get() < 0 || ::fsync(opened_folder.get()) != 0) {
    return system_failure("syncing the folder of the index");
  }
  return {};
}

Result<std::shared_ptr<const Plan>> read_plan(const Header& header, const Mapping& memory) {
  if (header.prefix == 0) return nullptr;
  memory.need(kPage, plan_bytes(header));
  const auto bytes = memory.bytes().subspan(kPage, plan_bytes(header));
  if (checksum(bytes, kVersion) != header.plan_checksum) {
    return fail(ErrorCode::kDecodeFailed, "the basis in the index file is damaged");
  }
  Plan plan{.form = code_form(kind_of(header)), .basis = {}, .steps = {}, .sample = header.sample};
  const auto* numbers = reinterpret_cast<const float*>(bytes.data());
  const auto* basis = numbers + header.prefix;
  plan.steps.assign(numbers, basis);
  plan.basis.assign(basis, basis + header.directions * padded(header.dimension));
  return std::make_shared<const Plan>(std::move(plan));
}

Result<std::unique_ptr<Graph>> read_graph(const Header& header, const Mapping& memory,
                                          std::span<const Segment> segments) {
  if (header.graph_bytes == 0) return nullptr;
  memory.need(header.bytes - header.graph_bytes, header.graph_bytes);
  const auto bytes = memory.bytes().subspan(header.bytes - header.graph_bytes);
  if (checksum(bytes, kVersion) != header.graph_checksum) {
    return fail(ErrorCode::kDecodeFailed, "the graph in the index file is damaged");
  }
  VISAVIS_TRY(graph, Graph::read(bytes));
  std::size_t rows = 0;
  for (const Segment& segment : segments) rows += segment.used();
  if (graph->size() != rows || header.prefix == 0) {
    return fail(ErrorCode::kDecodeFailed, "the graph in the index file is of other rows");
  }
  return graph;
}

}  // namespace

Result<IndexFile> map_index_file(const std::filesystem::path& path, const FileKey& key) {
  VISAVIS_TRY(source, opened(path, key));
  VISAVIS_TRY(header, read_header(source));
  const Layout layout = layout_of(header);
  if (!sizes_agree(header, layout)) {
    return fail(ErrorCode::kDecodeFailed, "the sizes in the index file do not agree");
  }
  VISAVIS_TRY(memory, source.encrypted ? Mapping::of_encrypted(*std::move(source.encrypted))
                                       : Mapping::of_file(source.file.get(), header.bytes));
  memory->need(0, kPage);
  VISAVIS_TRY(plan, read_plan(header, *memory));
  IndexFile file{.memory = memory,
                 .kind = kind_of(header),
                 .dimension = header.dimension,
                 .stamp = stamp_of(header),
                 .plan = std::move(plan),
                 .segments = {},
                 .graph = {}};
  const std::size_t first = first_segment_at(header);
  std::size_t end = first;
  for (std::uint64_t i = 0; i < header.segments; ++i) {
    const std::size_t begin = first + i * layout.bytes();
    file.segments.emplace_back(memory, begin, layout);
    if (!file.segments.back().intact()) {
      return fail(ErrorCode::kDecodeFailed, "a segment of the index file is damaged");
    }
    end = begin + layout.bytes(file.segments.back().used());
  }
  if (end + header.graph_bytes != header.bytes) {
    return fail(ErrorCode::kDecodeFailed, "the sizes in the index file do not agree");
  }
  if (checksum_of(file.segments) != header.segments_checksum) {
    return fail(ErrorCode::kDecodeFailed, "a change of the index file was not finished");
  }
  VISAVIS_TRY(graph, read_graph(header, *memory, file.segments));
  file.graph = std::move(graph);
  return file;
}

Result<IndexFile> write_index_file(const std::filesystem::path& path, const IndexContent& content,
                                   const Stamp& stamp, const FileKey& key) {
  std::filesystem::path beside = path;
  beside += ".part";
  // Embeddings are biometric data: nobody but the owner reads them.
  Descriptor descriptor(
      ::open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (descriptor.get() < 0) return system_failure("creating the index file");
  auto written = write_file(std::move(descriptor), content, stamp, key);
  if (written) written = replace(beside, path);
  if (!written) {
    ::unlink(beside.c_str());
    return std::unexpected(std::move(written).error());
  }
  return map_index_file(path, key);
}

void seal_index_file(Mapping& memory, std::span<const Segment> segments, const Stamp& stamp) {
  Header header{};
  std::memcpy(&header, memory.bytes().data(), sizeof(header));
  put_stamp(header, stamp);
  header.segments_checksum = checksum_of(segments);
  header.checksum = checksum_of(header);
  std::memcpy(memory.bytes().data(), &header, sizeof(header));
  memory.touch(0, sizeof(header));
}

Result<Stamp> read_stamp(const std::filesystem::path& path, const FileKey& key) {
  VISAVIS_TRY(source, opened(path, key));
  VISAVIS_TRY(header, read_header(source));
  return stamp_of(header);
}

}  // namespace visavis::index
