#include "bundle.hpp"

#include <tensorflow.pb.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/checksum.hpp>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

using Bytes = std::span<const std::byte>;
using Entries = std::vector<std::pair<std::string, Bytes>>;

constexpr std::size_t kFooterSize = 48;
constexpr std::uint64_t kMagic = 0xdb4775248b80fb57;
constexpr std::size_t kTrailerSize = 5;  ///< Kind of compression, checksum.
constexpr std::size_t kMostKey = 1U << 16U;
constexpr std::size_t kMostEntries = 1'000'000;
constexpr std::string_view kObjectGraph = "_CHECKPOINTABLE_OBJECT_GRAPH";

std::unexpected<Error> damaged(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed,
              "the index of the variables is damaged, or none of TensorFlow's: " + what);
}

/// A stored CRC is rotated and shifted, so that the CRC of data with CRCs in it stays a good one.
std::uint32_t masked(std::uint32_t crc) { return std::rotr(crc, 15) + 0xa282ead8U; }

template <class T>
T number_at(Bytes bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// Reads from the front of bytes.
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  /// Seven bits a byte, the lowest first.
  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(rest_[0]);
      rest_ = rest_.subspan(1);
      value |= (byte & 0x7FU) << shift;
      if (byte < 0x80U) return value;
    }
    return std::nullopt;
  }

  std::optional<Bytes> take(std::uint64_t count) {
    if (count > rest_.size()) return std::nullopt;
    const Bytes taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes rest_;
};

struct Handle {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

std::optional<Handle> handle_of(Reader& reader) {
  const auto offset = reader.varint();
  const auto size = reader.varint();
  if (!offset || !size) return std::nullopt;
  return Handle{.offset = *offset, .size = *size};
}

Result<Bytes> block_at(Bytes file, const Handle& handle) {
  if (handle.offset > file.size() || handle.size > file.size() - handle.offset ||
      file.size() - handle.offset - handle.size < kTrailerSize)
    return damaged("a block lies outside of it");
  const Bytes with_kind = file.subspan(static_cast<std::size_t>(handle.offset),
                                       static_cast<std::size_t>(handle.size) + 1);
  const auto stored =
      number_at<std::uint32_t>(file, static_cast<std::size_t>(handle.offset + handle.size) + 1);
  if (masked(crc32c(with_kind)) != stored) return damaged("a block has another checksum");
  if (with_kind.back() != std::byte{0})
    return fail(ErrorCode::kUnsupported,
                "the index of the variables is compressed, which TensorFlow does not do");
  return with_kind.first(with_kind.size() - 1);
}

/// Keys share a beginning with the one before. At the end stand the places where they do not, and
/// how many there are.
Result<Entries> entries_of(Bytes block) {
  if (block.size() < 4) return damaged("a block is too small");
  const auto restarts = number_at<std::uint32_t>(block, block.size() - 4);
  if (restarts > (block.size() - 4) / 4) return damaged("a block is too small");
  Reader reader(block.first(block.size() - 4 - std::size_t{4} * restarts));
  Entries out;
  std::string key;
  while (!reader.empty()) {
    const auto shared = reader.varint();
    const auto unshared = reader.varint();
    const auto size = reader.varint();
    if (!shared || !unshared || !size || *shared > key.size() || *unshared > kMostKey)
      return damaged("a block ends early");
    const auto suffix = reader.take(*unshared);
    const auto value = reader.take(*size);
    if (!suffix || !value) return damaged("a block ends early");
    key.resize(static_cast<std::size_t>(*shared));
    key.append(reinterpret_cast<const char*>(suffix->data()), suffix->size());
    if (key.size() > kMostKey || out.size() >= kMostEntries)
      return damaged("it has more or longer names than any network");
    out.emplace_back(key, *value);
  }
  return out;
}

template <class Message>
std::optional<Message> parsed(Bytes bytes) {
  Message message;
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return std::nullopt;
  return message;
}

Result<Bundle::Entry> entry_of(Bytes bytes) {
  const auto message = parsed<tensorflow::BundleEntryProto>(bytes);
  if (!message || message->offset() < 0 || message->size() < 0)
    return damaged("an entry is not well-formed");
  Bundle::Entry out{.type = message->dtype(),
                    .shape = {},
                    .shard = message->shard_id(),
                    .offset = static_cast<std::uint64_t>(message->offset()),
                    .size = static_cast<std::uint64_t>(message->size()),
                    .checksum = message->crc32c(),
                    .in_pieces = message->slices_size() > 0};
  for (const auto& dim : message->shape().dim()) out.shape.push_back(dim.size());
  return out;
}

/// Numbers of one type as float32.
template <class T>
std::vector<float> as_floats(Bytes bytes, float (*convert)(T)) {
  std::vector<float> out(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = convert(number_at<T>(bytes, i * sizeof(T)));
  return out;
}

std::size_t size_of(TensorflowType type) {
  switch (type) {
    case TensorflowType::kHalf:
      return 2;
    case TensorflowType::kFloat:
      return 4;
    case TensorflowType::kDouble:
      return 8;
    default:
      return 0;
  }
}

}  // namespace

Result<std::vector<std::pair<std::string, std::span<const std::byte>>>> read_table(
    std::span<const std::byte> file) {
  if (file.size() < kFooterSize || number_at<std::uint64_t>(file, file.size() - 8) != kMagic)
    return damaged("it has no footer");
  Reader footer(file.last(kFooterSize));
  const auto meta = handle_of(footer);
  const auto index = handle_of(footer);
  if (!meta || !index) return damaged("it has no footer");
  VISAVIS_TRY(block, block_at(file, *index));
  VISAVIS_TRY(handles, entries_of(block));
  Entries out;
  for (const auto& [last_key, bytes] : handles) {
    Reader reader(bytes);
    const auto handle = handle_of(reader);
    if (!handle) return damaged("a block lies outside of it");
    VISAVIS_TRY(data, block_at(file, *handle));
    VISAVIS_TRY(entries, entries_of(data));
    if (out.size() + entries.size() > kMostEntries)
      return damaged("it has more names than any network");
    std::ranges::move(entries, std::back_inserter(out));
  }
  return out;
}

Result<Bundle> Bundle::read(std::span<const std::byte> index,
                            std::vector<std::span<const std::byte>> shards) {
  VISAVIS_TRY(table, read_table(index));
  Bundle bundle;
  bundle.shards_ = std::move(shards);
  bool has_header = false;
  for (const auto& [key, bytes] : table) {
    if (key.empty()) {
      const auto header = parsed<tensorflow::BundleHeaderProto>(bytes);
      if (!header) return damaged("its header is not well-formed");
      if (header->endianness() != 0)
        return fail(ErrorCode::kUnsupported, "the variables are stored big-endian");
      if (header->num_shards() != static_cast<std::int64_t>(bundle.shards_.size()))
        return fail(ErrorCode::kInvalidArgument,
                    "the variables lie in " + std::to_string(header->num_shards()) +
                        " files, of which " + std::to_string(bundle.shards_.size()) + " are there");
      has_header = true;
      continue;
    }
    VISAVIS_TRY(entry, entry_of(bytes));
    // What is kept in pieces has entries of their own, whose keys are no names.
    if (entry.in_pieces || key.front() != '\0') bundle.entries_.emplace(key, std::move(entry));
  }
  if (!has_header) return damaged("it has no header");
  VISAVIS_CHECK(bundle.read_object_graph());
  return bundle;
}

Result<std::span<const std::byte>> Bundle::bytes_of(const Entry& entry) const {
  if (entry.shard < 0 || static_cast<std::size_t>(entry.shard) >= shards_.size())
    return damaged("an entry lies in a file that is not there");
  const Bytes shard = shards_[static_cast<std::size_t>(entry.shard)];
  if (entry.offset > shard.size() || entry.size > shard.size() - entry.offset)
    return fail(ErrorCode::kDecodeFailed, "the file of the variables is too short");
  return shard.subspan(static_cast<std::size_t>(entry.offset),
                       static_cast<std::size_t>(entry.size));
}

/// A string tensor: the length, a checksum of the lengths, the characters. The entry's own checksum
/// takes each length as a fixed number.
Result<void> Bundle::read_object_graph() {
  const auto found = entries_.find(kObjectGraph);
  if (found == entries_.end()) return {};
  const Entry& entry = found->second;
  const auto wrong = [] {
    return fail(ErrorCode::kDecodeFailed, "the list of the variables' names is damaged");
  };
  if (entry.type != static_cast<std::int32_t>(TensorflowType::kString) || !entry.shape.empty())
    return wrong();
  VISAVIS_TRY(bytes, bytes_of(entry));
  Reader reader(bytes);
  const auto length = reader.varint();
  if (!length || *length > bytes.size()) return wrong();
  const auto stored = reader.take(4);
  const auto text = reader.take(*length);
  if (!stored || !text || !reader.empty()) return wrong();
  const auto fixed = static_cast<std::uint32_t>(*length);
  const std::uint32_t of_length = crc32c(std::as_bytes(std::span(&fixed, 1)));
  if (masked(of_length) != number_at<std::uint32_t>(*stored, 0)) return wrong();
  if (masked(crc32c(*text, crc32c(*stored, of_length))) != entry.checksum) return wrong();
  const auto graph = parsed<tensorflow::TrackableObjectGraph>(*text);
  if (!graph) return wrong();
  for (const auto& node : graph->nodes())
    for (const auto& each : node.attributes())
      if (!each.full_name().empty()) keys_.emplace(each.full_name(), each.checkpoint_key());
  return {};
}

const std::string* Bundle::key_of(std::string_view variable) const {
  if (const auto entry = entries_.find(variable); entry != entries_.end()) return &entry->first;
  const auto key = keys_.find(variable);
  if (key == keys_.end()) return nullptr;
  const auto entry = entries_.find(key->second);
  return entry == entries_.end() ? nullptr : &entry->first;
}

Result<Constant> Bundle::floats(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end())
    return fail(ErrorCode::kNotFound, "there is no variable of that name");
  const Entry& entry = found->second;
  if (entry.in_pieces) return fail(ErrorCode::kUnsupported, "a variable is kept in several pieces");
  const auto type = static_cast<TensorflowType>(entry.type);
  if (size_of(type) == 0)
    return fail(ErrorCode::kUnsupported,
                "a variable is neither of float32 nor float16 nor float64");
  const auto count = graph::element_count(entry.shape);
  if (!count) return damaged(count.error().message);
  if (entry.size != *count * size_of(type))
    return damaged("a variable is not as large as its shape");
  VISAVIS_TRY(bytes, bytes_of(entry));
  if (masked(crc32c(bytes)) != entry.checksum)
    return fail(ErrorCode::kDecodeFailed, "a variable's numbers have another checksum");
  Constant out{.name = std::string(key), .shape = entry.shape, .values = {}};
  switch (type) {
    case TensorflowType::kHalf:
      out.values =
          as_floats<std::uint16_t>(bytes, [](std::uint16_t bits) { return from_half(bits); });
      break;
    case TensorflowType::kDouble:
      out.values = as_floats<double>(bytes, [](double value) { return static_cast<float>(value); });
      break;
    default:
      out.values = as_floats<float>(bytes, [](float value) { return value; });
  }
  return out;
}

}  // namespace visavis::modelkit
