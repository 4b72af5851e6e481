#pragma once

/// Core ML's .mlmodel with a NeuralNetwork.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>

#include "visavis/import/import.hpp"

namespace visavis::modelkit {

/// Networks of specification version 4 and later take arrays as they are declared; earlier ones, of
/// which only channels, height and width are declared, get a free batch in front. Pictures become
/// arrays of pixels from 0 to 255, in the file's order of colours, also with a free batch.
/// @return kDecodeFailed for damaged bytes; kUnsupported for ML Programs, pipelines, quantised
/// weights, and layers that are not known, all of which are named;
/// kModelMismatch for weights that do not fit their layers.
[[nodiscard]] Result<std::vector<std::byte>> import_coreml(std::span<const std::byte> bytes);

/// Whether the bytes are a model of Core ML's, of whatever kind.
[[nodiscard]] bool looks_like_coreml(std::span<const std::byte> bytes);
[[nodiscard]] Result<Inspection> inspect_coreml(std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
