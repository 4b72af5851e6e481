#pragma once

/// Where a gallery is, and what opens it.

#include <filesystem>
#include <utility>

namespace visavis::usecases {

struct GalleryPlace {
  std::filesystem::path folder{};
  std::filesystem::path key_file{};  ///< Of an encrypted gallery; empty for a plain one.

  GalleryPlace() = default;
  /// A plain gallery's folder is all there is to say.
  GalleryPlace(std::filesystem::path at) : folder(std::move(at)) {}  // NOLINT: converts
};

}  // namespace visavis::usecases
