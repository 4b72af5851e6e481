#pragma once

#include <filesystem>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>

#include "visavis/gallery/gallery.hpp"

namespace visavis::gallery {

/// What the gallery's folder says of how it is to be searched; kAuto if it says nothing.
/// @return kDecodeFailed for a word that is none
[[nodiscard]] Result<IndexChoice> read_index_choice(const std::filesystem::path& folder);
[[nodiscard]] Result<void> write_index_choice(const std::filesystem::path& folder,
                                              IndexChoice choice);

/// kAuto is exact at every size: up to a million faces that is faster than a graph that finds as
/// much, and a graph takes minutes to make (docs/search.md).
[[nodiscard]] constexpr index::IndexKind kind_of(IndexChoice choice) noexcept {
  return choice == IndexChoice::kHnsw ? index::IndexKind::kHnsw : index::IndexKind::kExact;
}

}  // namespace visavis::gallery
