#pragma once

/// What of a photo is put beside its face's embedding, and how it is named.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/gallery/gallery.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/vocab/chip.hpp>

namespace visavis::usecases {

/// "arcface.png": the ending of a chip of that template; empty for a model without one.
[[nodiscard]] std::string_view chip_form(models::AlignmentTemplate alignment);

[[nodiscard]] Outcome<gallery::KeptFile> keep_chip(const Chip& chip,
                                                   models::AlignmentTemplate alignment);

/// The photo's bytes as they are.
[[nodiscard]] gallery::KeptFile kept_photo(std::vector<std::byte> bytes);

/// Reads a photo again, so that photos wait in memory one at a time.
/// @return kUnavailable if it is not the one that was looked at
[[nodiscard]] Outcome<gallery::KeptFile> keep_photo(const std::string& path, const Sha256& digest);

}  // namespace visavis::usecases
