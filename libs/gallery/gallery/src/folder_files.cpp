#include "folder_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "visavis/core/file.hpp"
#include "visavis/core/result.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/store/npy.hpp"
#include "visavis/store/tsv.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::gallery {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view kSchema = "visavis.gallery/1";
constexpr std::size_t kColumns = 9;
constexpr std::uint64_t kMaxHeadBytes = 1U << 20;
constexpr std::uint64_t kMaxTableBytes = 4ULL << 30;

/// gallery.json.
struct Head {
  std::uint64_t generation = 0;
  std::uint64_t next_face = 1;
  ModelId model{};
  std::size_t dimension = 0;
  std::size_t faces = 0;
};

auto damaged(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "the gallery is damaged: " + what);
}

fs::path head_path(const fs::path& folder) { return folder / "gallery.json"; }
fs::path vectors_path(const fs::path& folder, std::uint64_t generation) {
  return folder / ("embeddings-" + std::to_string(generation) + ".npy");
}
fs::path table_path(const fs::path& folder, std::uint64_t generation) {
  return folder / ("faces-" + std::to_string(generation) + ".tsv");
}

std::optional<std::uint64_t> whole_number(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number_unsigned()) return std::nullopt;
  return it->get<std::uint64_t>();
}

Result<Head> parse_head(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("schema") || document["schema"] != kSchema)
    return damaged("gallery.json is not of schema " + std::string(kSchema));
  const auto generation = whole_number(document, "generation");
  const auto next_face = whole_number(document, "next_face");
  const auto dimension = whole_number(document, "dimension");
  const auto faces = whole_number(document, "faces");
  if (!generation || *generation == 0 || !next_face || !dimension || *dimension == 0 || !faces)
    return damaged("gallery.json lacks a number");
  const auto model = document.find("model");
  const auto id = model != document.end() && model->is_string()
                      ? matching::parse_model_id(model->get<std::string>())
                      : std::nullopt;
  if (!id) return damaged("gallery.json names no model");
  return Head{.generation = *generation,
              .next_face = *next_face,
              .model = *id,
              .dimension = *dimension,
              .faces = *faces};
}

std::string to_json(const Contents& contents) {
  nlohmann::ordered_json document;
  document["schema"] = kSchema;
  document["model"] = matching::to_text(contents.model);
  document["dimension"] = contents.dimension;
  document["faces"] = contents.faces.size();
  document["next_face"] = contents.next_face;
  document["generation"] = contents.generation;
  document["embeddings_file"] = vectors_path({}, contents.generation).string();
  document["faces_file"] = table_path({}, contents.generation).string();
  return document.dump(2) + "\n";
}

/// Nothing where there is no gallery.json.
Result<std::optional<Head>> read_head(const fs::path& folder) {
  auto bytes = read_file(head_path(folder), kMaxHeadBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (!bytes) return fail(bytes.error().code, "gallery.json " + bytes.error().message);
  VISAVIS_TRY(head, parse_head({reinterpret_cast<const char*>(bytes->data()), bytes->size()}));
  return head;
}

std::string number(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::optional<float> parse_number(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

std::string to_tsv(const std::vector<FaceRow>& faces) {
  std::string out = store::to_line(
      {"face_id", "person", "quality", "norm", "x", "y", "width", "height", "source"});
  for (const FaceRow& face : faces) {
    const Box& box = face.box;
    out += store::to_line({face.face_id, face.person, number(face.quality), number(face.norm),
                           number(box.x), number(box.y), number(box.width), number(box.height),
                           face.source});
  }
  return out;
}

std::optional<FaceRow> parse_row(std::vector<std::string>& fields) {
  if (fields.size() != kColumns) return std::nullopt;
  std::array<float, 6> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto value = parse_number(fields[i + 2]);
    if (!value) return std::nullopt;
    numbers[i] = *value;
  }
  return FaceRow{
      .face_id = std::move(fields[0]),
      .person = std::move(fields[1]),
      .quality = numbers[0],
      .norm = numbers[1],
      .box = {.x = numbers[2], .y = numbers[3], .width = numbers[4], .height = numbers[5]},
      .source = std::move(fields[8])};
}

Result<std::vector<FaceRow>> read_table(const fs::path& path) {
  auto bytes = read_file(path, kMaxTableBytes);
  if (!bytes) return damaged("the table of faces " + bytes.error().message);
  auto rows = store::parse_tsv({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!rows) return damaged("the table of faces, " + rows.error().message);
  if (rows->empty()) return damaged("the table of faces has no header");
  std::vector<FaceRow> faces;
  faces.reserve(rows->size() - 1);
  for (std::size_t i = 1; i < rows->size(); ++i) {
    auto face = parse_row((*rows)[i]);
    if (!face) return damaged("row " + std::to_string(i) + " of the table of faces");
    faces.push_back(*std::move(face));
  }
  return faces;
}

}  // namespace

Result<FolderLock> FolderLock::take(const fs::path& folder, Kind kind) {
  FolderLock lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.descriptor_ < 0) {
    const int error = errno;
    const bool missing = error == ENOENT || error == ENOTDIR;
    return fail(
        missing ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
        missing ? "there is no such gallery folder"
                : "the gallery folder cannot be opened: " + std::generic_category().message(error));
  }
  const int operation = kind == Kind::kShared ? LOCK_SH : LOCK_EX;
  while (::flock(lock.descriptor_, operation) != 0)
    if (errno != EINTR)
      return fail(ErrorCode::kUnavailable,
                  "the gallery folder cannot be locked: " + std::generic_category().message(errno));
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<void> FolderLock::sync() const {
  if (::fsync(descriptor_) == 0) return {};
  return fail(ErrorCode::kUnavailable,
              "the gallery folder cannot be written: " + std::generic_category().message(errno));
}

Result<std::uint64_t> read_generation(const fs::path& folder) {
  VISAVIS_TRY(head, read_head(folder));
  return head ? head->generation : 0;
}

Result<Contents> read_contents(const fs::path& folder) {
  VISAVIS_TRY(head, read_head(folder));
  if (!head) return Contents{};
  auto vectors = store::read_npy(vectors_path(folder, head->generation));
  if (!vectors) return damaged("its vectors: " + vectors.error().message);
  VISAVIS_TRY(faces, read_table(table_path(folder, head->generation)));
  if (vectors->columns != head->dimension || vectors->rows != head->faces ||
      faces.size() != head->faces)
    return damaged("its files do not fit each other");
  return Contents{.generation = head->generation,
                  .next_face = head->next_face,
                  .model = head->model,
                  .dimension = head->dimension,
                  .faces = std::move(faces),
                  .vectors = std::move(vectors->values)};
}

Result<void> write_contents(const fs::path& folder, const FolderLock& lock,
                            const Contents& contents) {
  const std::uint64_t generation = contents.generation;
  VISAVIS_CHECK(store::write_npy(vectors_path(folder, generation), contents.faces.size(),
                                 contents.dimension, contents.vectors));
  VISAVIS_CHECK(write_file(table_path(folder, generation), to_tsv(contents.faces)));
  VISAVIS_CHECK(lock.sync());  // the files must be there before the head that names them
  VISAVIS_CHECK(write_file(head_path(folder), to_json(contents)));
  VISAVIS_CHECK(lock.sync());
  std::error_code ignored;  // what cannot be removed costs room, not truth
  fs::remove(vectors_path(folder, generation - 1), ignored);
  fs::remove(table_path(folder, generation - 1), ignored);
  return {};
}

}  // namespace visavis::gallery
