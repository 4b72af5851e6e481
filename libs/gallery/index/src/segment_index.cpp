#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>

#include "codes.hpp"
#include "dot.hpp"
#include "graph.hpp"
#include "graph_search.hpp"
#include "index_file.hpp"
#include "plan.hpp"
#include "scan.hpp"
#include "segment.hpp"
#include "walk.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kMaxDimension = 65536;
constexpr float kNormTolerance = .01F;
constexpr std::size_t kWornShare = 5;       // of the rows under a graph
constexpr std::size_t kLinkedAtOnce = 512;  // rows, by an executor's workers

bool is_unit(std::span<const float> row) noexcept {
  double sum = 0;
  for (const float x : row) sum += static_cast<double>(x) * x;
  return std::abs(std::sqrt(sum) - 1) <= kNormTolerance;  // false for NaN
}

Result<void> check_rows(std::span<const float> rows, std::size_t count, std::size_t dimension) {
  if (rows.size() / dimension != count || rows.size() % dimension != 0) {
    return fail(ErrorCode::kInvalidArgument, "the vectors are not count x dimension numbers");
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_unit(rows.subspan(i * dimension, dimension))) {
      return fail(ErrorCode::kInvalidArgument, "a vector is not of unit norm");
    }
  }
  return {};
}

/// Search and change share one lock. A writer announces itself at the gate, because a stream of
/// overlapping readers would otherwise keep it waiting for ever.
class Door {
 public:
  [[nodiscard]] std::shared_lock<std::shared_mutex> read() const {
    const std::scoped_lock gate(gate_);
    return std::shared_lock(data_);
  }
  [[nodiscard]] std::unique_lock<std::shared_mutex> write() const {
    const std::scoped_lock gate(gate_);
    return std::unique_lock(data_);
  }

 private:
  mutable std::mutex gate_;
  mutable std::shared_mutex data_;
};

struct Place {
  std::uint32_t segment;
  std::uint32_t row;
};

/// Rows in segments with codes, and for kHnsw a graph over them. A graph knows a row by its number,
/// so rows under a graph stay where they are and segments are full but for the last one.
class SegmentIndex final : public VectorIndex {
 public:
  SegmentIndex(IndexKind kind, std::size_t dimension)
      : kind_(kind), dimension_(dimension), layout_(Layout::of(dimension, 0, code_form(kind))) {}
  explicit SegmentIndex(IndexFile file) : SegmentIndex(file.kind, file.dimension) {
    adopt(std::move(file));
  }

  Result<void> add(std::span<const std::uint64_t> keys, std::span<const std::uint64_t> groups,
                   std::span<const float> rows, Executor* executor) override {
    try {
      if (keys.size() != groups.size()) {
        return fail(ErrorCode::kInvalidArgument, "as many groups as keys are needed");
      }
      VISAVIS_CHECK(check_rows(rows, keys.size(), dimension_));
      const std::scoped_lock writer(writer_);
      return add_checked(keys, groups, rows, executor);
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kResourceExhausted, "no memory for the vectors");
    }
  }

  Result<std::size_t> remove(std::span<const std::uint64_t> keys, const Stamp& stamp) override {
    try {
      const std::scoped_lock writer(writer_);
      const std::vector<Place> places = find(keys);
      {
        const auto lock = door_.write();
        for (const Place& place : places) segments_[place.segment].wipe(place.row);
        live_ -= places.size();
      }
      if (places_) {
        for (const std::uint64_t key : keys) places_->erase(key);
      }
      VISAVIS_CHECK(seal(places, stamp));
      return places.size();
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kResourceExhausted, "no memory to look the vectors up");
    }
  }

  Result<std::vector<std::vector<Hit>>> search(std::span<const float> queries, std::size_t count,
                                               const SearchOptions& options,
                                               Executor* executor) const override {
    try {
      if (options.k == 0) return fail(ErrorCode::kInvalidArgument, "at least one hit is needed");
      VISAVIS_CHECK(check_rows(queries, count, dimension_));
      const auto lock = door_.read();
      auto hits = search_locked(queries, count, options, executor);
      VISAVIS_CHECK(check_file());
      return hits;
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kResourceExhausted, "no memory for the search");
    }
  }

  std::size_t size() const override {
    const auto lock = door_.read();
    return live_;
  }
  std::size_t dimension() const noexcept override { return dimension_; }
  std::size_t memory_bytes() const override {
    const auto lock = door_.read();
    std::size_t bytes = 0;
    for (const Segment& segment : segments_) bytes += segment.size();
    return bytes + (graph_ ? graph_->memory_bytes() : 0);
  }
  IndexKind kind() const noexcept override { return kind_; }

  Result<void> save(const std::filesystem::path& path, const Stamp& stamp,
                    const FileKey& key) override {
    try {
      const std::scoped_lock writer(writer_);
      // Nothing changes while the writer's lock is held, so searches go on during the writing.
      Coded now{.plan = plan_, .segments = segments_, .graph = graph_};
      if (is_worth_learning() || is_worn()) {
        VISAVIS_TRY(learned, learn(nullptr));
        now = std::move(learned);
      }
      const IndexContent content{.kind = kind_,
                                 .dimension = dimension_,
                                 .plan = now.plan.get(),
                                 .segments = now.segments,
                                 .graph = now.graph.get()};
      VISAVIS_TRY(file, write_index_file(path, content, stamp, key));
      const auto lock = door_.write();
      adopt(std::move(file));
      return {};
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kResourceExhausted, "no memory to write the index");
    }
  }

 private:
  /// Segments and how the codes in them were made.
  struct Coded {
    std::shared_ptr<const Plan> plan;
    std::vector<Segment> segments;
    std::shared_ptr<Graph> graph;
  };

  // Takes the place of what is in memory, which holds the same vectors or none.
  void adopt(IndexFile file) {
    take({.plan = std::move(file.plan),
          .segments = std::move(file.segments),
          .graph = std::move(file.graph)});
    mapped_ = segments_.size();
    file_ = std::move(file.memory);
    live_ = 0;
    for (const Segment& segment : segments_) live_ += segment.live();
    places_.reset();
  }

  void take(Coded coded) {
    plan_ = std::move(coded.plan);
    layout_ = Layout::of(dimension_, plan_ ? plan_->prefix() : 0, code_form(kind_));
    segments_ = std::move(coded.segments);
    graph_ = std::move(coded.graph);
    walk_codes_ = WalkCodes(segments_, layout_);
  }

  Result<void> add_checked(std::span<const std::uint64_t> keys,
                           std::span<const std::uint64_t> groups, std::span<const float> rows,
                           Executor* executor) {
    auto& places = places_of_all();
    std::unordered_set<std::uint64_t> seen;
    for (const std::uint64_t key : keys) {
      if (!seen.insert(key).second || places.contains(key)) {
        return fail(ErrorCode::kInvalidArgument, "a key is in the index already");
      }
    }
    std::vector<std::uint16_t> halves(keys.size() * layout_.stride);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      std::ranges::transform(rows.subspan(i * dimension_, dimension_),
                             halves.begin() + static_cast<std::ptrdiff_t>(i * layout_.stride),
                             to_half);
    }
    const auto codes = codes_of(halves);
    if (graph_) VISAVIS_CHECK(free_last_segment());
    VISAVIS_TRY(fresh, room_for(keys.size()));
    places.reserve(places.size() + keys.size());
    Result<void> added;
    if (graph_) {
      added = append_linked({keys, groups, halves, codes}, fresh, executor);
    } else {
      const auto lock = door_.write();
      segments_.insert(segments_.end(), fresh.begin(), fresh.end());
      for (const Place& place : append({keys, groups, halves, codes})) show(place);
    }
    std::ranges::fill(halves, std::uint16_t{0});
    VISAVIS_CHECK(added);
    return mapped_ == 0 && is_worth_learning() ? recode(executor) : Result<void>{};
  }

  std::vector<Code> codes_of(std::span<const std::uint16_t> halves) const {
    std::vector<Code> codes;
    if (!plan_) return codes;
    Encoder encoder(*plan_, layout_.stride);
    codes.reserve(halves.size() / layout_.stride);
    for (std::size_t at = 0; at < halves.size(); at += layout_.stride) {
      codes.push_back(encoder.encode(&halves[at]));
    }
    return codes;
  }

  // No codes yet, or ones that were learned from a fraction of what could be had now.
  bool is_worth_learning() const {
    const std::size_t wanted = wanted_sample(live_, dimension_);
    return wanted > 0 && (!plan_ || plan_->sample * 4 <= wanted);
  }

  // So many rows under the graph were removed that it is better made again without them.
  bool is_worn() const {
    if (!graph_) return false;
    const std::size_t removed = graph_->size() - live_;
    return removed > graph_->size() / kWornShare;
  }

  // Rows that lie evenly in what is there.
  std::vector<std::uint16_t> sample() const {
    const std::size_t wanted = wanted_sample(live_, dimension_);
    std::vector<std::uint16_t> rows;
    rows.reserve(wanted * layout_.stride);
    std::size_t seen = 0;
    visit_live([&](std::uint64_t, Place place) {
      if (seen++ * wanted / live_ < rows.size() / layout_.stride) return;
      const std::uint16_t* row = segments_[place.segment].row(place.row);
      rows.insert(rows.end(), row, row + layout_.stride);
    });
    return rows;
  }

  // The live rows once more, in new segments with codes of a new plan.
  Result<Coded> learn(Executor* executor) const {
    auto rows = sample();
    Coded coded{
        .plan = learn_plan(rows, layout_.stride, code_form(kind_)), .segments = {}, .graph = {}};
    std::ranges::fill(rows, std::uint16_t{0});
    const Layout layout = Layout::of(dimension_, coded.plan->prefix(), code_form(kind_));
    Encoder encoder(*coded.plan, layout.stride);
    for (const Segment& from : segments_) {
      for (std::size_t row = 0; row < from.used(); ++row) {
        if (!from.is_live(row)) continue;
        if (coded.segments.empty() || coded.segments.back().room() == 0) {
          VISAVIS_TRY(memory, Mapping::anonymous(layout.bytes()));
          coded.segments.emplace_back(std::move(memory), 0, layout);
        }
        coded.segments.back().append(from.key(row), from.group(row), {from.row(row), layout.stride},
                                     &encoder.encode(from.row(row)));
      }
    }
    VISAVIS_CHECK(check_file());
    if (kind_ == IndexKind::kHnsw) VISAVIS_CHECK(link(coded, layout, executor));
    return coded;
  }

  static Result<void> link(Coded& coded, const Layout& layout, Executor* executor) {
    coded.graph = std::make_shared<Graph>();
    std::size_t rows = 0;
    for (const Segment& segment : coded.segments) rows += segment.used();
    return coded.graph->add(WalkCodes(coded.segments, layout), rows, executor);
  }

  // Only for what no file holds: segments of a file stay, so that `remove` reaches it.
  Result<void> recode(Executor* executor) {
    VISAVIS_TRY(coded, learn(executor));
    places_.reset();
    const auto lock = door_.write();
    take(std::move(coded));
    return {};
  }

  // Under a graph rows follow each other without a gap, and a file takes no more: so the rows of
  // its last segment move to memory.
  Result<void> free_last_segment() {
    if (mapped_ == 0 || mapped_ < segments_.size() || segments_.back().room() == 0) return {};
    VISAVIS_TRY(memory, Mapping::anonymous(layout_.bytes()));
    Segment old = segments_.back();
    std::ranges::copy(old.bytes(), memory->bytes().begin());
    VISAVIS_CHECK(check_file());
    {
      const auto lock = door_.write();
      segments_.back() = Segment(std::move(memory), 0, layout_);
      walk_codes_ = WalkCodes(segments_, layout_);
      --mapped_;
    }
    for (std::size_t row = 0; row < old.used(); ++row) old.wipe(row);
    return file_->sync();
  }

  // The segments that must come behind the last one to take `count` vectors more. Rows are never
  // added to a file: what it holds is what was saved, less what was removed.
  Result<std::vector<Segment>> room_for(std::size_t count) {
    std::vector<Segment> fresh;
    std::size_t room = segments_.size() > mapped_ ? segments_.back().room() : 0;
    for (; room < count; room += layout_.capacity) {
      VISAVIS_TRY(memory, Mapping::anonymous(layout_.bytes()));
      fresh.emplace_back(std::move(memory), 0, layout_);
    }
    return fresh;
  }

  /// Rows on their way into segments.
  struct Rows {
    std::span<const std::uint64_t> keys;
    std::span<const std::uint64_t> groups;
    std::span<const std::uint16_t> halves;
    std::span<const Code> codes;
  };

  // Not seen until they are shown.
  std::vector<Place> append(const Rows& rows) {
    std::vector<Place> places;
    std::size_t at = mapped_;
    while (at + 1 < segments_.size() && segments_[at].room() == 0) ++at;
    for (std::size_t i = 0; i < rows.keys.size(); ++i) {
      if (segments_[at].room() == 0) ++at;
      places.push_back(
          {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(segments_[at].used())});
      segments_[at].append_unseen(rows.keys[i], rows.groups[i],
                                  rows.halves.subspan(i * layout_.stride, layout_.stride),
                                  rows.codes.empty() ? nullptr : &rows.codes[i]);
    }
    return places;
  }

  void show(const Place& place) {
    Segment& segment = segments_[place.segment];
    segment.show(place.row);
    places_->emplace(segment.key(place.row), place);
    ++live_;
  }

  // Linking takes long, so searches go on between two rows (of many workers, between some
  // hundreds); they see all of them at the end.
  Result<void> append_linked(const Rows& rows, std::span<const Segment> fresh, Executor* executor) {
    std::vector<Place> places;
    {
      const auto lock = door_.write();
      segments_.insert(segments_.end(), fresh.begin(), fresh.end());
      walk_codes_ = WalkCodes(segments_, layout_);
      places = append(rows);
    }
    const std::size_t step = executor == nullptr ? 1 : kLinkedAtOnce;
    for (std::size_t i = 0; i < places.size(); i += step) {
      const auto lock = door_.write();
      const std::size_t count = std::min(step, places.size() - i);
      if (auto linked = graph_->add(walk_codes_, count, executor); !linked) {
        for (const Place& place : places) segments_[place.segment].wipe(place.row);
        graph_.reset();  // from now on every vector is compared
        return linked;
      }
    }
    const auto lock = door_.write();
    for (const Place& place : places) show(place);
    return {};
  }

  template <class Visit>
  void visit_live(const Visit& visit) const {
    for (std::size_t s = 0; s < segments_.size(); ++s) {
      for (std::size_t row = 0; row < segments_[s].used(); ++row) {
        if (!segments_[s].is_live(row)) continue;
        visit(segments_[s].key(row),
              Place{static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(row)});
      }
    }
  }

  std::unordered_map<std::uint64_t, Place>& places_of_all() {
    if (places_) return *places_;
    std::unordered_map<std::uint64_t, Place> all;
    all.reserve(live_);
    visit_live([&](std::uint64_t key, Place place) { all.emplace(key, place); });
    return places_.emplace(std::move(all));
  }

  // Forgetting one person in a gallery just opened must not wait for a table of a million keys.
  std::vector<Place> find(std::span<const std::uint64_t> keys) const {
    std::vector<Place> found;
    const std::unordered_set<std::uint64_t> wanted(keys.begin(), keys.end());
    if (places_) {
      for (const std::uint64_t key : wanted) {
        if (const auto place = places_->find(key); place != places_->end()) {
          found.push_back(place->second);
        }
      }
      return found;
    }
    if (wanted.empty()) return found;
    // The faces of a person have keys close to each other, so few others need a look.
    const auto [low, high] = std::ranges::minmax(wanted);
    visit_live([&](std::uint64_t key, Place place) {
      if (key - low <= high - low && wanted.contains(key)) found.push_back(place);
    });
    return found;
  }

  // Nothing that was had of the file is of use once some of it could not be had.
  Result<void> check_file() const {
    if (!file_ || !file_->is_damaged()) return {};
    return fail(ErrorCode::kDecodeFailed, "the encrypted index file is damaged");
  }

  // Of a file in clear one sync is enough: what of it reaches the disk without the rest is told by
  // the checksums.
  Result<void> seal(std::span<const Place> places, const Stamp& stamp) {
    if (!file_) return {};
    const bool holds_all = segments_.size() == mapped_;
    if (holds_all) seal_index_file(*file_, segments_, stamp);
    const bool touched =
        std::ranges::any_of(places, [&](const Place& place) { return place.segment < mapped_; });
    return touched || holds_all ? file_->sync() : Result<void>{};
  }

  std::vector<std::vector<Hit>> search_locked(std::span<const float> queries, std::size_t count,
                                              const SearchOptions& options,
                                              Executor* executor) const {
    std::vector<float> padded_queries(count * layout_.stride);
    for (std::size_t q = 0; q < count; ++q) {
      std::ranges::copy(queries.subspan(q * dimension_, dimension_),
                        padded_queries.begin() + static_cast<std::ptrdiff_t>(q * layout_.stride));
    }
    if (kind_ == IndexKind::kExact) {
      return scan(segments_, layout_.stride, plan_.get(), padded_queries, options, executor,
                  &spare_);
    }
    if (!graph_) {
      return scan(segments_, layout_.stride, nullptr, padded_queries, options, executor);
    }
    const Linked rows{.segments = segments_,
                      .capacity = layout_.capacity,
                      .stride = layout_.stride,
                      .live = live_,
                      .plan = plan_.get(),
                      .graph = graph_.get(),
                      .codes = &walk_codes_};
    return search_graph(rows, padded_queries, options, executor);
  }

  IndexKind kind_;
  std::size_t dimension_;
  Layout layout_;                     ///< Of every segment; changes with plan_.
  std::mutex writer_;                 ///< One change at a time; taken before the door.
  Door door_;                         ///< Guards what searches read: from layout_ to live_.
  std::shared_ptr<const Plan> plan_;  ///< Null without codes.
  mutable SpareMemory spare_;
  std::vector<Segment> segments_;
  std::shared_ptr<Graph> graph_;  ///< Null unless all rows are linked in it.
  WalkCodes walk_codes_;
  std::size_t live_ = 0;
  // Behind the writer's lock.
  std::size_t mapped_ = 0;  ///< The first segments are those of the file.
  std::shared_ptr<Mapping> file_;
  std::optional<std::unordered_map<std::uint64_t, Place>> places_;  ///< Made when first needed.
};

}  // namespace

std::string_view to_string(IndexKind kind) noexcept {
  return kind == IndexKind::kExact ? "exact" : "hnsw";
}

Result<std::unique_ptr<VectorIndex>> make_index(IndexKind kind, std::size_t dimension) {
  if (dimension == 0 || dimension > kMaxDimension) {
    return fail(ErrorCode::kInvalidArgument, "the dimension of an index is 1 to 65536");
  }
  return std::make_unique<SegmentIndex>(kind, dimension);
}

Result<std::unique_ptr<VectorIndex>> make_exact_index(std::size_t dimension) {
  return make_index(IndexKind::kExact, dimension);
}

Result<std::unique_ptr<VectorIndex>> make_hnsw_index(std::size_t dimension) {
  return make_index(IndexKind::kHnsw, dimension);
}

namespace {

Result<IndexFile> map_expected(const std::filesystem::path& path, const Stamp& expected,
                               const FileKey& key) {
  VISAVIS_TRY(stamp, read_stamp(path, key));
  if (stamp.model != expected.model) {
    return fail(ErrorCode::kModelMismatch, "the index belongs to another model");
  }
  if (stamp != expected) {
    return fail(ErrorCode::kInvalidArgument, "the index is of another state of the gallery");
  }
  return map_index_file(path, key);
}

}  // namespace

Result<std::unique_ptr<VectorIndex>> open_index(const std::filesystem::path& path,
                                                const Stamp& expected, const FileKey& key) {
  VISAVIS_TRY(file, map_expected(path, expected, key));
  return std::make_unique<SegmentIndex>(std::move(file));
}

Result<void> check_index(const std::filesystem::path& path, const Stamp& expected,
                         const FileKey& key) {
  VISAVIS_TRY(file, map_expected(path, expected, key));
  if (std::ranges::all_of(file.segments, &Segment::intact_throughout)) return {};
  return fail(ErrorCode::kDecodeFailed, "a segment of the index file is damaged");
}

}  // namespace visavis::index
