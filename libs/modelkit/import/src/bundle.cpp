#include "bundle.hpp"

#include <tensorflow.pb.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/checksum.hpp>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "proto_parts.hpp"

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
constexpr std::size_t kMostShared = 16;  ///< LevelDB writes each 16th key of a block in full.
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
  std::size_t keys = 0;
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
    keys += key.size();
    if (key.size() > kMostKey || out.size() >= kMostEntries || keys > kMostShared * block.size())
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

/// A number so that keys sort as numbers do (TensorFlow's ordered_code.h): as many bytes as it
/// takes, the highest first, each for seven bits of the two's complement; the topmost bits say how
/// many bytes, as ones and a zero behind them, all of them turned if the number is negative.
void add_ordered(std::string& key, std::int64_t number) {
  const auto magnitude = static_cast<std::uint64_t>(number < 0 ? ~number : number);
  std::size_t count = 1;
  while (count < 10 && static_cast<std::size_t>(std::bit_width(magnitude)) > 7 * count - 1) ++count;
  std::array<std::uint8_t, 10> bytes{};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t shift = 8 * (count - 1 - i);
    const std::int64_t part = shift < 64 ? number >> shift : (number < 0 ? -1 : 0);
    bytes[i] = static_cast<std::uint8_t>(part & 0xFF);
  }
  for (std::size_t bit = 0; bit < count; ++bit)
    bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  for (std::size_t i = 0; i < count; ++i) key.push_back(static_cast<char>(bytes[i]));
}

/// The key of a piece (tensorflow/core/util/saved_tensor_slice_util.cc): 0, the name, the number of
/// axes, and of each axis where the piece begins and how long it is; -1: all of it.
std::string key_of_piece(std::string_view name, const tensorflow::TensorSliceProto& slice) {
  std::string key(1, '\0');
  for (const char c : name) {
    key.push_back(c);
    if (c == '\0') key.push_back('\xff');
    if (c == '\xff') key.push_back('\0');
  }
  key.append("\0\1", 2);
  const auto axes = static_cast<std::size_t>(slice.extent_size());
  if (axes > 0)
    key.append({'\1', static_cast<char>(axes)});
  else
    key.push_back('\0');
  for (const auto& extent : slice.extent()) {
    add_ordered(key, extent.start());
    add_ordered(key, extent.has_length() ? extent.length() : -1);
  }
  return key;
}

/// Where the pieces of an entry lie.
Result<std::vector<Bundle::Piece>> pieces_of(std::string_view name, const Shape& shape,
                                             const tensorflow::BundleEntryProto& message) {
  std::vector<Bundle::Piece> out;
  for (const tensorflow::TensorSliceProto& slice : message.slices()) {
    const auto axes = static_cast<std::size_t>(slice.extent_size());
    if (axes != shape.size() || axes > graph::kMaxRank)
      return damaged("a piece has another number of dimensions than its variable");
    Bundle::Piece piece{.key = key_of_piece(name, slice), .start = {}, .size = {}};
    for (std::size_t i = 0; i < axes; ++i) {
      const auto& extent = slice.extent(static_cast<int>(i));
      const std::int64_t length = extent.has_length() ? extent.length() : shape[i];
      if (extent.start() < 0 || length < 0 || extent.start() > shape[i] ||
          length > shape[i] - extent.start())
        return damaged("a piece lies outside of its variable");
      piece.start.push_back(extent.start());
      piece.size.push_back(length);
    }
    out.push_back(std::move(piece));
  }
  std::ranges::sort(out, {}, &Bundle::Piece::start);
  return out;
}

Result<Bundle::Entry> entry_of(std::string_view name, Bytes bytes) {
  const auto message = parsed<tensorflow::BundleEntryProto>(bytes);
  if (!message || message->offset() < 0 || message->size() < 0)
    return damaged("an entry is not well-formed");
  Bundle::Entry out{.type = message->dtype(),
                    .shape = {},
                    .shard = message->shard_id(),
                    .offset = static_cast<std::uint64_t>(message->offset()),
                    .size = static_cast<std::uint64_t>(message->size()),
                    .checksum = message->crc32c(),
                    .pieces = {}};
  for (const auto& dim : message->shape().dim()) out.shape.push_back(dim.size());
  VISAVIS_TRY(pieces, pieces_of(name, out.shape, *message));
  out.pieces = std::move(pieces);
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
  std::size_t read = 0;
  for (const auto& [last_key, bytes] : handles) {
    Reader reader(bytes);
    const auto handle = handle_of(reader);
    if (!handle) return damaged("a block lies outside of it");
    VISAVIS_TRY(data, block_at(file, *handle));
    read += data.size();
    if (read > file.size()) return damaged("its blocks lie over each other");
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
    VISAVIS_TRY(entry, entry_of(key, bytes));
    auto& list = key.front() == '\0' ? bundle.pieces_ : bundle.entries_;
    list.emplace(key, std::move(entry));
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
  VISAVIS_CHECK(check_parts(*text, kObjectGraphForm));
  const auto graph = parsed<tensorflow::TrackableObjectGraph>(*text);
  if (!graph) return wrong();
  std::size_t object = 0;
  for (const auto& node : graph->nodes()) {
    for (const auto& each : node.attributes()) {
      if (each.full_name().empty()) continue;
      const auto [known, added] = keys_.emplace(each.full_name(), each.checkpoint_key());
      if (!added && !same_numbers(known->second, each.checkpoint_key()))
        unclear_.insert(each.full_name());
      objects_.emplace(std::pair(object, each.full_name()), each.checkpoint_key());
    }
    ++object;
  }
  return {};
}

/// As their checksums tell; Keras 3 keeps every variable twice.
bool Bundle::same_numbers(std::string_view key, std::string_view other) const {
  const auto one = entries_.find(key);
  const auto two = entries_.find(other);
  return one != entries_.end() && two != entries_.end() && one->second.shape == two->second.shape &&
         one->second.size == two->second.size && one->second.checksum == two->second.checksum;
}

void Bundle::bind(std::string variable, std::size_t object, std::string_view full_name) {
  const auto found = objects_.find(std::pair(object, std::string(full_name)));
  if (found != objects_.end()) bound_.insert_or_assign(std::move(variable), found->second);
}

const std::string* Bundle::key_of(std::string_view variable) const {
  if (const auto bound = bound_.find(variable); bound != bound_.end()) {
    const auto entry = entries_.find(bound->second);
    return entry == entries_.end() ? nullptr : &entry->first;
  }
  if (const auto entry = entries_.find(variable); entry != entries_.end()) return &entry->first;
  const auto key = keys_.find(variable);
  if (key == keys_.end()) return key_of_part(variable);
  if (unclear_.contains(variable)) return nullptr;
  const auto entry = entries_.find(key->second);
  return entry == entries_.end() ? nullptr : &entry->first;
}

/// What a graph calls the parts of a variable that it made in several
/// (tensorflow/python/ops/partitioned_variables.py); they are cut along one axis.
const std::string* Bundle::key_of_part(std::string_view variable) const {
  constexpr std::string_view kPart = "/part_";
  const std::size_t at = variable.rfind(kPart);
  if (at == std::string_view::npos) return nullptr;
  const std::string_view digits = variable.substr(at + kPart.size());
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  const auto whole = entries_.find(variable.substr(0, at));
  if (error != std::errc() || end != digits.data() + digits.size() || whole == entries_.end() ||
      index >= whole->second.pieces.size())
    return nullptr;
  const auto piece = pieces_.find(whole->second.pieces[index].key);
  return piece == pieces_.end() ? nullptr : &piece->first;
}

Result<Constant> Bundle::floats(std::string_view key) const {
  for (const auto* list : {&entries_, &pieces_})
    if (const auto found = list->find(key); found != list->end())
      return found->second.pieces.empty() ? floats(key, found->second)
                                          : assembled(key, found->second);
  return fail(ErrorCode::kNotFound, "there is no variable of that name");
}

/// Every number has to come from exactly one of the pieces; nothing is made room for before that
/// many are known to be there.
Result<Constant> Bundle::assembled(std::string_view key, const Entry& entry) const {
  const auto count = graph::element_count(entry.shape);
  if (!count) return damaged(count.error().message);
  std::size_t left = *count;
  for (const Piece& piece : entry.pieces) {
    const auto part = graph::element_count(piece.size);
    if (!part || *part > left) return damaged("the pieces of a variable overlap");
    const auto found = pieces_.find(piece.key);
    if (found == pieces_.end()) return damaged("a piece of a variable is missing");
    VISAVIS_TRY(bytes, bytes_of(found->second));
    if (found->second.shape != piece.size || bytes.size() < *part)
      return damaged("a piece of a variable is not as large as it should be");
    left -= *part;
  }
  if (left != 0) return damaged("a piece of a variable is missing");
  Constant out{
      .name = std::string(key), .shape = entry.shape, .values = std::vector<float>(*count)};
  std::vector<bool> filled(*count, false);
  for (const Piece& piece : entry.pieces) {
    VISAVIS_TRY(part, floats(piece.key, pieces_.find(piece.key)->second));
    std::vector<std::int64_t> index(piece.size.size(), 0);
    for (const float value : part.values) {
      std::size_t at = 0;
      for (std::size_t i = 0; i < index.size(); ++i)
        at = at * static_cast<std::size_t>(entry.shape[i]) +
             static_cast<std::size_t>(piece.start[i] + index[i]);
      if (filled[at]) return damaged("the pieces of a variable overlap");
      filled[at] = true;
      out.values[at] = value;
      for (std::size_t axis = index.size(); axis-- > 0;) {
        if (++index[axis] < piece.size[axis]) break;
        index[axis] = 0;
      }
    }
  }
  return out;
}

Result<Constant> Bundle::floats(std::string_view key, const Entry& entry) const {
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
