#include "past_folder.hpp"

#include <array>
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
#include "visavis/store/wipe.hpp"
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
  ModelId model{};
  std::size_t dimension = 0;
  std::size_t faces = 0;
};

/// One row of faces-N.tsv; row i belongs to row i of the vectors.
struct FaceRow {
  std::string face_id;
  std::string person;
  float quality = 0;
  float norm = 0;
  Box box;
  std::string source;
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
  const auto dimension = whole_number(document, "dimension");
  const auto faces = whole_number(document, "faces");
  if (!generation || *generation == 0 || !dimension || *dimension == 0 || !faces)
    return damaged("gallery.json lacks a number");
  const auto model = document.find("model");
  const auto id = model != document.end() && model->is_string()
                      ? matching::parse_model_id(model->get<std::string>())
                      : std::nullopt;
  if (!id) return damaged("gallery.json names no model");
  return Head{.generation = *generation, .model = *id, .dimension = *dimension, .faces = *faces};
}

/// Nothing where there is no gallery.json.
Result<std::optional<Head>> read_head(const fs::path& folder) {
  auto bytes = read_file(head_path(folder), kMaxHeadBytes);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return std::nullopt;
  if (!bytes) return fail(bytes.error().code, "gallery.json " + bytes.error().message);
  VISAVIS_TRY(head, parse_head({reinterpret_cast<const char*>(bytes->data()), bytes->size()}));
  return head;
}

std::optional<float> parse_number(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
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

/// Rows as the store takes them. The fields are made first: the rows point to them.
std::vector<store::FaceFields> fields_of(std::vector<FaceRow>& faces) {
  std::vector<store::FaceFields> fields(faces.size());
  for (std::size_t i = 0; i < faces.size(); ++i) {
    fields[i].norm = faces[i].norm;
    fields[i].quality = faces[i].quality;
    fields[i].box = faces[i].box;
    fields[i].source = std::move(faces[i].source);
  }
  return fields;
}

/// What cannot be stored as it is was never written by an enrolment.
Result<void> add_all(store::Store& store, std::span<const store::NewFace> rows,
                     const std::vector<FaceRow>& faces) {
  auto added = store.add(rows);
  if (!added && added.error().code == ErrorCode::kInvalidArgument)
    return damaged(added.error().message);
  if (!added) return std::unexpected(std::move(added).error());
  for (std::size_t i = 0; i < faces.size(); ++i)
    if (faces[i].face_id != "f" + std::to_string((*added)[i].face))
      return damaged("face " + std::to_string(i + 1) + " has an id that was not given");
  return store.note("migrate", std::nullopt, static_cast<std::int64_t>(faces.size()));
}

}  // namespace

bool is_past_folder(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(head_path(folder), ignored);
}

Result<void> copy_past_folder(const fs::path& folder, store::Store& store) {
  VISAVIS_TRY(head, read_head(folder));
  if (!head) return {};
  auto vectors = store::read_npy(vectors_path(folder, head->generation));
  if (!vectors) return damaged("its vectors: " + vectors.error().message);
  VISAVIS_TRY(faces, read_table(table_path(folder, head->generation)));
  if (vectors->columns != head->dimension || vectors->rows != head->faces ||
      faces.size() != head->faces)
    return damaged("its files do not fit each other");
  const std::string model = matching::to_text(head->model);
  const std::vector<store::FaceFields> fields = fields_of(faces);
  std::vector<store::NewFace> rows;
  for (std::size_t i = 0; i < faces.size(); ++i)
    rows.push_back(
        {.person = faces[i].person,
         .model = model,
         .unit = std::span(vectors->values).subspan(i * head->dimension, head->dimension),
         .fields = &fields[i]});
  return add_all(store, rows, faces);
}

Result<void> forget_past_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if ((name.starts_with("embeddings-") && name.ends_with(".npy")) ||
        (name.starts_with("faces-") && name.ends_with(".tsv")))
      files.push_back(entry.path());
  }
  if (error) return fail(ErrorCode::kUnavailable, "the gallery folder: " + error.message());
  // The head goes last: while it is there, a next opening sees that there is something to forget.
  files.push_back(head_path(folder));
  for (const fs::path& file : files) VISAVIS_CHECK(store::wipe_file(file));
  return {};
}

}  // namespace visavis::gallery
