/// LFW from raw photos to figures: detects, aligns and embeds once, then prints a table row for
/// each recogniser, plain and flipped; with --calibrate it embeds every photo of LFW and writes the
/// thresholds of View 1's DevTrain people, observed on DevTest's. See tools/lfw.sh.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/align/align.hpp>
#include <visavis/core/executor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/embed/embedder.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/models/network.hpp>
#include <visavis/models/store.hpp>
#include <visavis/pipeline/finder.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/protocols/calibrate.hpp>
#include <visavis/protocols/pairs.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/vocab/chip.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis {
namespace {

namespace fs = std::filesystem;
using NetworkPtr = std::shared_ptr<const models::Network>;

constexpr std::uint64_t kMaxFileBytes = 64ULL << 20;

struct Options {
  fs::path data;
  fs::path manifests = "models";
  fs::path store;
  fs::path calibrate;  ///< Folder for calibrations; empty: none are made.
  std::string detector = "mtcnn";
  std::string landmarks;
  std::vector<std::string> recognisers{"faceplugin-512", "mobilefacenet-192"};
  std::string engine = "auto";
  std::string precision = "f32";
  int threads = 2;
};

/// A recogniser, with or without flipping, and what it made of every photo.
struct Column {
  NetworkPtr network;
  bool flip = false;
  std::vector<std::optional<Embedding>> embeddings;

  [[nodiscard]] std::string name() const { return network->manifest.id + (flip ? " + flip" : ""); }
};

/// One thread's detector and embedders.
struct Worker {
  std::unique_ptr<detect::Detector> finder;
  std::vector<embed::Embedder> embedders;
};

Result<std::string> read_text(const fs::path& path) {
  VISAVIS_TRY(bytes, read_file(path, kMaxFileBytes));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Every photo under the folder, relative to it, in byte order.
std::vector<std::string> all_photos(const fs::path& root) {
  std::vector<std::string> photos;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file()) photos.push_back(fs::relative(entry.path(), root).string());
  std::ranges::sort(photos);
  return photos;
}

/// The aligned face nearest the centre; nothing if there is none.
Result<std::optional<Chip>> cut(const fs::path& path, detect::Detector& finder) {
  VISAVIS_TRY(bytes, read_file(path, kMaxFileBytes));
  VISAVIS_TRY(decoded, image::decode(bytes));
  const ImageView view = decoded.image.view();
  VISAVIS_TRY(faces, finder.detect(std::span(&view, 1)));
  const std::vector<Face>& found = faces.front();
  if (found.empty()) return std::nullopt;
  const std::size_t chosen = pipeline::select(found, view, pipeline::Selection::kCenter);
  VISAVIS_TRY(chip, align::align_arcface(view, found[chosen].landmarks));
  return std::optional(std::move(chip));
}

Result<void> embed_photo(const fs::path& path, std::size_t index, Worker& worker,
                         std::vector<Column>& columns) {
  VISAVIS_TRY(chip, cut(path, *worker.finder));
  if (!chip) return {};
  const ImageView view = chip->image.view();
  for (std::size_t k = 0; k < columns.size(); ++k) {
    VISAVIS_TRY(embeddings, worker.embedders[k].embed(std::span(&view, 1)));
    columns[k].embeddings[index] = std::move(embeddings.front());
  }
  return {};
}

Result<std::vector<Worker>> open_workers(const Options& options, const NetworkPtr& detector,
                                         const NetworkPtr& landmarks,
                                         const std::vector<Column>& columns) {
  std::vector<Worker> workers(static_cast<std::size_t>(options.threads));
  for (Worker& worker : workers) {
    VISAVIS_TRY(finder, pipeline::open_finder(detector, landmarks, {}, pipeline::SecondLook::kYes));
    worker.finder = std::move(finder);
    for (const Column& column : columns) {
      VISAVIS_TRY(embedder, embed::Embedder::open(column.network, {.flip = column.flip}));
      worker.embedders.push_back(std::move(embedder));
    }
  }
  return workers;
}

/// Fills the columns; the first error of any photo is the answer.
Result<void> embed_all(const Options& options, const std::vector<std::string>& photos,
                       std::vector<Worker>& workers, std::vector<Column>& columns,
                       Executor& executor) {
  for (Column& column : columns) column.embeddings.resize(photos.size());
  std::vector<Result<void>> outcomes(photos.size());
  executor.parallel_for(photos.size(), [&](std::size_t i, int worker) {
    outcomes[i] = embed_photo(options.data / "images" / photos[i], i,
                              workers[static_cast<std::size_t>(worker)], columns);
    if (i % 1000 == 0) std::fprintf(stderr, "%zu of %zu photos\n", i, photos.size());
  });
  for (Result<void>& outcome : outcomes)
    if (!outcome) return outcome;
  return {};
}

void print_row(const Options& options, const Column& column,
               const protocols::VerificationReport& report) {
  const protocols::VerificationFigures& all = report.all;
  std::printf("| %s | %s | %s | %.2f ± %.2f | %.2f | %.5f |", options.detector.c_str(),
              column.name().c_str(), options.precision.c_str(), 100 * all.accuracy->mean,
              100 * all.accuracy->std, 100 * all.eer, all.auc);
  for (const protocols::OperatingPoint& point : all.points) std::printf(" %.2f |", 100 * point.tar);
  std::printf(" %zu |\n", report.failed_images);
}

Result<void> verify(const Options& options, const protocols::PairList& list,
                    const std::vector<std::string>& photos, const std::vector<Column>& columns) {
  std::printf(
      "| detector | recogniser | precision | accuracy %% | EER %% | AUC | TAR@1e-1 %% | "
      "TAR@1e-2 %% | TAR@1e-3 %% | no face |\n|---|---|---|---|---|---|---|---|---|---|\n");
  for (const Column& column : columns) {
    protocols::Embeddings embeddings;
    for (std::size_t i = 0; i < photos.size(); ++i) embeddings[photos[i]] = column.embeddings[i];
    VISAVIS_TRY(report, protocols::verify_pairs(list, embeddings));
    print_row(options, column, report);
  }
  return {};
}

/// The faces of the people in one of LFW's lists.
Result<std::vector<protocols::LabelledFace>> labelled(const fs::path& list,
                                                      const std::vector<std::string>& photos,
                                                      const Column& column) {
  VISAVIS_TRY(text, read_text(list));
  VISAVIS_TRY(people, protocols::parse_people(text));
  std::vector<protocols::LabelledFace> faces;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    std::string person = photos[i].substr(0, photos[i].find('/'));
    if (column.embeddings[i] && people.contains(person))
      faces.push_back({.person = std::move(person), .embedding = *column.embeddings[i]});
  }
  return faces;
}

Result<void> calibrate(const Options& options, const std::vector<std::string>& photos,
                       const Column& column, Executor& executor) {
  const models::Manifest& manifest = column.network->manifest;
  protocols::CalibrationOptions calibration_options;
  calibration_options.norm_is_quality = manifest.norm_is_quality;
  calibration_options.provenance =
      "LFW (deep-funneled) View 1 DevTrain, every photo with every photo of other people, the face "
      "nearest the centre, detector " +
      options.detector + ", " + options.precision;
  VISAVIS_TRY(train, labelled(options.data / "peopleDevTrain.txt", photos, column));
  VISAVIS_TRY(calibration, protocols::calibrate(train, calibration_options, executor));
  const fs::path path = options.calibrate / (manifest.id + (column.flip ? ".flip.json" : ".json"));
  VISAVIS_CHECK(write_file(path, matching::to_json(calibration)));

  VISAVIS_TRY(test, labelled(options.data / "peopleDevTest.txt", photos, column));
  VISAVIS_TRY(rates, protocols::observe(test, calibration, {}, executor));
  for (const protocols::ObservedRate& rate : rates)
    std::printf("| %s | %g | %.4f | %.2e | %.2f |\n", column.name().c_str(), rate.far,
                rate.threshold, rate.observed_far, 100 * rate.observed_frr);
  return {};
}

Result<NetworkPtr> load(const models::Store& store, const std::string& id, const Options& options) {
  VISAVIS_TRY(precision, runtime::parse_precision(options.precision));
  models::NetworkOptions network_options;
  network_options.engine = options.engine;
  network_options.load.streams = options.threads;
  network_options.load.precision = precision;
  VISAVIS_TRY(network, models::load_network(store, id, network_options));
  return std::make_shared<const models::Network>(std::move(network));
}

Result<void> run(const Options& options) {
  VISAVIS_TRY(store, models::Store::open({options.manifests}, options.store));
  VISAVIS_TRY(detector, load(store, options.detector, options));
  NetworkPtr landmarks;
  if (!options.landmarks.empty()) {
    VISAVIS_TRY(network, load(store, options.landmarks, options));
    landmarks = std::move(network);
  }
  std::vector<Column> columns;
  for (const std::string& id : options.recognisers) {
    VISAVIS_TRY(network, load(store, id, options));
    for (const bool flip : {false, true}) columns.push_back({network, flip, {}});
  }
  VISAVIS_TRY(text, read_text(options.data / "pairs.txt"));
  VISAVIS_TRY(list, protocols::parse_pairs(text));
  const bool all = !options.calibrate.empty();
  const auto photos = all ? all_photos(options.data / "images") : protocols::images_of(list);

  VISAVIS_TRY(workers, open_workers(options, detector, landmarks, columns));
  const auto executor = make_thread_pool(options.threads);
  VISAVIS_CHECK(embed_all(options, photos, workers, columns, *executor));
  VISAVIS_CHECK(verify(options, list, photos, columns));
  if (!all) return {};
  std::printf(
      "\n| recogniser | FAR | threshold | FAR on DevTest | FRR on DevTest %% |\n"
      "|---|---|---|---|---|\n");
  for (const Column& column : columns) VISAVIS_CHECK(calibrate(options, photos, column, *executor));
  return {};
}

}  // namespace
}  // namespace visavis

int main(int argc, char** argv) {
  visavis::Options options;
  CLI::App app("LFW from raw photos to figures");
  app.add_option("--data", options.data, "LFW's folder: images/, pairs.txt, people*.txt")
      ->required();
  app.add_option("--manifests", options.manifests, "folder of manifests");
  app.add_option("--store", options.store, "model store")->required();
  app.add_option("--calibrate", options.calibrate, "write calibrations into this folder");
  app.add_option("--detector", options.detector);
  app.add_option("--landmarks", options.landmarks, "for detectors that find boxes only");
  app.add_option("--recogniser", options.recognisers, "one or more");
  app.add_option("--engine", options.engine);
  app.add_option("--precision", options.precision);
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 256));
  CLI11_PARSE(app, argc, argv);
  const auto outcome = visavis::run(options);
  if (outcome) return 0;
  std::fprintf(stderr, "%s\n", outcome.error().message.c_str());
  return 4;
}
