#pragma once

/// An archive of a store that somebody has open.

#include <filesystem>
#include <visavis/gallery/archive.hpp>
#include <visavis/store/store.hpp>

namespace visavis::gallery {

/// @pre nobody changes the store meanwhile, and it may be written. @return as export_archive
[[nodiscard]] Result<Archived> write_archive(store::Store& store,
                                             const std::filesystem::path& archive,
                                             const ArchiveProgress& progress);

}  // namespace visavis::gallery
