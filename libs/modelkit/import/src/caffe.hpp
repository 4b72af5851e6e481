#pragma once

/// Caffe's networks: a .prototxt that says how layers are put together, and a .caffemodel with
/// their weights.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>

#include "visavis/import/import.hpp"

namespace visavis::modelkit {

/// The test phase as ONNX. The batch is free, unless a layer might mix the samples; height and
/// width are free where no layer fixes them (convolutions all through, as in MTCNN's P-Net).
/// Pictures are not turned: a network that was trained on transposed ones (MTCNN's) wants them
/// still.
/// @param parts  the .prototxt and the .caffemodel, in any order
/// @return kInvalidArgument for other parts, kDecodeFailed for damaged ones, kUnsupported with the
/// list of layers and fields that are not known, kModelMismatch for weights of another network.
[[nodiscard]] Result<std::vector<std::byte>> import_caffe(std::span<const Part> parts);

/// Whether the bytes are what inspect_caffe knows.
[[nodiscard]] bool looks_like_caffe(std::span<const std::byte> bytes);
/// What is inside: layers and inputs of a .prototxt, weights of a .caffemodel, or both.
[[nodiscard]] Result<Inspection> inspect_caffe(std::span<const Part> parts);

}  // namespace visavis::modelkit
