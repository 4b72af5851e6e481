#include "rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/store/npy.hpp>
#include <visavis/store/tsv.hpp>
#include <visavis/usecases/people.hpp>

#include "numbers.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;
using Line = std::vector<std::string>;

constexpr std::uint64_t kMaxTableBytes = std::uint64_t{1} << 30U;

struct Label {
  std::string person;
  float quality = 0;
  std::optional<float> norm;
};

std::unexpected<Failure> wrong(const fs::path& path, std::string message) {
  return std::unexpected(
      Failure({ErrorCode::kDecodeFailed, path.string() + ": " + std::move(message)}));
}

std::size_t column(const Line& titles, std::string_view name) {
  return static_cast<std::size_t>(std::ranges::find(titles, name) - titles.begin());
}

Outcome<Label> parse_labelled(const fs::path& path, const Line& titles, const Line& line,
                              std::size_t row) {
  const std::string number = std::to_string(row);
  if (line.size() != titles.size())
    return wrong(path, "row " + number + " has another number of fields than the first line");
  if (const std::size_t i = column(titles, "row"); i < titles.size() && line[i] != number)
    return wrong(path, "row " + number + " is numbered " + line[i]);
  Label label{.person = line[column(titles, "person")], .norm = std::nullopt};
  if (const std::size_t i = column(titles, "quality"); i < titles.size()) {
    const auto quality = parse_float(line[i]);
    if (!quality || *quality < 0 || *quality > 1)
      return wrong(path, "the quality of row " + number + " is not from 0 to 1");
    label.quality = *quality;
  }
  if (const std::size_t i = column(titles, "norm"); i < titles.size()) {
    label.norm = parse_float(line[i]);
    if (!label.norm) return wrong(path, "the norm of row " + number + " is not a number");
  }
  return label;
}

Outcome<std::vector<Label>> read_labels(const fs::path& path) {
  auto bytes = read_file(path, kMaxTableBytes);
  if (!bytes)
    return std::unexpected(
        Failure({bytes.error().code, path.string() + ": " + bytes.error().message}));
  const auto lines =
      store::parse_tsv({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (!lines) return wrong(path, lines.error().message);
  std::vector<Label> labels;
  const bool titled = !lines->empty() && column(lines->front(), "person") < lines->front().size();
  for (const Line& line : std::span(*lines).subspan(titled ? 1 : 0)) {
    if (titled) {
      VISAVIS_TRY(label, parse_labelled(path, lines->front(), line, labels.size()));
      labels.push_back(std::move(label));
    } else if (line.size() <= 2) {
      labels.push_back({.person = line.back(), .norm = std::nullopt});
    } else {
      return wrong(path, "three fields or more need a first line that names them");
    }
  }
  for (std::size_t row = 0; row < labels.size(); ++row)
    if (const auto name = wrong_person(labels[row].person))
      return wrong(path, "row " + std::to_string(row) + ": " + std::string(*name));
  return labels;
}

}  // namespace

Outcome<std::vector<gallery::NewFace>> read_rows(const LabelledRows& rows, ModelId model,
                                                 int dimension) {
  auto matrix = store::read_npy(rows.npy);
  if (!matrix)
    return std::unexpected(
        Failure({matrix.error().code, rows.npy.string() + ": " + matrix.error().message}));
  VISAVIS_TRY(labels, read_labels(rows.labels));
  if (matrix->columns != static_cast<std::size_t>(dimension))
    return std::unexpected(
        Failure({ErrorCode::kModelMismatch,
                 rows.npy.string() + ": rows have " + std::to_string(matrix->columns) +
                     " numbers, the model " + "makes " + std::to_string(dimension)}));
  if (labels.size() != matrix->rows)
    return wrong(rows.labels, "labels " + std::to_string(labels.size()) + " rows, the matrix has " +
                                  std::to_string(matrix->rows));
  std::vector<gallery::NewFace> faces;
  for (std::size_t i = 0; i < matrix->rows; ++i) {
    const auto row = std::span(matrix->values).subspan(i * matrix->columns, matrix->columns);
    double squares = 0;
    for (const float value : row) squares += static_cast<double>(value) * value;
    const double norm = std::sqrt(squares);
    if (!(norm > 0) || !std::isfinite(norm))
      return wrong(rows.npy, "row " + std::to_string(i) + " has no direction");
    gallery::NewFace face{.person = std::move(labels[i].person), .face = {}};
    for (const float value : row)
      face.face.embedding.values.push_back(static_cast<float>(value / norm));
    face.face.embedding.model = model;
    face.face.embedding.norm = labels[i].norm.value_or(static_cast<float>(norm));
    face.face.quality = labels[i].quality;
    face.face.source = rows.npy.string() + ":" + std::to_string(i);
    faces.push_back(std::move(face));
  }
  return faces;
}

namespace {

/// A person while the rows are gone through.
struct Known {
  gallery::Candidate best;
  matching::FusedTemplate fused;
};

}  // namespace

std::vector<gallery::Candidate> search_rows(const std::vector<gallery::NewFace>& rows,
                                            const Embedding& probe,
                                            const gallery::IdentifyOptions& options) {
  const bool fuses = options.fusion != gallery::Fusion::kBest;
  const bool by_quality = options.fusion == gallery::Fusion::kQualityWeighted;
  std::map<std::string_view, Known> known;
  for (const gallery::NewFace& row : rows) {
    const std::vector<float>& unit = row.face.embedding.values;
    const float similarity = matching::similarity(unit, probe.values);
    const auto [entry, is_new] = known.try_emplace(
        row.person, Known{.best = {}, .fused = matching::FusedTemplate(fuses ? unit.size() : 0)});
    Known& person = entry->second;
    if (fuses) person.fused.add(unit, by_quality ? row.face.quality : 1);
    if (!is_new && similarity <= person.best.similarity) continue;
    person.best = {.person = row.person,
                   .name = row.person,
                   .similarity = similarity,
                   .norm = row.face.embedding.norm};
  }
  std::vector<gallery::Candidate> candidates;
  for (auto& [name, person] : known) {
    if (fuses) person.best.similarity = person.fused.similarity(probe.values);
    candidates.push_back(std::move(person.best));
  }
  std::ranges::stable_sort(candidates, std::greater{}, &gallery::Candidate::similarity);
  if (candidates.size() > options.limit) candidates.resize(options.limit);
  return candidates;
}

}  // namespace visavis::usecases
