#include "graph.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <type_traits>
#include <usearch/index.hpp>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>

#include "work.hpp"

namespace visavis::index {
namespace {

namespace us = unum::usearch;

constexpr std::size_t kLinks = 16;        // of a row on each level; twice as many on the lowest
constexpr std::size_t kBuildReach = 128;  // rows in view while a row is linked
constexpr std::size_t kLeastRoom = 4096;  // rows
constexpr std::uint32_t kSeen = std::uint32_t{1} << 31;

/// USearch tells of missing memory if an allocator gives null; an exception would end the process.
template <class T>
struct Plain {
  using value_type = T;
  Plain() = default;
  template <class Other>
  explicit Plain(const Plain<Other>& /*other*/) noexcept {}
  T* allocate(std::size_t count) noexcept {
    return static_cast<T*>(std::malloc(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t /*count*/) noexcept { std::free(memory); }
};

/// Rows' links come one behind the other and go all at once.
class Tape {
 public:
  using value_type = char;
  char* allocate(std::size_t count) noexcept {
    if (count > kChunk) return nullptr;
    if (chunks_.empty() || used_ + count > kChunk) {
      std::unique_ptr<char, Free> fresh(static_cast<char*>(std::malloc(kChunk)));
      if (!fresh) return nullptr;
      try {
        chunks_.push_back(std::move(fresh));
      } catch (const std::bad_alloc&) {
        return nullptr;
      }
      used_ = 0;
    }
    char* memory = chunks_.back().get() + used_;
    used_ += count;
    return memory;
  }
  void deallocate(char* /*memory*/, std::size_t /*count*/) noexcept { reset(); }
  void reset() noexcept {
    chunks_.clear();
    used_ = 0;
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return chunks_.size() * kChunk; }

 private:
  static constexpr std::size_t kChunk = std::size_t{1} << 20;
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };
  std::vector<std::unique_ptr<char, Free>> chunks_;
  std::size_t used_ = 0;
};

using Links = us::index_gt<float, std::uint32_t, std::uint32_t, Plain<char>, Tape>;

/// A row on its way into the graph. Which one it is, is known when USearch has given it a place.
struct Fresh {
  const std::int8_t* code = nullptr;
};

/// USearch wants distances: the less the likelier.
class Distance {
 public:
  explicit Distance(const WalkCodes& codes) : codes_(&codes) {}
  template <class Entry>
  float operator()(const Fresh& fresh, const Entry& entry) const {
    return between(fresh.code, codes_->of(get_slot(entry)));
  }
  template <class Entry>
    requires(!std::is_pointer_v<Entry>)
  float operator()(const Entry& a, const Entry& b) const {
    return between(codes_->of(get_slot(a)), codes_->of(get_slot(b)));
  }

 private:
  [[nodiscard]] float between(const std::int8_t* a, const std::int8_t* b) const {
    std::int32_t product = 0;
    walk_products(a, {&b, 1}, codes_->bytes(), &product);
    return static_cast<float>(-product);
  }
  const WalkCodes* codes_;
};

void prefetch(const void* from, std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; i += 64) {
    __builtin_prefetch(static_cast<const std::byte*>(from) + i);
  }
}

struct Prefetch {
  const WalkCodes* codes;
  template <class Iterator>
  void operator()(Iterator begin, Iterator end) const noexcept {
    for (; begin != end; ++begin) prefetch(codes->of(get_slot(begin)), codes->bytes());
  }
};

/// Numbers that were met.
class Met {
 public:
  explicit Met(std::size_t size) : words_((size + 63) / 64) {}
  /// @return whether it was the first time
  bool meet(std::uint32_t number) noexcept {
    std::uint64_t& word = words_[number / 64];
    const std::uint64_t bit = std::uint64_t{1} << (number % 64);
    const bool first = (word & bit) == 0;
    word |= bit;
    return first;
  }

 private:
  std::vector<std::uint64_t> words_;
};

/// The rows in view, the likest first, each with a mark once its links were followed.
class View {
 public:
  explicit View(std::size_t reach) : rows_(reach) {}

  /// @return whether it is in view
  bool offer(std::int32_t likeness, std::uint32_t row) noexcept {
    if (size_ == rows_.size() && likeness <= rows_.back().likeness) return false;
    const auto end = rows_.begin() + static_cast<std::ptrdiff_t>(size_);
    const auto at =
        std::partition_point(rows_.begin(), end, [&](Row r) { return r.likeness >= likeness; });
    const bool full = size_ == rows_.size();
    std::copy_backward(at, full ? end - 1 : end, full ? end : end + 1);
    *at = {.likeness = likeness, .row = row};
    if (!full) ++size_;
    next_ = std::min(next_, static_cast<std::size_t>(at - rows_.begin()));
    return true;
  }

  /// The likest row that was not followed yet, marked from now on; false if there is none.
  bool follow(std::uint32_t& row) noexcept {
    while (next_ < size_ && (rows_[next_].row & kSeen) != 0) ++next_;
    if (next_ == size_) return false;
    row = rows_[next_].row;
    rows_[next_].row |= kSeen;
    return true;
  }

  [[nodiscard]] std::vector<std::uint32_t> rows() const {
    std::vector<std::uint32_t> rows(size_);
    for (std::size_t i = 0; i < size_; ++i) rows[i] = rows_[i].row & ~kSeen;
    return rows;
  }

 private:
  struct Row {
    std::int32_t likeness;
    std::uint32_t row;
  };
  std::vector<Row> rows_;
  std::size_t size_ = 0;
  std::size_t next_ = 0;  ///< All before it were followed.
};

/// Reads numbers off serialised links, which lie at any address.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <class T>
  bool take(T& value) noexcept {
    return take(&value, sizeof(T));
  }
  bool take(void* to, std::size_t count) noexcept {
    if (count > bytes_.size()) return false;
    std::memcpy(to, bytes_.data(), count);
    bytes_ = bytes_.subspan(count);
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
};

std::unexpected<Error> damaged() {
  return fail(ErrorCode::kDecodeFailed, "the graph in the index file is damaged");
}

// One row's links on one level.
bool are_sound(Reader& reader, std::size_t room, std::int16_t level,
               std::span<const std::int16_t> levels) {
  std::uint32_t count = 0;
  if (!reader.take(count) || count > room) return false;
  for (std::size_t i = 0; i < room; ++i) {
    std::uint32_t row = 0;
    if (!reader.take(row)) return false;
    if (i < count && (row >= levels.size() || levels[row] < level)) return false;
  }
  return true;
}

// USearch believes what it loads: header, levels, and then for each row number, level and links.
bool is_sound(std::span<const std::byte> bytes) {
  Reader reader(bytes);
  us::index_serialized_header_t header;
  if (!reader.take(header) || header.connectivity != kLinks ||
      header.connectivity_base != 2 * kLinks || header.size == 0 || header.size >= kSeen ||
      header.size > bytes.size() / sizeof(std::int16_t) || header.entry_slot >= header.size) {
    return false;
  }
  std::vector<std::int16_t> levels(header.size);
  if (!reader.take(levels.data(), levels.size() * sizeof(std::int16_t))) return false;
  const auto highest = std::ranges::max(levels);
  if (std::cmp_not_equal(header.max_level, highest) || levels[header.entry_slot] != highest ||
      std::ranges::min(levels) < 0) {
    return false;
  }
  for (const std::int16_t level : levels) {
    std::uint32_t key = 0;
    std::int16_t again = 0;
    if (!reader.take(key) || !reader.take(again) || again != level) return false;
    for (std::int16_t l = 0; l <= level; ++l) {
      if (!are_sound(reader, l == 0 ? 2 * kLinks : kLinks, l, levels)) return false;
    }
  }
  return true;
}

std::unexpected<Error> no_memory() {
  return fail(ErrorCode::kResourceExhausted, "no memory for the graph");
}

}  // namespace

struct Graph::Impl {
  Links links = Links::make({kLinks, 2 * kLinks}).index;
  std::uint32_t entry = 0;    ///< The first row of the highest level.
  std::mutex gate;            ///< Taken before `linking`.
  std::shared_mutex linking;  ///< By rows of one level together, by others alone.

  [[nodiscard]] Result<void> make_room(std::size_t count, std::size_t threads) {
    const std::size_t wanted = links.size() + count;
    std::size_t members = links.capacity();
    if (wanted > members) members = std::max({kLeastRoom, wanted, links.size() * 3 / 2});
    if (links.try_reserve(us::index_limits_t(members, threads))) return {};
    return no_memory();
  }

  // Workers get their places in any order, so a row is whichever place it got. USearch links a row
  // from its highest level down, and whoever comes down by way of one that is not linked below yet
  // is lost there. So a row of several levels is linked by itself.
  [[nodiscard]] bool link(const WalkCodes& codes, std::size_t worker) {
    us::index_update_config_t config;
    config.expansion = kBuildReach;
    config.thread = worker;
    Fresh fresh;
    std::shared_lock<std::shared_mutex> beside(linking, std::defer_lock);
    std::unique_lock<std::shared_mutex> alone(linking, std::defer_lock);
    // Whoever waits here keeps nobody waiting that has been here before. The gate is because a
    // stream of overlapping readers would keep a writer waiting.
    const auto placed = [&](auto member) {
      const auto row = static_cast<std::uint32_t>(get_slot(member));
      fresh.code = codes.of(row);
      member.key = row;
      const std::scoped_lock next(gate);
      if (links.level_of(row) == 0) {
        beside.lock();
      } else {
        alone.lock();
      }
    };
    auto added = links.add(0, fresh, Distance(codes), config, placed, Prefetch{&codes});
    if (added) return true;
    added.error.release();
    return false;
  }

  // Where USearch begins, which it tells in the head of what it saves.
  [[nodiscard]] std::uint32_t read_entry() const {
    us::index_serialized_header_t header;
    auto cut = links.save_to_stream([&](const void* from, std::size_t count) {
      if (count == sizeof(header)) std::memcpy(&header, from, count);
      return false;
    });
    cut.error.release();
    return static_cast<std::uint32_t>(header.entry_slot);
  }

  void prefetch_links(std::uint32_t row) const noexcept {
    prefetch(links.at(row).key.ptr(), links.memory_usage_per_node(0));
  }

  // The best row on the way down to the lowest level, by the shortest way.
  [[nodiscard]] std::uint32_t descend(const WalkCodes& codes, const std::int8_t* query) const {
    std::uint32_t best = entry;
    std::int32_t likeness = likeness_of(codes, query, best);
    for (std::size_t level = links.max_level(); level > 0; --level) {
      for (bool moved = true; moved;) {
        moved = false;
        const auto neighbours = links.neighbors(best, level);
        for (auto it = neighbours.begin(); it != neighbours.end(); ++it) {
          const std::int32_t other = likeness_of(codes, query, it.slot());
          if (other <= likeness) continue;
          likeness = other;
          best = it.slot();
          moved = true;
        }
      }
    }
    return best;
  }

  static std::int32_t likeness_of(const WalkCodes& codes, const std::int8_t* query,
                                  std::uint32_t row) {
    const std::int8_t* code = codes.of(row);
    std::int32_t product = 0;
    walk_products(query, {&code, 1}, codes.bytes(), &product);
    return product;
  }
};

Graph::Graph() : impl_(std::make_unique<Impl>()) {}
Graph::~Graph() = default;

Result<void> Graph::add(const WalkCodes& codes, std::size_t count, Executor* executor) {
  if (count == 0) return {};
  const auto threads =
      executor == nullptr ? 1 : static_cast<std::size_t>(std::max(executor->concurrency(), 1));
  VISAVIS_CHECK(impl_->make_room(count, threads));
  const std::size_t highest = impl_->links.max_level();
  const bool was_empty = impl_->links.size() == 0;
  std::atomic<bool> failed = false;
  run(executor, count, [&](std::size_t, int worker) {
    if (!failed && !impl_->link(codes, static_cast<std::size_t>(worker))) failed = true;
  });
  if (failed) return no_memory();
  if (was_empty || impl_->links.max_level() > highest) impl_->entry = impl_->read_entry();
  return {};
}

std::vector<std::uint32_t> Graph::near(const WalkCodes& codes, const std::int8_t* query,
                                       std::size_t reach, const IsLive& is_live) const {
  const Links& links = impl_->links;
  if (links.size() == 0) return {};
  Met met(links.size());
  View view(std::min(reach, links.size()));
  std::vector<std::uint32_t> fresh;
  std::vector<const std::int8_t*> their_codes;
  std::vector<std::int32_t> likeness;
  const auto ask = [&](std::uint32_t row) {
    if (!met.meet(row)) return;
    fresh.push_back(row);
    their_codes.push_back(codes.of(row));
    prefetch(their_codes.back(), codes.bytes());
  };
  const auto follow = [&](std::uint32_t row) {
    const auto neighbours = links.neighbors(row, 0);
    for (auto it = neighbours.begin(); it != neighbours.end(); ++it) ask(it.slot());
  };
  ask(impl_->descend(codes, query));
  for (std::uint32_t row = 0;;) {
    likeness.resize(fresh.size());
    walk_products(query, their_codes, codes.bytes(), likeness.data());
    const auto count = fresh.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (likeness[i] == 0 && !is_live(fresh[i])) {
        follow(fresh[i]);  // a removed row is walked through at once
      } else if (view.offer(likeness[i], fresh[i])) {
        impl_->prefetch_links(fresh[i]);  // it is followed soon
      }
    }
    fresh.erase(fresh.begin(), fresh.begin() + static_cast<std::ptrdiff_t>(count));
    their_codes.erase(their_codes.begin(),
                      their_codes.begin() + static_cast<std::ptrdiff_t>(count));
    if (!fresh.empty()) continue;
    if (!view.follow(row)) break;
    follow(row);
  }
  auto rows = view.rows();
  std::erase_if(rows, [&](std::uint32_t r) { return !is_live(r); });
  return rows;
}

std::size_t Graph::size() const noexcept { return impl_->links.size(); }

std::size_t Graph::memory_bytes() const noexcept {
  return impl_->links.tape_allocator().bytes() + impl_->links.capacity() * sizeof(void*);
}

std::vector<std::byte> Graph::bytes() const {
  std::vector<std::byte> bytes;
  bytes.reserve(impl_->links.serialized_length());
  auto saved = impl_->links.save_to_stream([&](const void* from, std::size_t count) {
    const auto* first = static_cast<const std::byte*>(from);
    bytes.insert(bytes.end(), first, first + count);
    return true;
  });
  saved.error.release();
  return bytes;
}

Result<std::unique_ptr<Graph>> Graph::read(std::span<const std::byte> bytes) {
  if (!is_sound(bytes)) return damaged();
  auto graph = std::make_unique<Graph>();
  Reader reader(bytes);
  auto loaded = graph->impl_->links.load_from_stream(
      [&](void* to, std::size_t count) { return reader.take(to, count); });
  if (!loaded) {
    loaded.error.release();
    return no_memory();
  }
  us::index_serialized_header_t header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  graph->impl_->entry = static_cast<std::uint32_t>(header.entry_slot);
  return graph;
}

}  // namespace visavis::index
