#pragma once

/// A whole gallery as one file, as docs/formats/archive.md describes it.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/gallery/gallery.hpp>

namespace visavis::gallery {

/// Told how many faces are done, of how many, by the calling thread. Empty: silence.
using ArchiveProgress = std::function<void(std::size_t done, std::size_t total)>;

/// A kept chip or photo that cannot be had.
struct LostFile {
  std::string name{};  ///< As EnrolledFace names it.
  Error error{};
};

struct Archived {
  std::uint64_t persons = 0;
  std::uint64_t faces = 0;
  std::uint64_t files = 0;       ///< Chips and photos.
  std::vector<LostFile> lost{};  ///< Left out: missing or damaged.
};

/// Writes everything but the audit log, which notes it, in clear, whatever the gallery is. The file
/// takes its place when it is whole.
/// @return as open_gallery; kUnavailable if the archive cannot be written.
[[nodiscard]] Result<Archived> export_archive(const std::filesystem::path& gallery,
                                              const std::filesystem::path& archive,
                                              const GalleryOptions& options = {},
                                              const ArchiveProgress& progress = {});

struct Imported {
  std::uint64_t persons = 0;  ///< Who are new.
  std::uint64_t faces = 0;    ///< That were added.
  std::uint64_t files = 0;    ///< Their chips and photos.
  std::uint64_t already = 0;  ///< Faces passed over: the person has one of the same vector.
};

/// Adds all that an archive holds, or nothing. The gallery is made if there is none; then vectors
/// are stored as they were, bit by bit, and faces keep their ids. Persons who are there already
/// stay as they are.
/// @return kDecodeFailed for what is no archive, a damaged one or one that lies; kUnsupported for
/// one of a later version; kModelMismatch if the gallery is of another model; kNotFound if there is
/// no such file; as open_gallery.
[[nodiscard]] Result<Imported> import_archive(const std::filesystem::path& archive,
                                              const std::filesystem::path& gallery,
                                              const GalleryOptions& options = {},
                                              const ArchiveProgress& progress = {});

}  // namespace visavis::gallery
