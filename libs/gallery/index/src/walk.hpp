#pragma once

/// What a graph compares: 8 bits for each coded coordinate, all of one step, so that two rows
/// compare as a row and a query do. Rows are numbered through the segments.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "segment.hpp"

namespace visavis::index {

/// Where the codes of numbered rows are. A view: valid until segments are added or replaced.
class WalkCodes {
 public:
  WalkCodes() = default;
  /// @pre All segments are of `layout`, and all but the last are full.
  WalkCodes(std::span<const Segment> segments, const Layout& layout);

  [[nodiscard]] const std::int8_t* of(std::size_t row) const noexcept {
    return blocks_[row >> shift_] + (row & ((std::size_t{1} << shift_) - 1)) * bytes_;
  }
  /// Of one row.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::vector<const std::int8_t*> blocks_;
  int shift_ = 0;
  std::size_t bytes_ = 0;
};

/// sums[i] = the inner product of `query` and codes[i], each of `bytes` numbers.
void walk_products(const std::int8_t* query, std::span<const std::int8_t* const> codes,
                   std::size_t bytes, std::int32_t* sums);

}  // namespace visavis::index
