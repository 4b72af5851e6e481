#include "heif_guard.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "av1_size.hpp"
#include "bit_reader.hpp"

namespace visavis::image {
namespace {

using namespace std::string_view_literals;
using ItemId = std::uint64_t;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
std::uint64_t add(std::uint64_t a, std::uint64_t b) { return std::min(a + b, kMost * kMost); }

struct Box {
  std::string_view type;
  Bytes content;
};

std::string_view letters(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::optional<Box> next_box(Reader& reader) {
  if (reader.rest().size() < 8) return std::nullopt;
  std::uint64_t size = reader.number(4);
  const std::string_view type = letters(reader.take(4));
  std::uint64_t header = 8;
  if (size == 1) {
    size = reader.number(8);
    header = 16;
  }
  if (size == 0) return Box{.type = type, .content = reader.take(kMost)};
  if (size < header) return std::nullopt;
  return Box{.type = type, .content = reader.take(size - header)};
}

/// Without the 03 that keeps start codes out of a NAL unit.
std::vector<std::byte> unescape(Bytes nal) {
  std::vector<std::byte> result;
  int zeros = 0;
  for (const std::byte b : nal) {
    if (zeros >= 2 && b == std::byte{3}) {
      zeros = 0;
      continue;
    }
    zeros = b == std::byte{0} ? zeros + 1 : 0;
    result.push_back(b);
  }
  return result;
}

/// H.265, 7.3.2.2.1 and 7.3.3. @return the pixels of a picture; 0 if the unit is none of that kind.
std::uint64_t hevc_pixels(Bytes nal) {
  constexpr unsigned kSequenceParameterSet = 33;
  if (nal.size() < 3 || (std::to_integer<unsigned>(nal[0]) >> 1 & 63U) != kSequenceParameterSet)
    return 0;
  constexpr std::size_t kUsefulBytes = 512;
  Bits bits(unescape(nal.subspan(2, std::min(nal.size() - 2, kUsefulBytes))));
  bits.skip(4);
  const auto sub_layers = static_cast<int>(bits.take(3));
  constexpr std::size_t kProfile = 88, kLevel = 8;
  bits.skip(1 + kProfile + kLevel);
  std::size_t sub_layer_bits = 0;
  for (int i = 0; i < sub_layers; ++i) {
    if (bits.take(1) == 1) sub_layer_bits += kProfile;
    if (bits.take(1) == 1) sub_layer_bits += kLevel;
  }
  if (sub_layers > 0) bits.skip(2 * static_cast<std::size_t>(8 - sub_layers));
  bits.skip(sub_layer_bits);
  bits.golomb();
  constexpr std::uint64_t k444 = 3;
  if (bits.golomb() == k444) bits.skip(1);
  const std::uint64_t width = std::min(bits.golomb(), kMost);
  return width * std::min(bits.golomb(), kMost);
}

/// The largest picture that the units of a stream announce.
std::uint64_t hevc_stream_pixels(Bytes stream) {
  std::uint64_t most = 0;
  for (Reader reader(stream); !reader.done();)
    most = std::max(most, hevc_pixels(reader.take(reader.number(4))));
  return most;
}

/// The same of an hvcC property (ISO/IEC 14496-15, 8.3.3.1).
std::uint64_t hevc_config_pixels(Bytes content) {
  Reader config(content);
  config.take(22);
  std::uint64_t most = 0;
  const std::uint64_t arrays = config.number(1);
  for (std::uint64_t i = 0; i < arrays && !config.done(); ++i) {
    config.take(1);
    const std::uint64_t units = config.number(2);
    for (std::uint64_t k = 0; k < units && !config.done(); ++k)
      most = std::max(most, hevc_pixels(config.take(config.number(2))));
  }
  return most;
}

struct Item {
  std::string_view type;
  std::uint64_t pixels = 0;
  Bytes av1_config;           ///< What libheif puts before the item's stream.
  std::vector<ItemId> needs;  ///< Tiles, bases, alpha.
};

class Guard {
 public:
  explicit Guard(Bytes file) : file_(file) {
    for (Reader reader(file); const auto box = next_box(reader);)
      if (box->type == "meta"sv) read_meta(box->content);
  }

  [[nodiscard]] HeifCost cost() {
    HeifCost result;
    result.pixels = cost_of(primary_, 0, result.endless);
    result.endless = result.endless || copied_ / 4 > file_.size();
    return result;
  }

 private:
  void read_meta(Bytes content) {
    std::vector<Box> boxes;
    Reader reader(content);
    reader.take(4);  // version and flags
    while (const auto box = next_box(reader)) boxes.push_back(*box);
    const auto visit = [&](std::string_view type, auto&& read) {
      for (const Box& box : boxes)
        if (box.type == type) read(box.content);
    };
    visit("idat"sv, [&](Bytes b) { inside_ = b; });
    visit("pitm"sv, [&](Bytes b) { read_primary(b); });
    visit("iinf"sv, [&](Bytes b) { read_types(b); });
    visit("iprp"sv, [&](Bytes b) { read_properties(b); });
    visit("iloc"sv, [&](Bytes b) { read_locations(b); });
    visit("iref"sv, [&](Bytes b) { read_references(b); });
  }

  /// The version of a full box, whose flags are skipped.
  static std::uint64_t version(Reader& reader) {
    const std::uint64_t version = reader.number(1);
    reader.take(3);
    return version;
  }

  void read_primary(Bytes content) {
    Reader reader(content);
    primary_ = reader.number(version(reader) == 0 ? 2 : 4);
  }

  void read_types(Bytes content) {
    Reader reader(content);
    reader.take(version(reader) == 0 ? 2 : 4);
    while (const auto box = next_box(reader)) {
      if (box->type != "infe"sv) continue;
      Reader entry(box->content);
      const std::uint64_t v = version(entry);
      const ItemId id = entry.number(v >= 3 ? 4 : 2);
      entry.take(2);
      items_[id].type = letters(entry.take(4));
    }
  }

  /// Parameter sets outside of the streams: a list, then which item has which of it.
  void read_properties(Bytes content) {
    std::vector<Box> listed;
    for (Reader reader(content); const auto box = next_box(reader);) {
      if (box->type == "ipco"sv)
        for (Reader properties(box->content); const auto property = next_box(properties);)
          listed.push_back(*property);
      if (box->type == "ipma"sv) read_associations(box->content, listed);
    }
  }

  void read_associations(Bytes content, const std::vector<Box>& listed) {
    Reader reader(content);
    const std::size_t id_size = reader.number(1) == 0 ? 2 : 4;
    const bool wide = (reader.number(3) & 1) != 0;
    const std::uint64_t entries = reader.number(4);
    for (std::uint64_t i = 0; i < entries && !reader.done(); ++i) {
      Item& item = items_[reader.number(id_size)];
      const std::uint64_t count = reader.number(1);
      for (std::uint64_t k = 0; k < count && !reader.done(); ++k) {
        const std::uint64_t index = wide ? reader.number(2) & 0x7FFF : reader.number(1) & 0x7F;
        if (index < 1 || index > listed.size()) continue;
        const Box& property = listed[index - 1];
        if (property.type == "hvcC"sv)
          item.pixels = std::max(item.pixels, hevc_config_pixels(property.content));
        constexpr std::size_t kConfigHeader = 4;
        if (property.type == "av1C"sv)
          item.av1_config =
              property.content.subspan(std::min(kConfigHeader, property.content.size()));
      }
    }
  }

  void read_locations(Bytes content) {
    Reader reader(content);
    const std::uint64_t v = version(reader);
    const std::uint64_t sizes = reader.number(2);
    const std::size_t offset_size = sizes >> 12 & 15, length_size = sizes >> 8 & 15;
    const std::size_t base_size = sizes >> 4 & 15, index_size = v >= 1 ? sizes & 15 : 0;
    const std::uint64_t count = reader.number(v < 2 ? 2 : 4);
    for (std::uint64_t i = 0; i < count && !reader.done(); ++i) {
      const ItemId id = reader.number(v < 2 ? 2 : 4);
      const std::uint64_t method = v >= 1 ? reader.number(2) & 15 : 0;
      reader.take(2);
      const std::uint64_t base = reader.number(base_size);
      const std::uint64_t extents = reader.number(2);
      std::vector<std::byte> stream;
      for (std::uint64_t k = 0; k < extents && !reader.done(); ++k) {
        reader.take(index_size);
        const std::uint64_t offset = base + reader.number(offset_size);
        const Bytes from = method == 0 ? file_ : inside_;
        Reader extent(from.subspan(std::min<std::uint64_t>(offset, from.size())));
        const Bytes part = extent.take(reader.number(length_size));
        // Extents may overlap, but no honest file is many times its own length.
        copied_ += part.size();
        if (copied_ / 4 > file_.size()) return;
        stream.insert(stream.end(), part.begin(), part.end());
      }
      Item& item = items_[id];
      if (item.type == "hvc1"sv || item.type == "hev1"sv)
        item.pixels = std::max(item.pixels, hevc_stream_pixels(stream));
      if (item.type == "av01"sv) {
        stream.insert(stream.begin(), item.av1_config.begin(), item.av1_config.end());
        item.pixels = av1_stream_pixels(stream);
      }
    }
  }

  void read_references(Bytes content) {
    Reader reader(content);
    const std::size_t size = version(reader) == 0 ? 2 : 4;
    while (const auto box = next_box(reader)) {
      Reader entry(box->content);
      const ItemId from = entry.number(size);
      const std::uint64_t count = entry.number(2);
      for (std::uint64_t i = 0; i < count && !entry.done(); ++i) {
        const ItemId to = entry.number(size);
        if (box->type == "dimg"sv) items_[from].needs.push_back(to);
        if (box->type == "auxl"sv) items_[to].needs.push_back(from);
      }
    }
  }

  std::uint64_t cost_of(ItemId id, int depth, bool& endless) {
    constexpr int kDeepest = 16;
    if (depth > kDeepest) endless = true;
    const auto known = costs_.find(id);
    if (known != costs_.end()) return known->second;
    const auto item = items_.find(id);
    if (endless || item == items_.end()) return 0;
    std::uint64_t sum = item->second.pixels;
    for (const ItemId part : item->second.needs) sum = add(sum, cost_of(part, depth + 1, endless));
    costs_[id] = sum;
    return sum;
  }

  Bytes file_;
  Bytes inside_;
  ItemId primary_ = 0;
  std::uint64_t copied_ = 0;
  std::map<ItemId, Item> items_;
  std::map<ItemId, std::uint64_t> costs_;
};

}  // namespace

HeifCost estimate_heif_cost(std::span<const std::byte> file) { return Guard(file).cost(); }

}  // namespace visavis::image
