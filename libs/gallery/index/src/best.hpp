#pragma once

#include <cstddef>
#include <limits>
#include <vector>
#include <visavis/index/vector_index.hpp>

namespace visavis::index {

/// True if `a` is listed before `b`.
[[nodiscard]] bool before(const Hit& a, const Hit& b) noexcept;

/// The best `k` hits so far, in order; with grouping at most one per group.
class Best {
 public:
  explicit Best(const SearchOptions& options) : k_(options.k), grouping_(options.grouping) {}

  void offer(const Hit& hit);
  void merge(const Best& other);

  /// What a hit must reach to change anything.
  [[nodiscard]] float threshold() const noexcept {
    return hits_.size() < k_ ? -std::numeric_limits<float>::infinity() : hits_.back().similarity;
  }
  [[nodiscard]] std::vector<Hit> take() && { return std::move(hits_); }

 private:
  std::size_t k_;
  Grouping grouping_;
  std::vector<Hit> hits_;
};

}  // namespace visavis::index
