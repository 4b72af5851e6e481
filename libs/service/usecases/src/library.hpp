#pragma once

/// What several use cases need of the model store.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/core/result.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/store.hpp>
#include <visavis/usecases/catalogue.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/places.hpp>

namespace visavis::usecases {

[[nodiscard]] Outcome<models::Store> open_store(const Places& places);

/// A manifest by the id that somebody typed: an unknown one is a matter of usage.
[[nodiscard]] Outcome<models::Manifest> find_model(const models::Store& store, std::string_view id);

/// What engines run, from a file's original: by its importer and then, if it has one, by its int8
/// recipe. It may serve as models::Importer.
[[nodiscard]] Result<std::vector<std::byte>> make_network(
    const models::ModelFile& file, std::span<const models::Original> originals);

/// Where a recogniser's calibration is written to by default, and looked for after the shipped
/// ones.
[[nodiscard]] std::filesystem::path own_calibration(const Places& places,
                                                    const models::Manifest& manifest, bool flip);

/// The calibration of exactly this ModelId; nothing if there is none. One that cannot be read or is
/// of another ModelId (the model or its preparation changed since) is named in a warning and left
/// out.
[[nodiscard]] std::optional<matching::Calibration> find_calibration(
    const Places& places, const models::Manifest& manifest, bool flip, const LogSink& sink);

[[nodiscard]] ModelFacts facts_of(const Places& places, const models::Store& store,
                                  const models::Manifest& manifest);

}  // namespace visavis::usecases
