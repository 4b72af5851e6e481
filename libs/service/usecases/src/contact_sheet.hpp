#pragma once

/// Groups of faces as one HTML file that needs nothing else.

#include <cstddef>
#include <span>
#include <string>
#include <vector>
#include <visavis/usecases/cluster.hpp>

namespace visavis::usecases {

/// Groups of two and more first, one row each; then the faces that are alone.
/// @param thumbnails  JPEG, one for each of `clustering.faces`
[[nodiscard]] std::string contact_sheet(const Clustering& clustering,
                                        std::span<const std::vector<std::byte>> thumbnails);

}  // namespace visavis::usecases
