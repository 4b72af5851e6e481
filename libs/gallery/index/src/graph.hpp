#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>

#include "walk.hpp"

namespace visavis::index {

/// A graph of numbered rows in which each is linked with rows that are like it: hierarchical
/// navigable small worlds (Malkov and Yashunin 2016, arXiv 1603.09320), built by USearch. It holds
/// links and no vectors; rows are compared by the codes that a caller gives. Thread-compatible;
/// any number of threads may ask while none adds.
class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Links the `count` rows from number size() on, whose codes are among `codes` by now. With an
  /// executor its workers link at the same time; which links come of it depends on who is first.
  /// @return kResourceExhausted, and then the graph is of no use any more.
  [[nodiscard]] Result<void> add(const WalkCodes& codes, std::size_t count,
                                 Executor* executor = nullptr);

  using IsLive = std::function<bool(std::uint32_t row)>;

  /// Up to `reach` rows that are like the query, the likest first, found by a walk that keeps so
  /// many of them in view. Rows that are not live are walked through and not among the answers;
  /// their codes must be zero.
  [[nodiscard]] std::vector<std::uint32_t> near(const WalkCodes& codes, const std::int8_t* query,
                                                std::size_t reach, const IsLive& is_live) const;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

  /// The links as they stand in an index file.
  [[nodiscard]] std::vector<std::byte> bytes() const;
  /// @param bytes What `bytes` gave, and anything behind.
  /// @return kDecodeFailed unless every link leads to a row.
  [[nodiscard]] static Result<std::unique_ptr<Graph>> read(std::span<const std::byte> bytes);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::index
