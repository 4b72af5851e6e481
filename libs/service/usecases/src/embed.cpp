#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/store/npy.hpp>
#include <visavis/store/tsv.hpp>

#include "bench_impl.hpp"
#include "classify.hpp"
#include "numbers.hpp"
#include "outputs.hpp"
#include "visavis/usecases/photos.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

/// A matrix of float needs 4·n² bytes; this many faces are 400 MB.
constexpr std::size_t kMaxCompared = 10'000;

/// Faces that could not be aligned have no embedding and give no row.
bool has_embedding(const pipeline::FaceRecord& record) { return !record.embedding.values.empty(); }

struct Rows {
  std::vector<float> values;
  std::string table;
  std::size_t count = 0;
};

void append(Rows& rows, const Photo& photo, const pipeline::FaceRecord& record, std::size_t face,
            bool raw) {
  const float scale = raw ? record.embedding.norm : 1.0F;
  for (const float value : record.embedding.values) rows.values.push_back(value * scale);
  rows.table +=
      store::to_line({std::to_string(rows.count), photo.path, std::to_string(face), photo.parent(),
                      shortest(record.quality.score), shortest(record.embedding.norm)});
  ++rows.count;
}

/// @param classifier  or null
Outcome<void> take(Rows& rows, Embeddings& answer, const Photo& photo, Outcome<Analysed> result,
                   const EmbedRequest& request, Classifier* classifier) {
  if (!result) {
    answer.errors.push_back(problem(photo.path, std::move(result).error()));
    return {};
  }
  EmbeddedPhoto embedded{.photo = std::move(result->photo), .first_row = rows.count};
  for (const pipeline::FaceRecord& record : result->faces) {
    if (!has_embedding(record)) continue;
    append(rows, photo, record, embedded.faces++, request.raw);
    if (classifier == nullptr || !record.chip) continue;
    VISAVIS_TRY(classes, classifier->classify(record.chip->image.view(), request.top));
    embedded.classes.push_back(std::move(classes));
  }
  answer.photos.push_back(std::move(embedded));
  return {};
}

float distance(const Embedding& a, const Embedding& b, Metric metric) {
  const float similarity = matching::similarity(a.values, b.values);
  // ‖a − b‖² = 2 − 2·a·b for unit vectors.
  return metric == Metric::kCosine ? 1 - similarity : std::sqrt(std::max(0.0F, 2 - 2 * similarity));
}

std::vector<std::vector<float>> matrix_of(const std::vector<Embedding>& embeddings, Metric metric) {
  const std::size_t n = embeddings.size();
  std::vector<std::vector<float>> matrix(n, std::vector<float>(n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = i + 1; j < n; ++j)
      matrix[i][j] = matrix[j][i] = distance(embeddings[i], embeddings[j], metric);
  return matrix;
}

}  // namespace

Outcome<pipeline::Found> faces_in(pipeline::Pipeline& pipeline, ImageView image,
                                  std::optional<Selection> selection) {
  const pipeline::Query query{.image = image, .selection = selection};
  VISAVIS_TRY(answers, pipeline.analyse(std::span(&query, 1)));
  return std::move(answers.front());
}

std::vector<Outcome<Analysed>> analyse_photos(Workbench::Impl& bench,
                                              const std::vector<Photo>& photos,
                                              std::optional<Selection> selection,
                                              const Progress& progress, Digest digest) {
  const auto work = [&](const Photo& photo, const image::Decoded& decoded, std::size_t worker,
                        std::span<const std::byte> bytes) -> Outcome<Analysed> {
    VISAVIS_TRY(found, faces_in(bench.pipelines[worker], decoded.image.view(), selection));
    return Analysed{.photo = facts_of(photo, decoded),
                    .faces = std::move(found.faces),
                    .faces_found = found.faces_found,
                    .digest = digest == Digest::kYes ? std::optional(sha256(bytes)) : std::nullopt};
  };
  return over_photos<Analysed>(bench, photos, progress, work);
}

Outcome<Embeddings> embed(Workbench& bench, const Inputs& inputs, const EmbedRequest& request,
                          const Progress& progress) {
  if (request.out.extension() != ".npy") return usage("the name of --out must end with .npy");
  fs::path tsv = request.out;
  tsv.replace_extension(".tsv");
  VISAVIS_CHECK(check_files({request.out, tsv}, inputs.photos));
  if (!request.classify && !request.labels.empty()) return usage("--labels needs --classify");
  std::optional<Classifier> classifier;
  if (request.classify) {
    VISAVIS_TRY(opened, Classifier::open(bench.impl(), request.labels));
    classifier = std::move(opened);
  }
  VISAVIS_TRY(run, bench.ready());
  Embeddings answer{.run = std::move(run)};
  answer.classified = request.classify;
  answer.errors = inputs.errors;
  answer.dimension = static_cast<std::size_t>(bench.impl().manifest->dimension);
  VISAVIS_TRY(matrix, caused_by(Cause::kEnvironment,
                                store::NpyWriter::create(request.out, answer.dimension)));
  Rows rows{.values = {},
            .table = store::to_line({"row", "path", "face", "person", "quality", "norm"})};
  const auto work = [&](const std::vector<Photo>& some, std::size_t,
                        const Progress& within) -> Outcome<void> {
    auto results = analyse_photos(bench.impl(), some, request.selection, within);
    for (std::size_t i = 0; i < results.size(); ++i)
      VISAVIS_CHECK(take(rows, answer, some[i], std::move(results[i]), request,
                         classifier ? &*classifier : nullptr));
    VISAVIS_CHECK(caused_by(Cause::kEnvironment, matrix.append(rows.values)));
    rows.values.clear();
    return {};
  };
  VISAVIS_CHECK(in_batches(inputs.photos, progress, work));
  // Whoever mistyped a photo's name keeps the files of the last run.
  if (answer.photos.empty()) return answer;
  answer.rows = rows.count;
  VISAVIS_CHECK(caused_by(Cause::kEnvironment, matrix.commit()));
  VISAVIS_CHECK(caused_by(Cause::kEnvironment, write_file(tsv, rows.table)));
  answer.npy = request.out;
  answer.tsv = std::move(tsv);
  return answer;
}

Outcome<Comparison> compare(Workbench& bench, const Inputs& inputs, Metric metric,
                            std::optional<Selection> selection, const Progress& progress) {
  VISAVIS_TRY(run, bench.ready());
  Comparison answer{.run = std::move(run), .metric = metric, .errors = inputs.errors};
  auto results = analyse_photos(bench.impl(), inputs.photos, selection, progress);
  std::vector<Embedding> embeddings;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::string& path = inputs.photos[i].path;
    if (!results[i]) {
      answer.errors.push_back(problem(path, std::move(results[i]).error()));
      continue;
    }
    std::size_t face = 0;
    for (pipeline::FaceRecord& record : results[i]->faces) {
      if (!has_embedding(record)) continue;
      ++face;
      answer.names.push_back(face == 1 ? path : path + "#" + std::to_string(face));
      embeddings.push_back(std::move(record.embedding));
    }
    if (face == 0) answer.without_face.push_back(path);
  }
  if (embeddings.size() > kMaxCompared)
    return std::unexpected(
        Failure({ErrorCode::kInvalidArgument, std::to_string(embeddings.size()) +
                                                  " faces are more than the 10000 of one matrix"}));
  answer.distances = matrix_of(embeddings, metric);
  return answer;
}

}  // namespace visavis::usecases
