#include "face_groups.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>
#include <visavis/cluster/cluster.hpp>
#include <visavis/index/vector_index.hpp>

namespace visavis::usecases {
namespace {

/// Faces that ask the index in one batch.
constexpr std::size_t kQueries = 256;
/// Neighbours of each face: enough to hold a person of many photos together.
constexpr std::size_t kNeighbours = 64;

Outcome<std::vector<cluster::Edge>> edges_between(std::span<const float> rows, std::size_t faces,
                                                  double threshold, Executor& executor) {
  const std::size_t dimension = rows.size() / faces;
  VISAVIS_TRY(index, index::make_exact_index(dimension));
  std::vector<std::uint64_t> keys(faces);
  std::iota(keys.begin(), keys.end(), 0U);
  VISAVIS_CHECK(index->add(keys, keys, rows));
  std::vector<cluster::Edge> edges;
  for (std::size_t first = 0; first < faces; first += kQueries) {
    const std::size_t count = std::min(kQueries, faces - first);
    VISAVIS_TRY(
        hits, index->search(rows.subspan(first * dimension, count * dimension), count,
                            {.k = kNeighbours + 1, .grouping = index::Grouping::kNone}, &executor));
    for (std::size_t i = 0; i < count; ++i)
      for (const index::Hit& hit : hits[i]) {
        // Two that name each other have two edges: they hold together more than others.
        if (hit.key == first + i || hit.similarity < threshold) continue;
        edges.push_back({.a = static_cast<std::uint32_t>(first + i),
                         .b = static_cast<std::uint32_t>(hit.key),
                         .weight = hit.similarity});
      }
  }
  return edges;
}

}  // namespace

/// Every face is compared with every other, so that false neighbours add up: at 1e-3 groups of LFW
/// run together (pairwise F .52), at 1e-5 they do not (.99).
Criterion criterion_of_groups(Criterion criterion) {
  constexpr double kFar = 1e-5;
  if (!criterion.far && !criterion.fpir && !criterion.threshold) criterion.far = kFar;
  return criterion;
}

Outcome<std::vector<std::uint32_t>> group_faces(std::span<const float> rows, std::size_t faces,
                                                double threshold, Executor& executor) {
  if (faces == 0) return {};
  VISAVIS_TRY(edges, edges_between(rows, faces, threshold, executor));
  return cluster::chinese_whispers(faces, edges);
}

}  // namespace visavis::usecases
