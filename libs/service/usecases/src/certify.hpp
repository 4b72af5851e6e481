#pragma once

/// How far engines' answers lie from the reference engine's.

#include <cstddef>
#include <optional>
#include <span>
#include <visavis/models/manifest.hpp>

namespace visavis::usecases {

/// Asks every usable engine and the reference engine the same random inputs. An engine that refuses
/// the network is left out. It may serve as models::Certifier.
/// @param onnx  what the file's importer made
/// @return nothing if the reference engine does not run it
[[nodiscard]] std::optional<models::Certificate> certify_engines(const models::Manifest& manifest,
                                                                 const models::ModelFile& file,
                                                                 std::span<const std::byte> onnx);

}  // namespace visavis::usecases
