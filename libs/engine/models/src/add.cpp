#include <algorithm>
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

Result<std::vector<std::byte>> read_named(const fs::path& path) {
  Result<std::vector<std::byte>> bytes = read_file(path, kMaxModelBytes);
  if (!bytes) return fail(bytes.error().code, path.string() + ": " + bytes.error().message);
  return bytes;
}

Result<Contents> read_all(const Paths& paths) {
  Contents contents;
  for (const auto& [name, path] : paths) {
    VISAVIS_TRY(bytes, read_named(path));
    contents.emplace(name, std::move(bytes));
  }
  return contents;
}

/// What lies beside the files that were given, by the files' names.
using Companions = std::map<std::string, std::vector<Original>, std::less<>>;

/// Whose path the reader of manifests would refuse it refuses later; nothing is read from there.
bool is_inside(const fs::path& path) {
  return !path.empty() && path.is_relative() &&
         std::ranges::none_of(path, [](const fs::path& part) { return part == ".."; });
}

/// Reads a file's companions, and writes into their entries what these do not say.
Result<std::vector<Original>> read_companions(nlohmann::json& list, const fs::path& folder) {
  std::vector<Original> out;
  for (nlohmann::json& entry : list) {
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string()) continue;
    const auto& name = entry["name"].get_ref<const std::string&>();
    if (!is_inside(name)) continue;
    VISAVIS_TRY(bytes, read_named(folder / name));
    if (!entry.contains("sha256")) entry["sha256"] = visavis::to_hex(sha256(bytes));
    if (!entry.contains("bytes")) entry["bytes"] = bytes.size();
    out.push_back({.name = name, .bytes = std::move(bytes)});
  }
  return out;
}

/// Whether its format goes by what the file is called.
bool wants_its_name(const nlohmann::json& file) {
  return file.contains("companions") || file.contains("tag") || file.contains("signature");
}

/// Files that are given as what the importer makes stand alone.
Result<Companions> read_all_companions(nlohmann::json& document, const Paths& paths,
                                       const Contents& contents) {
  Companions out;
  if (!document.is_object() || !document.contains("files") || !document["files"].is_array())
    return out;
  for (nlohmann::json& file : document["files"]) {
    if (!file.is_object() || !wants_its_name(file) || !file.contains("name") ||
        !file["name"].is_string())
      continue;
    const auto& name = file["name"].get_ref<const std::string&>();
    const auto path = paths.find(name);
    if (path == paths.end()) continue;
    if (file.contains("onnx_sha256") &&
        file["onnx_sha256"] == visavis::to_hex(sha256(contents.find(name)->second)))
      continue;
    if (!file.contains("file_name")) file["file_name"] = path->second.filename().string();
    if (!file.contains("companions") || !file["companions"].is_array()) continue;
    VISAVIS_TRY(companions, read_companions(file["companions"], path->second.parent_path()));
    out.emplace(name, std::move(companions));
  }
  return out;
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

Result<void> check_companions(const ModelFile& file, const std::vector<Original>& found) {
  if (found.size() != file.companions.size())
    return fail(ErrorCode::kInvalidArgument, "the companions of " + file.name + " were not found");
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Companion& companion = file.companions[i];
    if (found[i].bytes.size() != companion.bytes)
      return fail(ErrorCode::kModelMismatch,
                  "the file " + companion.name + " has another size than the manifest's");
    if (visavis::to_hex(sha256(found[i].bytes)) != companion.sha256)
      return fail(ErrorCode::kModelMismatch,
                  "the file " + companion.name + " has another SHA-256 than the manifest's");
  }
  return {};
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
                            const Companions& companions, const Importer& importer) {
  Contents imported;
  for (const ModelFile& file : manifest.files) {
    const std::vector<std::byte>& original = originals.find(file.name)->second;
    if (is_made(file, original)) {
      imported.emplace(file.name, original);
      continue;
    }
    std::vector<Original> all;
    all.push_back({.name = file.file_name.empty() ? file.name : file.file_name, .bytes = original});
    if (const auto beside = companions.find(file.name); beside != companions.end())
      all.insert(all.end(), beside->second.begin(), beside->second.end());
    VISAVIS_CHECK(check_companions(file, {all.begin() + 1, all.end()}));
    VISAVIS_TRY(onnx, importer(file, all));
    imported.emplace(file.name, std::move(onnx));
  }
  return imported;
}

nlohmann::json json_of(const Certificate& certificate) {
  nlohmann::json engines = nlohmann::json::array();
  for (const CertifiedEngine& engine : certificate.engines)
    engines.push_back({{"engine", engine.engine},
                       {"version", engine.version},
                       {"max_abs", engine.max_abs},
                       {"min_cosine", engine.min_cosine}});
  return {{"file", certificate.file},
          {"source_sha256", certificate.source_sha256},
          {"result_sha256", certificate.result_sha256},
          {"inputs", certificate.inputs},
          {"engines", engines}};
}

/// Of all files that were imported; a recipe's result is another network than the original.
void certify(nlohmann::json& document, const Manifest& manifest, const Contents& originals,
             const Contents& imported, const Certifier& certifier) {
  if (!certifier || document.contains("certificates")) return;
  nlohmann::json list = nlohmann::json::array();
  for (const ModelFile& file : manifest.files) {
    if (file.int8 || file.f16 || file.as_data ||
        visavis::to_hex(sha256(originals.find(file.name)->second)) != file.sha256)
      continue;
    if (const auto made = certifier(manifest, file, imported.find(file.name)->second))
      list.push_back(json_of(*made));
  }
  if (!list.empty()) document["certificates"] = std::move(list);
}

Result<Manifest> add(const Store& store, nlohmann::json document, const Contents& originals,
                     const Companions& companions, const Importer& importer,
                     const Certifier& certifier) {
  fill_in(document, "sha256", originals);
  // What the importer makes is not known before the manifest has told how to import.
  nlohmann::json before = document;
  fill_in_nothing(before);
  VISAVIS_TRY(parsed, parse_manifest(before.dump()));
  VISAVIS_TRY(draft, store.with_members(std::move(parsed)));
  if (store.find(draft.id))
    return fail(ErrorCode::kInvalidArgument, "there is a model " + draft.id + " already");
  VISAVIS_CHECK(check_files(draft, originals));
  VISAVIS_TRY(imported, import_all(draft, originals, companions, importer));
  fill_in(document, "onnx_sha256", imported);
  VISAVIS_TRY(complete, parse_manifest(document.dump()));
  VISAVIS_TRY(manifest, store.with_members(std::move(complete)));
  for (const ModelFile& file : manifest.files)
    if (visavis::to_hex(sha256(imported.find(file.name)->second)) != file.onnx_sha256)
      return fail(ErrorCode::kModelMismatch,
                  "the importer made another file of " + file.name + " than the manifest pins");
  certify(document, manifest, originals, imported, certifier);
  VISAVIS_TRY(certified, parse_manifest(document.dump()));
  manifest.certificates = std::move(certified.certificates);
  for (const auto& [name, bytes] : imported) VISAVIS_CHECK(store.put(bytes));
  VISAVIS_CHECK(
      write_file(store.root() / "manifests" / (manifest.id + ".json"), document.dump(2) + "\n"));
  return manifest;
}

}  // namespace

Result<Manifest> add_model(const Store& store, std::string_view manifest, const Paths& files,
                           const Importer& importer, const Certifier& certifier) {
  VISAVIS_TRY(document, parse_document(manifest));
  VISAVIS_TRY(originals, read_all(files));
  VISAVIS_TRY(companions, read_all_companions(document, files, originals));
  return add(store, std::move(document), originals, companions, importer, certifier);
}

}  // namespace visavis::models
