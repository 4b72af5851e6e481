#include "scan.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/half.hpp>
#include <visavis/index/vector_index.hpp>

#include "best.hpp"
#include "codes.hpp"
#include "dot.hpp"
#include "plan.hpp"
#include "segment.hpp"
#include "work.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kRowTile = 16;    // scores of a tile stay in the first-level cache
constexpr std::size_t kGroupTile = 32;  // codes of a tile stay in the second-level cache
constexpr std::size_t kTileRows = kGroupTile * kCodeRows;
constexpr std::size_t kQuerySlice = 16;  // queries per piece of work where segments are few
constexpr std::size_t kMaskGroups = 64 / kCodeRows;
constexpr std::size_t kAsked = 256;  // rows whose fine codes are looked at together
constexpr std::size_t kSpare = 8;    // of so many queries at once
constexpr std::size_t kMostLater = std::size_t{1} << 17;  // candidates of all queries of a worker

/// What one worker knows of one query.
struct Found {
  Best best;
  std::vector<Candidate> later;
};

void prefetch(const std::uint16_t* from, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; i += 32) __builtin_prefetch(from + i);
}

class Scan {
 public:
  Scan(std::span<const Segment> segments, std::size_t stride, const Plan* plan,
       std::span<const float> queries, const SearchOptions& options, std::size_t workers,
       SpareMemory* spare)
      : spare_(spare),
        segments_(segments),
        stride_(stride),
        queries_(queries),
        count_(queries.size() / stride),
        most_later_(std::max(kMostLater / std::max<std::size_t>(count_, 1), kAsked)),
        found_(workers, std::vector<Found>(count_, Found{.best = Best(options), .later = {}})),
        floors_(count_) {
    for (auto& floor : floors_) floor = -std::numeric_limits<float>::infinity();
    if (plan == nullptr) return;
    for (std::size_t q = 0; q < count_; ++q) coded_.push_back(code_query(*plan, query(q)));
    for (auto& worker : found_) {
      for (Found& found : worker) found.later = spare_->take();
    }
  }
  ~Scan() {
    if (spare_ == nullptr) return;
    for (auto& worker : found_) {
      for (Found& found : worker) spare_->give(std::move(found.later));
    }
  }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  std::vector<std::vector<Hit>> go(Executor* executor) {
    const bool few = segments_.size() < 4 * found_.size();
    const std::size_t slice = few ? kQuerySlice : std::max<std::size_t>(count_, 1);
    const std::size_t slices = (count_ + slice - 1) / slice;
    run(executor, segments_.size() * slices, [&](std::size_t index, int worker) {
      const std::size_t first = index % slices * slice;
      const std::size_t last = std::min(count_, first + slice);
      auto& found = found_[static_cast<std::size_t>(worker)];
      if (coded_.empty()) return compare(index / slices, first, last, found);
      bound(index / slices, first, last, found);
    });
    std::vector<std::vector<Hit>> hits(count_);
    run(executor, count_, [&](std::size_t q, int) { hits[q] = finish(q); });
    return hits;
  }

 private:
  [[nodiscard]] std::span<const float> query(std::size_t q) const {
    return queries_.subspan(q * stride_, stride_);
  }

  // Every row of a segment with queries [first, last).
  void compare(std::size_t s, std::size_t first, std::size_t last, std::vector<Found>& found) {
    const Segment& segment = segments_[s];
    const std::size_t count = last - first;
    std::vector<float> scores(kRowTile * count);
    for (std::size_t row = 0; row < segment.used(); row += kRowTile) {
      const std::size_t rows = std::min(kRowTile, segment.used() - row);
      dot_f16(segment.rows(row, rows), rows, query(first).data(), count, stride_, scores.data());
      for (std::size_t i = 0; i < rows * count; ++i) {
        Best& best = found[first + i % count].best;
        if (scores[i] < best.threshold() || !segment.is_live(row + i / count)) continue;
        offer(best, segment, row + i / count, scores[i]);
      }
    }
  }

  // Bounds for every row of a segment; likely ones are compared at once, so that the floor rises.
  void bound(std::size_t s, std::size_t first, std::size_t last, std::vector<Found>& found) {
    std::array<float, kQueryTile * kTileRows> told;
    std::array<float, kQueryTile * kTileRows> bounds;
    std::array<std::uint16_t, kQueryTile * kGroupTile> masks;
    std::array<float, kQueryTile> floors{};
    const Segment& segment = segments_[s];
    const std::size_t all = (segment.used() + kCodeRows - 1) / kCodeRows;
    const std::size_t words = coded_[0].prefix() / kWord;
    for (std::size_t group = 0; group < all; group += kGroupTile) {
      const std::size_t groups = std::min(kGroupTile, all - group);
      for (std::size_t q = first; q < last; q += kQueryTile) {
        const std::size_t tile = std::min(kQueryTile, last - q);
        for (std::size_t i = 0; i < tile; ++i) floors[i] = floor_of(q + i, found[q + i].best);
        bound_codes(segment.coarse() + group * kCodeRows * words,
                    segment.factors() + group * kCodeRows * kFactors, groups,
                    std::span(coded_).subspan(q, tile), floors.data(),
                    {.told = told.data(), .bounds = bounds.data(), .masks = masks.data()});
        for (std::size_t i = 0; i < tile; ++i) {
          sift(s, group,
               {.told = &told[i * groups * kCodeRows],
                .bounds = &bounds[i * groups * kCodeRows],
                .masks = &masks[i * groups]},
               groups, q + i, found[q + i]);
        }
      }
    }
  }

  void sift(std::size_t s, std::size_t group, const Bounds& known, std::size_t groups,
            std::size_t q, Found& found) {
    const Segment& segment = segments_[s];
    float floor = floor_of(q, found.best);
    for (std::size_t g = 0; g < groups; g += kMaskGroups) {
      std::uint64_t mask = 0;
      std::memcpy(&mask, &known.masks[g], std::min(kMaskGroups, groups - g) * sizeof(*known.masks));
      for (mask &= segment.live((group + g) * kCodeRows); mask != 0; mask &= mask - 1) {
        const std::size_t i = g * kCodeRows + static_cast<std::size_t>(std::countr_zero(mask));
        const std::size_t row = group * kCodeRows + i;
        if (known.bounds[i] < floor) continue;
        if (known.told[i] >= floor) {
          meet(segment, row, q, found.best);
          raise(q, found.best.threshold());
          floor = floor_of(q, found.best);
          continue;
        }
        found.later.push_back({.bound = known.bounds[i],
                               .segment = static_cast<std::uint32_t>(s),
                               .row = static_cast<std::uint16_t>(row),
                               .gain = segment.factors()[factor_at(row, 2)]});
        if (found.later.size() == most_later_) settle(q, found.best, found.later);
      }
    }
  }

  std::vector<Hit> finish(std::size_t q) {
    Best best = std::move(found_[0][q].best);
    for (std::size_t w = 1; w < found_.size(); ++w) best.merge(found_[w][q].best);
    for (auto& worker : found_) settle(q, best, worker[q].later);
    return std::move(best).take();
  }

  // Looks at the fine codes of what the floor leaves of the candidates, and compares what they
  // leave.
  void settle(std::size_t q, Best& best, std::vector<Candidate>& candidates) {
    std::vector<Candidate> asked;
    asked.reserve(kAsked);
    for (const Candidate& candidate : candidates) {
      if (candidate.bound < floor_of(q, best)) continue;
      asked.push_back(candidate);
      if (asked.size() < kAsked) continue;
      compare_if_needed(asked, q, best);
      asked.clear();
    }
    if (!asked.empty()) compare_if_needed(asked, q, best);
    candidates.clear();
  }

  void compare_if_needed(std::span<Candidate> asked, std::size_t q, Best& best) {
    std::array<const std::uint16_t*, kAsked> fine;
    std::array<float, kAsked> sums;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      fine[i] = segments_[asked[i].segment].fine(asked[i].row);
    }
    add_fine(std::span(fine).first(asked.size()), coded_[q], sums.data());
    for (std::size_t i = 0; i < asked.size(); ++i) {
      asked[i].bound += sums[i] - coded_[q].head * from_half(asked[i].gain);
      if (asked[i].bound < floor_of(q, best)) continue;
      prefetch(segments_[asked[i].segment].row(asked[i].row), stride_);
    }
    for (const Candidate& candidate : asked) {
      if (candidate.bound < floor_of(q, best)) continue;
      meet(segments_[candidate.segment], candidate.row, q, best);
      raise(q, best.threshold());
    }
  }

  void meet(const Segment& segment, std::size_t row, std::size_t q, Best& best) const {
    float score = 0;
    dot_f16(segment.row(row), 1, query(q).data(), 1, stride_, &score);
    if (score >= best.threshold()) offer(best, segment, row, score);
  }

  static void offer(Best& best, const Segment& segment, std::size_t row, float score) {
    best.offer({.key = segment.key(row), .group = segment.group(row), .similarity = score});
  }

  // What one worker's k-th best reaches is a floor for all of them.
  [[nodiscard]] float floor_of(std::size_t q, const Best& best) const {
    return std::max(best.threshold(), floors_[q].load(std::memory_order_relaxed));
  }
  void raise(std::size_t q, float value) {
    float known = floors_[q].load(std::memory_order_relaxed);
    while (known < value &&
           !floors_[q].compare_exchange_weak(known, value, std::memory_order_relaxed)) {
    }
  }

  SpareMemory* spare_;
  std::span<const Segment> segments_;
  std::size_t stride_;
  std::span<const float> queries_;
  std::size_t count_;
  std::size_t most_later_;  ///< Candidates that a worker keeps of one query.
  std::vector<CodedQuery> coded_;
  std::vector<std::vector<Found>> found_;  ///< Of each worker, of each query.
  std::vector<std::atomic<float>> floors_;
};

}  // namespace

std::vector<Candidate> SpareMemory::take() {
  const std::scoped_lock lock(gate_);
  if (spare_.empty()) return {};
  auto candidates = std::move(spare_.back());
  spare_.pop_back();
  return candidates;
}

void SpareMemory::give(std::vector<Candidate> candidates) {
  candidates.clear();
  const std::scoped_lock lock(gate_);
  if (spare_.size() < kSpare) spare_.push_back(std::move(candidates));
}

std::vector<std::vector<Hit>> scan(std::span<const Segment> segments, std::size_t stride,
                                   const Plan* plan, std::span<const float> queries,
                                   const SearchOptions& options, Executor* executor,
                                   SpareMemory* spare) {
  const std::size_t workers =
      executor == nullptr ? 1 : static_cast<std::size_t>(executor->concurrency());
  return Scan(segments, stride, plan, queries, options, workers, spare).go(executor);
}

}  // namespace visavis::index
