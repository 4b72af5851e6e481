#include "scan.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/index/vector_index.hpp>

#include "best.hpp"
#include "codes.hpp"
#include "dot.hpp"
#include "plan.hpp"
#include "segment.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kRowTile = 16;    // scores of a tile stay in the first-level cache
constexpr std::size_t kGroupTile = 32;  // codes of a tile stay in the second-level cache
constexpr std::size_t kTileRows = kGroupTile * kCodeRows;
constexpr std::size_t kQuerySlice = 16;  // queries per piece of work where segments are few
constexpr std::size_t kAhead = 4;        // rows asked for before they are needed

using Work = std::function<void(std::size_t index, int worker)>;

// What work throws is thrown here.
void run(Executor* executor, std::size_t count, const Work& work) {
  if (executor == nullptr) {
    for (std::size_t i = 0; i < count; ++i) work(i, 0);
    return;
  }
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(executor->concurrency()));
  executor->parallel_for(count, [&](std::size_t index, int worker) {
    try {
      work(index, worker);
    } catch (...) {
      failures[static_cast<std::size_t>(worker)] = std::current_exception();
    }
  });
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

/// A row that may yet be among the best.
struct Candidate {
  float bound;
  std::uint32_t segment;
  std::uint32_t row;
};

/// What one worker knows of one query.
struct Found {
  Best best;
  std::vector<Candidate> later;
};

void prefetch(const std::uint16_t* row, std::size_t stride) noexcept {
  for (std::size_t i = 0; i < stride; i += 32) __builtin_prefetch(row + i);
}

class Scan {
 public:
  Scan(std::span<const Segment> segments, std::size_t stride, const Plan* plan,
       std::span<const float> queries, const SearchOptions& options, std::size_t workers)
      : segments_(segments),
        stride_(stride),
        queries_(queries),
        count_(queries.size() / stride),
        found_(workers, std::vector<Found>(count_, Found{.best = Best(options), .later = {}})),
        floors_(count_) {
    for (auto& floor : floors_) floor = -std::numeric_limits<float>::infinity();
    if (plan == nullptr) return;
    for (std::size_t q = 0; q < count_; ++q) coded_.push_back(code_query(*plan, query(q)));
  }

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
      dot_f16(segment.row(row), rows, query(first).data(), count, stride_, scores.data());
      for (std::size_t i = 0; i < rows * count; ++i) {
        Best& best = found[first + i % count].best;
        if (scores[i] < best.threshold() || !segment.is_live(row + i / count)) continue;
        offer(best, segment, row + i / count, scores[i]);
      }
    }
  }

  // Bounds for every row of a segment; likely ones are compared at once, so that the floor rises.
  void bound(std::size_t s, std::size_t first, std::size_t last, std::vector<Found>& found) {
    std::array<float, kQueryTile * kTileRows> bounds;
    std::array<std::uint16_t, kQueryTile * kGroupTile> masks;
    std::array<float, kQueryTile> floors{};
    const Segment& segment = segments_[s];
    const std::size_t all = (segment.used() + kCodeRows - 1) / kCodeRows;
    const std::size_t prefix = 2 * coded_[0].pairs.size();
    for (std::size_t group = 0; group < all; group += kGroupTile) {
      const std::size_t groups = std::min(kGroupTile, all - group);
      for (std::size_t q = first; q < last; q += kQueryTile) {
        const std::size_t tile = std::min(kQueryTile, last - q);
        for (std::size_t i = 0; i < tile; ++i) floors[i] = floor_of(q + i, found[q + i].best);
        bound_codes(segment.codes() + group * kCodeRows * prefix,
                    segment.factors() + group * kCodeRows * kFactors, groups,
                    std::span(coded_).subspan(q, tile), floors.data(), bounds.data(), masks.data());
        for (std::size_t i = 0; i < tile; ++i) {
          sift(s, group, {&masks[i * groups], groups}, &bounds[i * groups * kCodeRows], q + i,
               found[q + i]);
        }
      }
    }
  }

  void sift(std::size_t s, std::size_t group, std::span<const std::uint16_t> masks,
            const float* bounds, std::size_t q, Found& found) {
    const Segment& segment = segments_[s];
    const CodedQuery& coded = coded_[q];
    for (std::size_t g = 0; g < masks.size(); ++g) {
      for (std::uint32_t mask = masks[g]; mask != 0; mask &= mask - 1) {
        const auto i = static_cast<std::size_t>(std::countr_zero(mask));
        const std::size_t row = (group + g) * kCodeRows + i;
        const float bound = bounds[g * kCodeRows + i];
        const float floor = floor_of(q, found.best);
        if (bound < floor || !segment.is_live(row)) continue;
        const float slack =
            coded.slack(segment.factors()[factor_at(row, 1)], segment.factors()[factor_at(row, 2)]);
        if (bound - slack < floor) {
          found.later.push_back(
              {bound, static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(row)});
          continue;
        }
        meet(segment, row, q, found.best);
        raise(q, found.best.threshold());
      }
    }
  }

  std::vector<Hit> finish(std::size_t q) {
    Best best = std::move(found_[0][q].best);
    for (std::size_t w = 1; w < found_.size(); ++w) best.merge(found_[w][q].best);
    std::vector<Candidate> left;
    for (const auto& worker : found_) {
      std::ranges::copy_if(worker[q].later, std::back_inserter(left),
                           [&](const Candidate& c) { return c.bound >= best.threshold(); });
    }
    std::ranges::sort(left, std::greater{}, &Candidate::bound);
    for (std::size_t i = 0; i < left.size() && left[i].bound >= best.threshold(); ++i) {
      if (i + kAhead < left.size()) {
        const Candidate& ahead = left[i + kAhead];
        prefetch(segments_[ahead.segment].row(ahead.row), stride_);
      }
      meet(segments_[left[i].segment], left[i].row, q, best);
    }
    return std::move(best).take();
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

  std::span<const Segment> segments_;
  std::size_t stride_;
  std::span<const float> queries_;
  std::size_t count_;
  std::vector<CodedQuery> coded_;
  std::vector<std::vector<Found>> found_;  ///< Of each worker, of each query.
  std::vector<std::atomic<float>> floors_;
};

}  // namespace

std::vector<std::vector<Hit>> scan(std::span<const Segment> segments, std::size_t stride,
                                   const Plan* plan, std::span<const float> queries,
                                   const SearchOptions& options, Executor* executor) {
  const std::size_t workers =
      executor == nullptr ? 1 : static_cast<std::size_t>(executor->concurrency());
  return Scan(segments, stride, plan, queries, options, workers).go(executor);
}

}  // namespace visavis::index
