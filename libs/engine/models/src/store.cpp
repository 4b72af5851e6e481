#include "visavis/models/store.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>

namespace visavis::models {
namespace {

constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{1} << 20U;
constexpr std::uint64_t kMaxModelBytes = std::uint64_t{2} << 30U;

std::vector<std::filesystem::path> manifest_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".json") files.push_back(entry->path());
  std::ranges::sort(files);
  return files;
}

Result<Manifest> read_manifest(const std::filesystem::path& path) {
  VISAVIS_TRY(bytes, read_file(path, kMaxManifestBytes));
  VISAVIS_TRY(manifest,
              parse_manifest({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  if (path.stem() != manifest.id)
    return fail(ErrorCode::kDecodeFailed,
                "manifest: id " + manifest.id + " and the file's name differ");
  return manifest;
}

std::string place(std::size_t member) {
  return "manifest: fusion.members[" + std::to_string(member) + "].model ";
}

bool see_one_chip(const Fusion& fusion) {
  const Manifest& first = *fusion.members[0].manifest;
  return std::ranges::all_of(fusion.members, [&](const Member& member) {
    return member.manifest->alignment == first.alignment &&
           member.manifest->preparation.width == first.preparation.width;
  });
}

}  // namespace

Result<Store> Store::open(std::vector<std::filesystem::path> manifests,
                          std::filesystem::path root) {
  Store store;
  store.root_ = std::move(root);
  manifests.push_back(store.root_ / "manifests");
  std::vector<std::filesystem::path> paths;  // of the manifests
  for (const std::filesystem::path& folder : manifests) {
    for (const std::filesystem::path& file : manifest_files(folder)) {
      Result<Manifest> manifest = read_manifest(file);
      if (!manifest) {
        store.refused_.emplace_back(file, std::move(manifest).error());
      } else if (store.known(manifest->id) == nullptr) {
        store.manifests_.push_back(*std::move(manifest));
        paths.push_back(file);
      }
    }
  }
  // A fused one may stand before its members.
  std::vector<Manifest> complete;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    Result<Manifest> manifest = store.with_members(store.manifests_[i]);
    if (manifest)
      complete.push_back(*std::move(manifest));
    else
      store.refused_.emplace_back(paths[i], std::move(manifest).error());
  }
  store.manifests_ = std::move(complete);
  return store;
}

const Manifest* Store::known(std::string_view id) const {
  const auto found = std::ranges::find(manifests_, id, &Manifest::id);
  return found == manifests_.end() ? nullptr : &*found;
}

Result<Manifest> Store::with_members(Manifest manifest) const {
  if (!manifest.fusion) return manifest;
  std::int64_t dimension = 0;
  for (std::size_t i = 0; i < manifest.fusion->members.size(); ++i) {
    Member& member = manifest.fusion->members[i];
    const auto wrong = [&](const std::string& why) {
      return fail(ErrorCode::kDecodeFailed, place(i) + member.model + " " + why);
    };
    if (member.model == manifest.id) return wrong("is the fusion itself");
    const Manifest* found = known(member.model);
    if (found == nullptr) return wrong("is not known");
    if (found->fusion) return wrong("is a fusion, and a member has files of its own");
    if (found->role != Role::kRecogniser) return wrong("is no recogniser");
    if (manifest.norm_is_quality && !found->norm_is_quality)
      return wrong("has a norm that does not mean quality, unlike norm_is_quality");
    dimension += found->dimension;
    member.manifest = std::make_shared<const Manifest>(*found);
  }
  if (dimension != manifest.dimension)
    return fail(ErrorCode::kDecodeFailed,
                "manifest: dimension must be the members' sum, " + std::to_string(dimension));
  if (see_one_chip(*manifest.fusion))
    manifest.alignment = manifest.fusion->members[0].manifest->alignment;
  return manifest;
}

Result<Manifest> Store::find(std::string_view id) const {
  if (const Manifest* found = known(id)) return *found;
  for (const auto& [path, error] : refused_)
    if (path.stem() == id)
      return fail(ErrorCode::kDecodeFailed, path.string() + ": " + error.message);
  std::string ids;
  for (const Manifest& manifest : manifests_) ids += (ids.empty() ? "" : ", ") + manifest.id;
  return fail(ErrorCode::kNotFound, "there is no model " + std::string(id) +
                                        "; known are: " + (ids.empty() ? "none" : ids));
}

std::filesystem::path Store::path_of(std::string_view sha256) const {
  return root_ / "files" / sha256;
}

bool Store::has(const Manifest& manifest) const {
  return std::ranges::all_of(all_files(manifest), [&](const ModelFile& file) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path_of(file.onnx_sha256), ignored);
  });
}

Result<std::vector<std::byte>> Store::read(const ModelFile& file) const {
  Result<std::vector<std::byte>> bytes = read_file(path_of(file.onnx_sha256), kMaxModelBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound)
    return fail(ErrorCode::kNotFound, "the model file " + file.name + " has not been fetched");
  if (!bytes)
    return fail(ErrorCode::kUnavailable,
                "the model file " + file.name + " " + bytes.error().message);
  if (visavis::to_hex(sha256(*bytes)) != file.onnx_sha256)
    return fail(ErrorCode::kModelMismatch,
                "the model file " + file.name +
                    " in the store is damaged (another SHA-256 than the manifest's)");
  return bytes;
}

Result<void> Store::put(std::span<const std::byte> bytes) const {
  const std::string digest = visavis::to_hex(sha256(bytes));
  const std::filesystem::path path = path_of(digest);
  // What is there under this name may be damaged, so its contents decide, not its existence.
  const Result<std::vector<std::byte>> there = read_file(path, kMaxModelBytes);
  if (there && visavis::to_hex(sha256(*there)) == digest) return {};
  return write_file(path, bytes);
}

}  // namespace visavis::models
