#include "visavis/usecases/workbench.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <visavis/detect/detector.hpp>
#include <visavis/landmark/landmarker.hpp>
#include <visavis/pipeline/finder.hpp>
#include <visavis/quality/fit.hpp>
#include <visavis/runtime/engine.hpp>

#include "bench_impl.hpp"
#include "classify.hpp"
#include "library.hpp"
#include "numbers.hpp"
#include "processors.hpp"

namespace visavis::usecases {
namespace {

using SharedNetwork = std::shared_ptr<const models::Network>;

constexpr int kMaxThreads = 1024;

Outcome<Split> split_threads(const WorkbenchOptions& options, std::size_t photos) {
  if (options.threads < 0 || options.threads > kMaxThreads)
    return usage("the number of threads is not between 0 and 1024");
  int threads = options.threads;
  if (threads == 0) threads = processors();
  const auto enough = std::clamp<std::size_t>(photos, 1, static_cast<std::size_t>(threads));
  const int workers = static_cast<int>(enough);
  return Split{.workers = workers, .threads_each = threads / workers};
}

Outcome<void> check_role(const models::Manifest& manifest, models::Role role,
                         std::string_view name) {
  if (manifest.role == role) return {};
  return usage("the model " + manifest.id + " is no " + std::string(name));
}

/// The family decides, not the code of the detector: networks are loaded side by side, before one
/// of them could be asked.
bool finds_landmarks(const models::Manifest& detector) { return detector.family == "mtcnn"; }

Outcome<models::NetworkOptions> network_options(const Places& places,
                                                const WorkbenchOptions& options, Split split) {
  models::NetworkOptions network{.engine = options.engine, .load = {}};
  VISAVIS_TRY(precision, caused_by(Cause::kUsage, runtime::parse_precision(options.precision)));
  network.load.precision = precision;
  network.load.threads = split.threads_each;
  network.load.streams = split.workers;
  network.load.cache_dir = places.compiled;
  const auto engine = runtime::find_engine(options.engine);
  if (!engine)
    return std::unexpected(
        Failure(engine.error().code == ErrorCode::kNotFound ? Cause::kUsage : Cause::kEnvironment,
                engine.error()));
  return network;
}

/// Bfloat16 without AMX's tiles costs more than it saves: the docs have figures of both kinds of
/// CPU.
bool bf16_is_fast() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("amx-bf16");
#else
  return true;  // nobody measured
#endif
}

/// An option that the detector would ignore is a misunderstanding.
Outcome<void> check_detector_options(const models::Manifest& detector,
                                     const WorkbenchOptions& options) {
  const WorkbenchOptions defaults;
  const bool is_cascade = finds_landmarks(detector);
  if (is_cascade && options.landmarks != defaults.landmarks)
    return usage("the detector " + detector.id + " finds its own landmarks: leave --landmarks out");
  if (!is_cascade && options.factor != defaults.factor)
    return usage("the detector " + detector.id + " has no pyramid: leave --factor out");
  return {};
}

/// Side by side: compiling is most of a program's start.
Outcome<std::vector<SharedNetwork>> load_all(const models::Store& store,
                                             const std::vector<Wanted>& wanted,
                                             const models::NetworkOptions& options, int threads) {
  std::vector<Result<models::Network>> loaded(wanted.size(),
                                              fail(ErrorCode::kInternal, "was not loaded"));
  const auto pool = make_thread_pool(std::min(threads, static_cast<int>(wanted.size())));
  pool->parallel_for(wanted.size(), [&](std::size_t index, int) {
    models::NetworkOptions own = options;
    own.parts = wanted[index].parts;
    own.compile_data = !own.parts.empty();  // a whole model brings its own kernels for these
    loaded[index] = models::load_network(store, wanted[index].id, own);
  });
  std::vector<SharedNetwork> networks;
  for (Result<models::Network>& network : loaded) {
    VISAVIS_TRY(ready, caused_by(Cause::kEnvironment, std::move(network)));
    networks.push_back(std::make_shared<const models::Network>(std::move(ready)));
  }
  return networks;
}

/// What the answer says where no engine ran: MTCNN alone.
constexpr std::string_view kOwnKernels = "native";

void note_networks(Workbench::Impl& bench) {
  for (const SharedNetwork& network : {bench.detector, bench.landmarks, bench.recogniser}) {
    if (!network) continue;
    // The recogniser comes last: its precision is the one that decides the embeddings.
    const runtime::Model* part = models::any_part(*network);
    bench.facts.engine = part != nullptr ? part->engine_name() : kOwnKernels;
    bench.facts.precision =
        runtime::to_string(part != nullptr ? part->precision() : runtime::Precision::kF32);
    log(bench.sink, LogLevel::kInfo,
        network->manifest.id + " runs on " + bench.facts.engine + " in " + bench.facts.precision +
            ": loaded in " + std::to_string(std::lround(network->times.load_ms)) +
            " ms, warmed up in " + std::to_string(std::lround(network->times.warm_up_ms)) + " ms");
    bench.facts.load_ms += network->times.load_ms;
    bench.facts.warm_up_ms += network->times.warm_up_ms;
  }
  if (bench.facts.precision == runtime::to_string(runtime::Precision::kBf16) && !bf16_is_fast())
    log(bench.sink, LogLevel::kWarning,
        "this CPU has no AMX: bf16 is slower than f32 on it and less exact");
}

void set_fit(Workbench::Impl& bench, const models::QualityFit& wanted, const LogSink& sink) {
  quality::Fit fit{.bias = wanted.bias, .weights = {}};
  for (const auto& [name, weight] : wanted.weights) {
    const auto known = std::ranges::find(quality::kMeasureNames, name);
    if (known == quality::kMeasureNames.end()) {
      log(sink, LogLevel::kWarning,
          "the manifest's quality knows a measure " + name +
              " that this version does not, and is not used");
      return;
    }
    fit.weights[static_cast<std::size_t>(known - quality::kMeasureNames.begin())] = weight;
  }
  bench.pipeline_options.norm.has_meaning = bench.manifest->norm_is_quality;
  bench.pipeline_options.norm.fit = fit;
}

void set_rule(Workbench::Impl& bench, const LogSink& sink) {
  const models::Manifest& manifest = *bench.manifest;
  if (manifest.quality_aware)
    bench.rule = {.kind = matching::ScoreKind::kQualityAware,
                  .alpha = manifest.quality_aware->alpha,
                  .beta = manifest.quality_aware->beta};
  bench.calibration = find_calibration(bench.places, manifest, bench.flip, sink);
  if (bench.calibration && bench.calibration->score_kind != bench.rule.kind) {
    log(sink, LogLevel::kWarning, "the calibration is of another kind of score and is not used");
    bench.calibration.reset();
  }
  if (bench.calibration && bench.calibration->norm && manifest.norm_is_quality)
    bench.pipeline_options.norm = {.has_meaning = true,
                                   .low = static_cast<float>(bench.calibration->norm->low),
                                   .high = static_cast<float>(bench.calibration->norm->high)};
  if (manifest.quality) set_fit(bench, *manifest.quality, sink);
}

Outcome<void> open_workers(Workbench::Impl& bench) {
  const auto look = bench.second_look ? pipeline::SecondLook::kYes : pipeline::SecondLook::kNo;
  for (int i = 0; i < bench.split.workers; ++i) {
    auto finder =
        pipeline::open_finder(bench.detector, bench.landmarks, bench.detector_options, look);
    if (!finder)
      return std::unexpected(Failure(
          finder.error().code == ErrorCode::kInvalidArgument ? Cause::kUsage : Cause::kEnvironment,
          finder.error()));
    if (!bench.recogniser) {
      bench.finders.push_back(*std::move(finder));
      continue;
    }
    VISAVIS_TRY(pipeline, caused_by(Cause::kEnvironment,
                                    pipeline::Pipeline::open(*std::move(finder), bench.recogniser,
                                                             bench.pipeline_options)));
    bench.pipelines.push_back(std::move(pipeline));
  }
  return {};
}

Outcome<void> plan_recogniser(Workbench::Impl& bench, const WorkbenchOptions& options,
                              const LogSink& sink) {
  VISAVIS_TRY(recogniser, find_model(bench.store, options.recogniser));
  VISAVIS_CHECK(check_role(recogniser, models::Role::kRecogniser, "recogniser"));
  bench.model = models::model_id(recogniser, options.flip);
  bench.manifest = std::move(recogniser);
  bench.pipeline_options.embedder.flip = options.flip;
  bench.facts.recogniser = options.recogniser;
  bench.facts.flip = options.flip;
  bench.facts.model = models::to_hex(bench.model);
  set_rule(bench, sink);
  return {};
}

/// Everything that decides what is found in a photo. The number of threads does not.
std::string settings_of(const WorkbenchOptions& options) {
  std::string text = options.engine + " " + options.precision + " " + options.detector + " " +
                     options.landmarks + " " + options.recogniser + (options.flip ? " flip" : "") +
                     " " + shortest(options.min_face_px) + " " + shortest(options.factor);
  for (const float threshold : options.thresholds) text += " " + shortest(threshold);
  return text;
}

}  // namespace

Workbench::Workbench(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Workbench::Workbench(Workbench&&) noexcept = default;
Workbench& Workbench::operator=(Workbench&&) noexcept = default;
Workbench::~Workbench() = default;

Outcome<Workbench> Workbench::open(const Places& places, const WorkbenchOptions& options,
                                   const Need& need, const LogSink& sink) {
  VISAVIS_TRY(split, split_threads(options, need.photos));
  VISAVIS_TRY(network, network_options(places, options, split));
  VISAVIS_TRY(store, open_store(places));
  VISAVIS_TRY(detector, find_model(store, options.detector));
  VISAVIS_CHECK(check_role(detector, models::Role::kDetector, "detector"));
  VISAVIS_CHECK(check_detector_options(detector, options));
  auto impl = std::make_unique<Impl>(std::move(store));
  impl->places = places;
  impl->sink = sink;
  impl->settings = settings_of(options);
  impl->flip = options.flip;
  impl->second_look = need.second_look;
  impl->pipeline_options.keep_chips = need.chips;
  impl->split = split;
  impl->network_options = std::move(network);
  impl->wanted_detector.id = detector.id;
  impl->facts.threads = split.workers * split.threads_each;
  impl->facts.detector = options.detector;
  impl->detector_options = {.min_face_px = options.min_face_px,
                            .thresholds = options.thresholds,
                            .factor = options.factor};
  VISAVIS_TRY(landmarks, find_model(impl->store, options.landmarks));
  if (!finds_landmarks(detector)) {
    VISAVIS_TRY(part, caused_by(Cause::kUsage, landmark::part_of(landmarks)));
    impl->wanted_landmarks = Wanted{.id = landmarks.id, .parts = {part}};
  }
  if (need.recogniser) VISAVIS_CHECK(plan_recogniser(*impl, options, sink));
  return Workbench(std::move(impl));
}

Outcome<RunFacts> Workbench::ready() {
  Impl& bench = *impl_;
  if (bench.executor) return bench.facts;
  std::vector<Wanted> wanted{bench.wanted_detector};
  const bool stored = bench.manifest && !bench.recogniser;
  if (stored)
    wanted.push_back({.id = bench.manifest->id, .parts = embedding_parts(*bench.manifest)});
  if (bench.wanted_landmarks) wanted.push_back(*bench.wanted_landmarks);
  VISAVIS_TRY(networks, load_all(bench.store, wanted, bench.network_options, bench.facts.threads));
  bench.detector = networks[0];
  if (stored) bench.recogniser = networks[1];
  if (bench.wanted_landmarks) bench.landmarks = networks.back();
  note_networks(bench);
  VISAVIS_CHECK(open_workers(bench));
  bench.executor = make_thread_pool(bench.split.workers);
  return bench.facts;
}

}  // namespace visavis::usecases
