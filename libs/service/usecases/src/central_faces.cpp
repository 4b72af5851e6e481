#include "central_faces.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <visavis/core/hash.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/quality/quality.hpp>
#include <visavis/runtime/engine.hpp>

#include "bench_impl.hpp"
#include "embedding_cache.hpp"
#include "numbers.hpp"

namespace visavis::usecases {
namespace {

/// A network, who runs it, and in what.
std::string origin_of(const models::Network& network, bool flip) {
  std::string text = network.manifest.id + " " + network.manifest.family + " " +
                     models::to_hex(models::model_id(network.manifest, flip));
  for (const models::ModelFile& file : network.manifest.files)
    text.append(" ")
        .append(file.name)
        .append(" ")
        .append(file.sha256)
        .append(" ")
        .append(file.onnx_sha256);
  for (const auto& [name, part] : network.parts) {
    const std::string engine(part->engine_name());
    text.append(" ").append(name).append(" ").append(engine);
    if (const auto found = runtime::find_engine(engine))
      text.append(" ").append((*found)->probe().version);
    text.append(" ").append(runtime::to_string(part->precision()));
  }
  text += "\n";
  for (const auto& member : network.members) text += origin_of(*member, flip);
  return text;
}

/// Everything that decides what is found in a photo and what its embedding is; not the number of
/// threads, nor the processor, which move last digits only.
std::string origin_of(const Workbench::Impl& bench) {
  std::string text = "pipeline " + std::to_string(kEmbeddingPipeline) + "\n";
  text += std::endian::native == std::endian::little ? "little endian\n" : "big endian\n";
  text += "selection center\nsecond look " + std::to_string(int{bench.second_look}) + "\n";
  text += "smallest face " + shortest(bench.detector_options.min_face_px) + "\nfactor " +
          shortest(bench.detector_options.factor) + "\nthresholds";
  for (const float threshold : bench.detector_options.thresholds) text += " " + shortest(threshold);
  text += "\n" + origin_of(*bench.detector, false);
  if (bench.landmarks) text += origin_of(*bench.landmarks, false);
  return text + origin_of(*bench.recogniser, bench.flip);
}

std::string origin_of(const degrade::Recipe& recipe) {
  if (recipe.ways.empty()) return "";
  return "made worse by " + to_string(recipe) + " seed " + std::to_string(recipe.seed) + "\n";
}

std::uint64_t number_of(const Sha256& digest) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i) number = (number << 8U) | digest[i];
  return number;
}

/// The score that the present calibration's norms give.
void judge_again(pipeline::FaceRecord& record, const quality::NormScale& scale) {
  record.quality.norm = scale.has_meaning ? record.embedding.norm : 0;
  record.quality.score = quality::combine(record.quality, scale);
}

}  // namespace

CentralFaces central_faces(Workbench::Impl& bench, const std::vector<Photo>& photos,
                           const Progress& progress, const degrade::Recipe& recipe) {
  EmbeddingCache cache(bench.places.embeddings, bench.manifest->id,
                       origin_of(bench) + origin_of(recipe), bench.model,
                       static_cast<std::size_t>(bench.manifest->dimension), bench.sink);
  std::atomic<std::size_t> from_cache = 0;
  const auto work = [&](const Photo& photo, std::span<const std::byte> bytes,
                        std::size_t worker) -> Outcome<RememberedPhoto> {
    const Sha256 digest = sha256(bytes);
    if (auto known = cache.find(digest)) {
      ++from_cache;
      if (known->record) judge_again(*known->record, bench.pipeline_options.norm);
      return *std::move(known);
    }
    VISAVIS_TRY(decoded, decode_photo(bench, photo, bytes));
    if (!recipe.ways.empty()) {
      VISAVIS_TRY(worse, degrade::apply(decoded.image.view(), recipe, number_of(digest)));
      decoded.image = std::move(worse);
    }
    VISAVIS_TRY(found,
                bench.pipelines[worker].analyse_one(decoded.image.view(), Selection::kCenter));
    // A damaged photo is told of every time.
    if (decoded.warnings.empty()) cache.keep(digest, found);
    return found;
  };
  auto results = over_files<RememberedPhoto>(bench, photos, progress, work);
  CentralFaces answer;
  answer.faces.resize(photos.size());
  answer.from_cache = from_cache;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    if (!results[i])
      answer.errors.push_back(problem(photos[i].path, std::move(results[i]).error()));
    else if (!results[i]->record || results[i]->record->embedding.values.empty())
      answer.without_face.push_back(photos[i].path);
    else
      answer.faces[i] = std::move(results[i]->record);
  }
  return answer;
}

}  // namespace visavis::usecases
