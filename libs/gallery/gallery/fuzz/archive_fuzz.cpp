#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "archive_import.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visavis;
  std::size_t dimension = 0;
  std::uint64_t faces = 0;
  const gallery::ArchiveVisitor visitor{
      .begin = [&](const gallery::ArchiveManifest& manifest) -> Result<void> {
        dimension = manifest.dimension;
        return {};
      },
      .person = [](const gallery::PersonLine&) { return Result<void>(); },
      .face = [&](const gallery::ArchivedFace& face) -> Result<void> {
        if (face.unit.size() != dimension) std::abort();
        ++faces;
        return {};
      }};
  const auto walked = gallery::walk_archive(std::as_bytes(std::span(data, size)), visitor);
  // Each face takes at least a line of the archive.
  if (faces > size || (!walked && walked.error().message.empty())) std::abort();
  return 0;
}
