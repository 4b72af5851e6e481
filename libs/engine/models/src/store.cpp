#include "visavis/models/store.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
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

}  // namespace

Result<Store> Store::open(std::vector<std::filesystem::path> manifests,
                          std::filesystem::path root) {
  Store store;
  store.root_ = std::move(root);
  manifests.push_back(store.root_ / "manifests");
  for (const std::filesystem::path& folder : manifests) {
    for (const std::filesystem::path& file : manifest_files(folder)) {
      Result<Manifest> manifest = read_manifest(file);
      if (!manifest) {
        store.refused_.emplace_back(file, std::move(manifest).error());
      } else if (!store.find(manifest->id)) {
        store.manifests_.push_back(*std::move(manifest));
      }
    }
  }
  return store;
}

Result<Manifest> Store::find(std::string_view id) const {
  const auto found = std::ranges::find(manifests_, id, &Manifest::id);
  if (found != manifests_.end()) return *found;
  std::string known;
  for (const Manifest& manifest : manifests_) known += (known.empty() ? "" : ", ") + manifest.id;
  return fail(ErrorCode::kNotFound, "there is no model " + std::string(id) +
                                        "; known are: " + (known.empty() ? "none" : known));
}

std::filesystem::path Store::path_of(std::string_view sha256) const {
  return root_ / "files" / sha256;
}

bool Store::has(const Manifest& manifest) const {
  return std::ranges::all_of(manifest.files, [&](const ModelFile& file) {
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
