#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
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
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>

#include "best.hpp"
#include "dot.hpp"
#include "index_file.hpp"
#include "segment.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kMaxDimension = 65536;
constexpr float kNormTolerance = .01F;
constexpr std::size_t kRowTile = 16;  // scores of a tile stay in the first-level cache

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

class ExactIndex final : public VectorIndex {
 public:
  explicit ExactIndex(std::size_t dimension)
      : dimension_(dimension), layout_(Layout::of(dimension)) {}
  explicit ExactIndex(IndexFile file) : ExactIndex(file.dimension) { adopt(std::move(file)); }

  Result<void> add(std::span<const std::uint64_t> keys, std::span<const std::uint64_t> groups,
                   std::span<const float> rows) override {
    try {
      if (keys.size() != groups.size()) {
        return fail(ErrorCode::kInvalidArgument, "as many groups as keys are needed");
      }
      VISAVIS_CHECK(check_rows(rows, keys.size(), dimension_));
      const std::scoped_lock writer(writer_);
      return add_checked(keys, groups, rows);
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kResourceExhausted, "no memory for the vectors");
    }
  }

  Result<std::size_t> remove(std::span<const std::uint64_t> keys) override {
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
      VISAVIS_CHECK(sync(places));
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
      return search_locked(queries, count, options, executor);
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
    for (const Segment& segment : segments_) bytes += segment.bytes().size();
    return bytes;
  }
  IndexKind kind() const noexcept override { return IndexKind::kExact; }

  Result<void> save(const std::filesystem::path& path, const Stamp& stamp) override {
    try {
      const std::scoped_lock writer(writer_);
      // Nothing changes while the writer's lock is held, so searches go on during the writing.
      VISAVIS_TRY(file, write_index_file(path, dimension_, stamp, segments_));
      const auto lock = door_.write();
      adopt(std::move(file));
      return {};
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::kResourceExhausted, "no memory to write the index");
    }
  }

  Result<void> restamp(const Stamp& stamp) override {
    const std::scoped_lock writer(writer_);
    if (!file_ || segments_.size() != mapped_) {
      return fail(ErrorCode::kUnsupported, "the index has no file that holds all of it");
    }
    return write_stamp(*file_, stamp);
  }

 private:
  // Takes the place of what is in memory, which holds the same vectors or none.
  void adopt(IndexFile file) {
    segments_ = std::move(file.segments);
    mapped_ = segments_.size();
    file_ = std::move(file.memory);
    live_ = 0;
    for (const Segment& segment : segments_) live_ += segment.live();
    places_.reset();
  }

  Result<void> add_checked(std::span<const std::uint64_t> keys,
                           std::span<const std::uint64_t> groups, std::span<const float> rows) {
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
                             to_f16);
    }
    VISAVIS_TRY(fresh, room_for(keys.size()));
    places.reserve(places.size() + keys.size());
    const auto lock = door_.write();
    segments_.insert(segments_.end(), fresh.begin(), fresh.end());
    append(keys, groups, halves);
    std::ranges::fill(halves, std::uint16_t{0});
    return {};
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

  void append(std::span<const std::uint64_t> keys, std::span<const std::uint64_t> groups,
              std::span<const std::uint16_t> halves) {
    std::size_t at = mapped_;
    while (at + 1 < segments_.size() && segments_[at].room() == 0) ++at;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (segments_[at].room() == 0) ++at;
      places_->emplace(keys[i], Place{static_cast<std::uint32_t>(at),
                                      static_cast<std::uint32_t>(segments_[at].used())});
      segments_[at].append(keys[i], groups[i], halves.subspan(i * layout_.stride, layout_.stride));
    }
    live_ += keys.size();
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
    visit_live([&](std::uint64_t key, Place place) {
      if (wanted.contains(key)) found.push_back(place);
    });
    return found;
  }

  Result<void> sync(std::span<const Place> places) {
    std::vector<bool> touched(mapped_);
    for (const Place& place : places) {
      if (place.segment < mapped_) touched[place.segment] = true;
    }
    for (std::size_t i = 0; i < mapped_; ++i) {
      if (!touched[i]) continue;
      segments_[i].seal();
      VISAVIS_CHECK(segments_[i].sync());
    }
    return {};
  }

  std::vector<std::vector<Hit>> search_locked(std::span<const float> queries, std::size_t count,
                                              const SearchOptions& options,
                                              Executor* executor) const {
    std::vector<float> padded_queries(count * layout_.stride);
    for (std::size_t q = 0; q < count; ++q) {
      std::ranges::copy(queries.subspan(q * dimension_, dimension_),
                        padded_queries.begin() + static_cast<std::ptrdiff_t>(q * layout_.stride));
    }
    const std::size_t workers =
        executor == nullptr ? 1 : static_cast<std::size_t>(executor->concurrency());
    std::vector<std::vector<Best>> best(workers, std::vector<Best>(count, Best(options)));
    std::vector<std::vector<float>> scores(workers, std::vector<float>(kRowTile * count));
    std::vector<std::exception_ptr> failures(workers);
    const auto scan_segment = [&](std::size_t index, int worker) {
      const auto w = static_cast<std::size_t>(worker);
      try {
        scan(segments_[index], padded_queries, scores[w], best[w]);
      } catch (...) {
        failures[w] = std::current_exception();
      }
    };
    if (executor != nullptr) {
      executor->parallel_for(segments_.size(), scan_segment);
    } else {
      for (std::size_t i = 0; i < segments_.size(); ++i) scan_segment(i, 0);
    }
    for (const auto& failure : failures) {
      if (failure) std::rethrow_exception(failure);
    }
    std::vector<std::vector<Hit>> hits(count);
    for (std::size_t q = 0; q < count; ++q) {
      for (std::size_t w = 1; w < workers; ++w) best[0][q].merge(best[w][q]);
      hits[q] = std::move(best[0][q]).take();
    }
    return hits;
  }

  void scan(const Segment& segment, const std::vector<float>& queries, std::vector<float>& scores,
            std::vector<Best>& best) const {
    const std::size_t count = best.size();
    for (std::size_t first = 0; first < segment.used(); first += kRowTile) {
      const std::size_t rows = std::min(kRowTile, segment.used() - first);
      dot_f16(segment.row(first), rows, queries.data(), count, layout_.stride, scores.data());
      for (std::size_t r = 0; r < rows; ++r) {
        if (!segment.is_live(first + r)) continue;
        for (std::size_t q = 0; q < count; ++q) {
          const float score = scores[r * count + q];
          if (score < best[q].threshold()) continue;
          best[q].offer({.key = segment.key(first + r),
                         .group = segment.group(first + r),
                         .similarity = score});
        }
      }
    }
  }

  std::size_t dimension_;
  Layout layout_;
  std::mutex writer_;  ///< One change at a time; taken before the door.
  Door door_;          ///< Guards what searches read: segments_ and live_.
  std::vector<Segment> segments_;
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

Result<std::unique_ptr<VectorIndex>> make_exact_index(std::size_t dimension) {
  if (dimension == 0 || dimension > kMaxDimension) {
    return fail(ErrorCode::kInvalidArgument, "the dimension of an index is 1 to 65536");
  }
  return std::make_unique<ExactIndex>(dimension);
}

Result<std::unique_ptr<VectorIndex>> open_index(const std::filesystem::path& path,
                                                const Stamp& expected) {
  VISAVIS_TRY(stamp, read_stamp(path));
  if (stamp.model != expected.model) {
    return fail(ErrorCode::kModelMismatch, "the index belongs to another model");
  }
  if (stamp != expected) {
    return fail(ErrorCode::kInvalidArgument, "the index is of another state of the gallery");
  }
  VISAVIS_TRY(file, map_index_file(path));
  return std::make_unique<ExactIndex>(std::move(file));
}

}  // namespace visavis::index
