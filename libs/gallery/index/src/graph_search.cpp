#include "graph_search.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "best.hpp"
#include "codes.hpp"
#include "dot.hpp"
#include "scan.hpp"
#include "work.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kReach = 512;
constexpr double kReached = 100'000;      // rows that it is enough for
constexpr std::size_t kMostReach = 8192;  // beyond, comparing with every row takes no longer
constexpr std::size_t kAhead = 8;         // rows asked for from memory before they are compared

class GraphSearch {
 public:
  GraphSearch(const Linked& rows, std::span<const float> query, const SearchOptions& options)
      : rows_(rows), query_(query), options_(options), code_(walk_query(*rows.plan, query)) {}

  /// Nothing where the walk sees too little.
  [[nodiscard]] std::optional<std::vector<Hit>> go() const {
    for (std::size_t reach = least_reach(); reach <= kMostReach; reach *= 4) {
      auto hits = compare(rows_.graph->near(*rows_.codes, code_.data(), reach,
                                            [&](std::uint32_t row) { return is_live(row); }));
      if (hits.size() == std::min(options_.k, rows_.live)) return hits;
    }
    return std::nullopt;
  }

 private:
  // Twice as far among ten times as many rows; docs/search.md has what is found so.
  [[nodiscard]] std::size_t least_reach() const {
    if (options_.reach != 0) return std::min(std::max(options_.reach, options_.k), kMostReach);
    const double more = std::max(static_cast<double>(rows_.live) / kReached, 1.0);
    const auto reach = static_cast<std::size_t>(kReach * std::pow(more, std::log10(2.0)));
    return std::max(reach, 2 * std::min(options_.k, kMostReach));
  }
  [[nodiscard]] const Segment& segment(std::uint32_t row) const {
    return rows_.segments[row / rows_.capacity];
  }
  [[nodiscard]] bool is_live(std::uint32_t row) const {
    return segment(row).is_live(row % rows_.capacity);
  }
  [[nodiscard]] const std::uint16_t* values(std::uint32_t row) const {
    return segment(row).row(row % rows_.capacity);
  }

  [[nodiscard]] std::vector<Hit> compare(std::span<const std::uint32_t> found) const {
    Best best(options_);
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (i + kAhead < found.size()) prefetch(found[i + kAhead]);
      float score = 0;
      dot_f16(values(found[i]), 1, query_.data(), 1, rows_.stride, &score);
      if (score < best.threshold()) continue;
      const std::size_t row = found[i] % rows_.capacity;
      best.offer({.key = segment(found[i]).key(row),
                  .group = segment(found[i]).group(row),
                  .similarity = score});
    }
    return std::move(best).take();
  }
  void prefetch(std::uint32_t row) const noexcept {
    for (std::size_t i = 0; i < rows_.stride; i += 32) __builtin_prefetch(values(row) + i);
  }

  const Linked& rows_;
  std::span<const float> query_;
  const SearchOptions& options_;
  std::vector<std::int8_t> code_;
};

}  // namespace

std::vector<std::vector<Hit>> search_graph(const Linked& rows, std::span<const float> queries,
                                           const SearchOptions& options, Executor* executor) {
  std::vector<std::vector<Hit>> hits(queries.size() / rows.stride);
  run(executor, hits.size(), [&](std::size_t q, int) {
    const auto query = queries.subspan(q * rows.stride, rows.stride);
    auto found = GraphSearch(rows, query, options).go();
    hits[q] = found ? *std::move(found)
                    : scan(rows.segments, rows.stride, nullptr, query, options, nullptr).front();
  });
  return hits;
}

}  // namespace visavis::index
