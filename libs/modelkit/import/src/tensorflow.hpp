#pragma once

/// TensorFlow's own files: frozen graphs, SavedModels, checkpoints. Where it is in the flow: Parts
/// -> import_tensorflow -> ONNX.

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "visavis/import/import.hpp"

namespace visavis::modelkit {

/// If `path` stands for a SavedModel's folder or for a file of a checkpoint: the names of all its
/// files, the one that says what the others are first; empty otherwise.
/// @return kUnavailable if a folder cannot be read.
[[nodiscard]] Result<std::vector<std::filesystem::path>> tensorflow_files(
    const std::filesystem::path& path);

/// Whether the parts are a SavedModel, a checkpoint, or one file that begins like a frozen graph.
[[nodiscard]] bool is_tensorflow(std::span<const Part> parts);

/// Takes of a SavedModel what `choice` says; of a graph without signatures the node "embeddings" if
/// there is one, else all that nothing reads.
/// @return kDecodeFailed, kUnsupported with everything that is not understood, kInvalidArgument if
/// a file is missing, kNotFound for tags and signatures that are not there.
[[nodiscard]] Result<std::vector<std::byte>> import_tensorflow(std::span<const Part> parts,
                                                               const Choice& choice);

[[nodiscard]] Result<Inspection> inspect_tensorflow(std::span<const Part> parts,
                                                    const Choice& choice);

}  // namespace visavis::modelkit
