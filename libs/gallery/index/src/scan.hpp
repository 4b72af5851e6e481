#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/index/vector_index.hpp>

#include "plan.hpp"
#include "segment.hpp"

namespace visavis::index {

/// A row that may yet be among the best.
struct Candidate {
  float bound;  ///< By the codes looked at so far.
  std::uint32_t segment;
  std::uint16_t row;
  std::uint16_t gain;  ///< f16, of the factors, which are in the cache when a row is met.
};

/// Memory that searches leave to the next ones. What is taken from the system anew comes page by
/// page, at the first touch of each.
class SpareMemory {
 public:
  [[nodiscard]] std::vector<Candidate> take();
  void give(std::vector<Candidate> candidates);

 private:
  std::mutex gate_;
  std::vector<std::vector<Candidate>> spare_;
};

/// The best rows of all segments for each query. With a plan the codes of all rows are read, and
/// only rows whose bound reaches the k-th best similarity so far; the answers are the same.
/// @param queries Rows of `stride` numbers.
/// @param spare Not null with a plan.
[[nodiscard]] std::vector<std::vector<Hit>> scan(std::span<const Segment> segments,
                                                 std::size_t stride, const Plan* plan,
                                                 std::span<const float> queries,
                                                 const SearchOptions& options, Executor* executor,
                                                 SpareMemory* spare = nullptr);

}  // namespace visavis::index
