#pragma once

/// Galleries of the past version: a folder of gallery.json, embeddings-N.npy and faces-N.tsv. Read,
/// never written.

#include <filesystem>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/store/store.hpp>

namespace visavis::gallery {

[[nodiscard]] bool is_past_folder(const std::filesystem::path& folder);

/// Adds all that the folder holds. @return kDecodeFailed for files that do not fit each other.
[[nodiscard]] Result<void> copy_past_folder(const std::filesystem::path& folder,
                                            store::Store& store);

/// Overwrites and removes the past version's files.
[[nodiscard]] Result<void> forget_past_folder(const std::filesystem::path& folder);

}  // namespace visavis::gallery
