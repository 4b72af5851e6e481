#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>

#include "graph.hpp"
#include "plan.hpp"
#include "segment.hpp"

namespace visavis::index {

/// What an index file holds once it is mapped and checked. Its layout: docs/formats/index.md.
struct IndexFile {
  std::shared_ptr<Mapping> memory;
  IndexKind kind = IndexKind::kExact;
  std::size_t dimension = 0;
  Stamp stamp;
  std::shared_ptr<const Plan> plan;  ///< Null for a file without codes.
  std::vector<Segment> segments;
  std::unique_ptr<Graph> graph;  ///< Null for a file without one.
};

/// What is written; views.
struct IndexContent {
  IndexKind kind = IndexKind::kExact;
  std::size_t dimension = 0;
  const Plan* plan = nullptr;  ///< Of all codes; null without.
  std::span<const Segment> segments;
  const Graph* graph = nullptr;  ///< Of all rows, removed ones included; null without.
};

[[nodiscard]] Result<IndexFile> map_index_file(const std::filesystem::path& path,
                                               const FileKey& key = {});

/// Writes the rows and maps the result. They are packed, unless there is a graph, whose numbers
/// they keep.
[[nodiscard]] Result<IndexFile> write_index_file(const std::filesystem::path& path,
                                                 const IndexContent& content, const Stamp& stamp,
                                                 const FileKey& key);

/// Seals a mapped file whose segments were changed, under another stamp. Not synced.
void seal_index_file(Mapping& memory, std::span<const Segment> segments, const Stamp& stamp);

}  // namespace visavis::index
