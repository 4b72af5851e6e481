#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>

#include "document.hpp"
#include "visavis/models/store.hpp"

namespace visavis::models {
namespace {

namespace fs = std::filesystem;
using Paths = std::map<std::string, fs::path, std::less<>>;
using Contents = std::map<std::string, std::vector<std::byte>, std::less<>>;

constexpr std::uint64_t kMaxModelBytes = std::uint64_t{2} << 30U;

Result<Contents> read_all(const Paths& paths) {
  Contents contents;
  for (const auto& [name, path] : paths) {
    Result<std::vector<std::byte>> bytes = read_file(path, kMaxModelBytes);
    if (!bytes) return fail(bytes.error().code, path.string() + ": " + bytes.error().message);
    contents.emplace(name, *std::move(bytes));
  }
  return contents;
}

/// Writes the hash of `contents` into every entry of "files" that does not have one yet.
void fill_in(nlohmann::json& document, const char* field, const Contents& contents) {
  if (!document.is_object() || !document.contains("files") || !document["files"].is_array()) return;
  for (nlohmann::json& file : document["files"]) {
    if (!file.is_object() || !file.contains("name") || !file["name"].is_string()) continue;
    const auto found = contents.find(file["name"].get_ref<const std::string&>());
    if (found != contents.end() && !file.contains(field))
      file[field] = visavis::to_hex(sha256(found->second));
  }
}

/// A person may have what the importer makes instead of the original: it is as good.
bool is_made(const ModelFile& file, std::span<const std::byte> bytes) {
  return file.onnx_sha256 != file.sha256 && visavis::to_hex(sha256(bytes)) == file.onnx_sha256;
}

/// Stands for hashes that are not known before the importer has run; no file has it.
void fill_in_nothing(nlohmann::json& document) {
  if (!document.is_object() || !document.contains("files") || !document["files"].is_array()) return;
  for (nlohmann::json& file : document["files"])
    if (file.is_object() && !file.contains("onnx_sha256"))
      file["onnx_sha256"] = std::string(64, '0');
}

Result<void> check_files(const Manifest& manifest, const Contents& originals) {
  for (const ModelFile& file : manifest.files) {
    const auto found = originals.find(file.name);
    if (found == originals.end())
      return fail(ErrorCode::kInvalidArgument,
                  "the manifest names a file " + file.name + " that was not given");
    if (visavis::to_hex(sha256(found->second)) != file.sha256 && !is_made(file, found->second))
      return fail(ErrorCode::kModelMismatch,
                  "the file " + file.name + " has another SHA-256 than the manifest's");
  }
  if (originals.size() > manifest.files.size())
    return fail(ErrorCode::kInvalidArgument, "more files were given than the manifest names");
  return {};
}

Result<Contents> import_all(const Manifest& manifest, const Contents& originals,
                            const Importer& importer) {
  Contents imported;
  for (const ModelFile& file : manifest.files) {
    const std::vector<std::byte>& original = originals.find(file.name)->second;
    if (is_made(file, original)) {
      imported.emplace(file.name, original);
      continue;
    }
    VISAVIS_TRY(onnx, importer(file, original));
    imported.emplace(file.name, std::move(onnx));
  }
  return imported;
}

Result<Manifest> add(const Store& store, nlohmann::json document, const Contents& originals,
                     const Importer& importer) {
  fill_in(document, "sha256", originals);
  // What the importer makes is not known before the manifest has told how to import.
  nlohmann::json before = document;
  fill_in_nothing(before);
  VISAVIS_TRY(parsed, parse_manifest(before.dump()));
  VISAVIS_TRY(draft, store.with_members(std::move(parsed)));
  if (store.find(draft.id))
    return fail(ErrorCode::kInvalidArgument, "there is a model " + draft.id + " already");
  VISAVIS_CHECK(check_files(draft, originals));
  VISAVIS_TRY(imported, import_all(draft, originals, importer));
  fill_in(document, "onnx_sha256", imported);
  VISAVIS_TRY(complete, parse_manifest(document.dump()));
  VISAVIS_TRY(manifest, store.with_members(std::move(complete)));
  for (const ModelFile& file : manifest.files)
    if (visavis::to_hex(sha256(imported.find(file.name)->second)) != file.onnx_sha256)
      return fail(ErrorCode::kModelMismatch,
                  "the importer made another file of " + file.name + " than the manifest pins");
  for (const auto& [name, bytes] : imported) VISAVIS_CHECK(store.put(bytes));
  VISAVIS_CHECK(
      write_file(store.root() / "manifests" / (manifest.id + ".json"), document.dump(2) + "\n"));
  return manifest;
}

}  // namespace

Result<Manifest> add_model(const Store& store, std::string_view manifest, const Paths& files,
                           const Importer& importer) {
  VISAVIS_TRY(document, parse_document(manifest));
  VISAVIS_TRY(originals, read_all(files));
  return add(store, std::move(document), originals, importer);
}

}  // namespace visavis::models
