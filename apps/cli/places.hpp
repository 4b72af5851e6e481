#pragma once

/// Finds the folders that the use cases work in.

#include <filesystem>
#include <string>
#include <visavis/usecases/places.hpp>

namespace visavis::cli {

/// Manifests: <program>/../share/visavis/models, or, for a program that lies in a build folder, the
/// source tree's models/. The store and everything that is kept: ${VISAVIS_CACHE}, else
/// ${XDG_CACHE_HOME}/visavis, else ~/.cache/visavis.
/// @param models  the folder of the store if it was given; else empty.
/// Where no variable says where to keep things, packages go into the given store and compiled
/// models are not kept; without a given store its path is empty, which whoever needs a model
/// refuses.
[[nodiscard]] usecases::Places find_places(const std::string& models);

/// The built web page: <program>/../share/visavis/web, or, for a program that lies in a build
/// folder, the source tree's apps/web/dist; empty if it was not built.
[[nodiscard]] std::filesystem::path find_web_page();

}  // namespace visavis::cli
