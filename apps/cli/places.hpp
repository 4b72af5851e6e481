#pragma once

/// Finds the folders that the use cases work in.

#include <string>
#include <visavis/core/result.hpp>
#include <visavis/usecases/places.hpp>

namespace visavis::cli {

/// Manifests: <program>/../share/visavis/models, or, for a program that lies in a build folder, the
/// source tree's models/. The store and everything that is kept: ${VISAVIS_CACHE}, else
/// ${XDG_CACHE_HOME}/visavis, else ~/.cache/visavis.
/// @param models  the folder of the store if it was given; else empty.
/// @return kInvalidArgument if no variable says where to keep things.
[[nodiscard]] Result<usecases::Places> find_places(const std::string& models);

}  // namespace visavis::cli
