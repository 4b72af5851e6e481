#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>

#include "plan.hpp"
#include "segment.hpp"

namespace visavis::index {

/// What an index file holds once it is mapped and checked. Its layout: docs/formats/index.md.
struct IndexFile {
  std::shared_ptr<Mapping> memory;
  std::size_t dimension = 0;
  Stamp stamp;
  std::shared_ptr<const Plan> plan;  ///< Null for a file without codes.
  std::vector<Segment> segments;
};

[[nodiscard]] Result<IndexFile> map_index_file(const std::filesystem::path& path);

/// Writes the live rows of `segments`, packed, and maps the result. Their codes are of `plan`.
[[nodiscard]] Result<IndexFile> write_index_file(const std::filesystem::path& path,
                                                 std::size_t dimension, const Stamp& stamp,
                                                 const Plan* plan,
                                                 std::span<const Segment> segments);

/// Changes the stamp in a mapped file and syncs it.
[[nodiscard]] Result<void> write_stamp(const Mapping& memory, const Stamp& stamp);

}  // namespace visavis::index
