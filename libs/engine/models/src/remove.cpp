#include <algorithm>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>

#include "visavis/models/store.hpp"

namespace visavis::models {
namespace {

namespace fs = std::filesystem;

/// @return whether it was there.
Result<bool> remove_file(const fs::path& path) {
  std::error_code error;
  const bool was_there = fs::remove(path, error);
  if (error)
    return fail(ErrorCode::kUnavailable, path.string() + " cannot be removed: " + error.message());
  return was_there;
}

bool is_member(const Manifest& fusion, std::string_view id) {
  return fusion.fusion && std::ranges::any_of(fusion.fusion->members, [&](const Member& member) {
           return member.model == id;
         });
}

Result<void> check_no_fusion_needs(const Store& store, std::string_view id) {
  for (const Manifest& manifest : store.manifests())
    if (is_member(manifest, id))
      return fail(ErrorCode::kInvalidArgument, "the model " + std::string(id) + " is part of " +
                                                   manifest.id + "; remove that first");
  return {};
}

/// The hashes of what no other model consists of.
std::set<std::string> files_of_its_own(const Store& store, const Manifest& manifest) {
  std::set<std::string> hashes;
  for (const ModelFile& file : manifest.files) hashes.insert(file.onnx_sha256);
  for (const Manifest& other : store.manifests())
    if (other.id != manifest.id)
      for (const ModelFile& file : other.files) hashes.erase(file.onnx_sha256);
  return hashes;
}

}  // namespace

Result<Removed> remove_model(const Store& store, std::string_view id) {
  const Result<Manifest> manifest = store.find(id);
  const fs::path own = store.root() / "manifests" / (std::string(id) + ".json");
  std::error_code ignored;
  const bool was_added = fs::exists(own, ignored);
  // One that was added and cannot be read may go as well.
  if (!manifest && (manifest.error().code == ErrorCode::kNotFound || !was_added))
    return std::unexpected(manifest.error());
  if (was_added) VISAVIS_CHECK(check_no_fusion_needs(store, id));
  Removed removed;
  if (manifest) {
    for (const std::string& hash : files_of_its_own(store, *manifest)) {
      const fs::path path = store.path_of(hash);
      const std::uintmax_t bytes = fs::file_size(path, ignored);
      VISAVIS_TRY(was_there, remove_file(path));
      if (!was_there) continue;
      ++removed.files;
      removed.bytes += bytes;
    }
  }
  // Last, so that what was stopped half-way can be asked for again.
  VISAVIS_TRY(manifest_was_there, remove_file(own));
  removed.manifest = manifest_was_there;
  return removed;
}

}  // namespace visavis::models
