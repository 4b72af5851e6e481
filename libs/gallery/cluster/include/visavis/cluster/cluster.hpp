#pragma once

/// Groups of faces that nobody has named, from a graph of who looks like whom.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace visavis::cluster {

/// Two faces that look alike. One entry for each pair, in either direction.
struct Edge {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  float weight = 0;  ///< > 0.
};

struct WhispersOptions {
  int rounds = 50;         ///< At most; it ends when a round changes nothing.
  std::uint64_t seed = 1;  ///< Of the order in which nodes look round.
};

/// Chinese Whispers (Biemann, TextGraphs 2006): every node starts as a group of its own; in each
/// round, in random order, it joins the group with the largest sum of weights among its neighbours.
/// Of equal ones it stays in its own or takes the one with the smallest number. O(rounds · edges)
/// time, O(nodes + edges) memory; the same answer for the same edges and seed.
/// @pre a, b < nodes
/// @return a group for each node: 0 is the largest, equal ones in the order of their first node.
[[nodiscard]] std::vector<std::uint32_t> chinese_whispers(std::size_t nodes,
                                                          std::span<const Edge> edges,
                                                          const WhispersOptions& options = {});

}  // namespace visavis::cluster
