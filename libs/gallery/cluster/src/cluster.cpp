#include "visavis/cluster/cluster.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace visavis::cluster {
namespace {

struct Neighbour {
  std::uint32_t node = 0;
  float weight = 0;
};

/// Neighbours of node i: `all` from first[i] to first[i + 1].
struct Adjacency {
  std::vector<std::size_t> first;
  std::vector<Neighbour> all;

  [[nodiscard]] std::span<const Neighbour> of(std::uint32_t node) const {
    return std::span(all).subspan(first[node], first[node + 1] - first[node]);
  }
};

Adjacency adjacency_of(std::size_t nodes, std::span<const Edge> edges) {
  Adjacency result{.first = std::vector<std::size_t>(nodes + 1), .all = {}};
  for (const Edge& edge : edges) {
    ++result.first[edge.a + 1];
    ++result.first[edge.b + 1];
  }
  std::partial_sum(result.first.begin(), result.first.end(), result.first.begin());
  result.all.resize(result.first.back());
  std::vector<std::size_t> next(result.first.begin(), result.first.end() - 1);
  for (const Edge& edge : edges) {
    result.all[next[edge.a]++] = {.node = edge.b, .weight = edge.weight};
    result.all[next[edge.b]++] = {.node = edge.a, .weight = edge.weight};
  }
  return result;
}

/// Sums weights by group; `sums` is zero for every group before and after.
std::uint32_t loudest(std::span<const Neighbour> neighbours,
                      const std::vector<std::uint32_t>& groups, std::uint32_t own,
                      std::vector<double>& sums) {
  for (const Neighbour& n : neighbours) sums[groups[n.node]] += n.weight;
  std::uint32_t best = own;
  for (const Neighbour& n : neighbours) {
    const std::uint32_t group = groups[n.node];
    if (sums[group] > sums[best] || (sums[group] == sums[best] && best != own && group < best))
      best = group;
  }
  for (const Neighbour& n : neighbours) sums[groups[n.node]] = 0;
  return best;
}

/// By falling size, then by first member.
std::vector<std::uint32_t> numbered_by_size(const std::vector<std::uint32_t>& groups) {
  struct Group {
    std::size_t size = 0;
    std::size_t first = 0;
    std::uint32_t id = 0;
  };
  std::vector<Group> all(groups.size());
  for (std::size_t i = groups.size(); i-- > 0;) {
    Group& group = all[groups[i]];
    ++group.size;
    group.first = i;
    group.id = groups[i];
  }
  std::erase_if(all, [](const Group& group) { return group.size == 0; });
  std::ranges::sort(all, {},
                    [](const Group& g) { return std::pair(-std::int64_t(g.size), g.first); });
  std::vector<std::uint32_t> number(groups.size());
  for (std::size_t i = 0; i < all.size(); ++i) number[all[i].id] = static_cast<std::uint32_t>(i);
  std::vector<std::uint32_t> result;
  result.reserve(groups.size());
  for (const std::uint32_t group : groups) result.push_back(number[group]);
  return result;
}

}  // namespace

std::vector<std::uint32_t> chinese_whispers(std::size_t nodes, std::span<const Edge> edges,
                                            const WhispersOptions& options) {
  const Adjacency adjacency = adjacency_of(nodes, edges);
  std::vector<std::uint32_t> groups(nodes);
  std::iota(groups.begin(), groups.end(), 0U);
  std::vector<std::uint32_t> order = groups;
  std::vector<double> sums(nodes);
  std::mt19937_64 random(options.seed);
  for (int round = 0; round < options.rounds; ++round) {
    // Fisher and Yates by hand: std::shuffle may differ between standard libraries.
    for (std::size_t i = nodes; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    bool changed = false;
    for (const std::uint32_t node : order) {
      const std::uint32_t group = loudest(adjacency.of(node), groups, groups[node], sums);
      changed |= group != groups[node];
      groups[node] = group;
    }
    if (!changed) break;
  }
  return numbered_by_size(groups);
}

}  // namespace visavis::cluster
