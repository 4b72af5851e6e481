#pragma once

/// Goes through an archive and believes nothing that it says.

#include <cstddef>
#include <functional>
#include <vector>
#include <visavis/core/result.hpp>

#include "archive_file.hpp"
#include "archive_rows.hpp"

namespace visavis::gallery {

struct ArchivedFace {
  FaceLine facts{};
  std::vector<float> unit{};  ///< Not checked: may be anything of the manifest's dimension.
  std::vector<std::byte> chip{};
  std::vector<std::byte> photo{};
};

/// What is told of an archive, in this order. An error ends it.
struct ArchiveVisitor {
  std::function<Result<void>(const ArchiveManifest&)> begin;
  std::function<Result<void>(const PersonLine&)> person;
  std::function<Result<void>(const ArchivedFace&)> face;
};

/// Success means that every member was there, in its place, and of the size and SHA-256 that the
/// archive says; until then what was told may be wrong. Memory is bounded by a line, a vector and
/// two files, disk reads by the archive's size.
/// @return kDecodeFailed, kUnsupported; the visitor's error, with the line that it was of
[[nodiscard]] Result<void> walk_archive(const ArchiveSource& source, const ArchiveVisitor& visitor);

}  // namespace visavis::gallery
