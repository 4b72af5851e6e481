#include "visavis/usecases/bench.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/models/prepare.hpp>
#include <visavis/pipeline/finder.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/pipeline/recogniser.hpp>
#include <visavis/quality/quality.hpp>
#include <visavis/runtime/engine.hpp>

#include "bench_impl.hpp"

namespace visavis::usecases {
namespace {

constexpr std::size_t kPeople = 1000;

/// Random directions: what they mean does not change what comparing costs.
std::vector<std::vector<float>> strangers(int dimension) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> all(kPeople,
                                      std::vector<float>(static_cast<std::size_t>(dimension)));
  for (std::vector<float>& one : all) {
    float squares = 0;
    for (float& value : one) {
      value = normal(random);
      squares += value * value;
    }
    for (float& value : one) value /= std::sqrt(squares);
  }
  return all;
}

/// @return the index of the nearest.
std::size_t nearest(const std::vector<std::vector<float>>& people, const Embedding& probe) {
  std::size_t best = 0;
  float highest = -2;
  for (std::size_t i = 0; i < people.size(); ++i) {
    const float similarity = matching::similarity(probe.values, people[i]);
    if (similarity <= highest) continue;
    highest = similarity;
    best = i;
  }
  return best;
}

double peak_memory_mib() {
  struct rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts KiB
}

/// Everything that one photo goes through, opened once.
struct Stages {
  Workbench::Impl& bench;
  std::unique_ptr<detect::Detector> finder;
  pipeline::Recogniser recogniser;
  std::vector<std::vector<float>> people;

  [[nodiscard]] static Outcome<Stages> open(Workbench::Impl& bench) {
    VISAVIS_TRY(finder,
                pipeline::open_finder(bench.detector, bench.landmarks, bench.detector_options));
    VISAVIS_TRY(recogniser,
                pipeline::Recogniser::open(bench.recogniser, bench.pipeline_options.embedder));
    auto people = strangers(recogniser.dimension());
    return Stages{.bench = bench,
                  .finder = std::move(finder),
                  .recogniser = std::move(recogniser),
                  .people = std::move(people)};
  }
};

/// Times one stage of one photo.
class Stopwatch {
 public:
  Stopwatch(std::string image, int repeat, std::vector<StageTime>& rows)
      : image_(std::move(image)), repeat_(repeat), rows_(rows) {}

  std::size_t faces = 0;

  /// @param work  returns what can fail; its first error ends the stage.
  Result<void> time(std::string stage, const std::function<Result<void>()>& work) {
    using Clock = std::chrono::steady_clock;
    VISAVIS_CHECK(work());
    std::vector<double> samples;
    for (int i = 0; i < repeat_; ++i) {
      const Clock::time_point start = Clock::now();
      VISAVIS_CHECK(work());
      samples.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    }
    std::ranges::sort(samples);
    const std::size_t n = samples.size();
    const double median = n % 2 == 1 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
    rows_.push_back({.stage = std::move(stage),
                     .image = image_,
                     .p50_ms = median,
                     .p99_ms = samples[std::min(n - 1, n * 99 / 100)],
                     .count = n,
                     .faces = faces});
    return {};
  }

 private:
  std::string image_;
  int repeat_;
  std::vector<StageTime>& rows_;
};

/// The engine call of one of the recogniser's networks alone, for what is in "embed" beside it.
Result<void> measure_network(const models::Network& network, const std::string& stage,
                             Stopwatch& watch) {
  const models::Preparation& preparation = network.manifest.preparation;
  VISAVIS_TRY(session, network.parts.begin()->second->session());
  const std::array<std::int64_t, 4> shape{1, models::channels(preparation), preparation.height,
                                          preparation.width};
  const std::vector<float> values(static_cast<std::size_t>(shape[1] * shape[2] * shape[3]), 0.25F);
  const std::array inputs{runtime::view_of(std::span(values), shape)};
  return watch.time(stage, [&]() -> Result<void> {
    VISAVIS_TRY(again, session->run(inputs));
    return {};
  });
}

Result<void> measure_networks(const models::Network& recogniser, Stopwatch& watch) {
  if (recogniser.members.empty()) return measure_network(recogniser, "network", watch);
  for (const auto& member : recogniser.members)
    VISAVIS_CHECK(measure_network(*member, "network " + member->manifest.id, watch));
  return {};
}

Result<void> measure_face(Stages& stages, ImageView image, const Face& face, Stopwatch& watch) {
  VISAVIS_TRY(chips, stages.recogniser.cut(image, face));
  const std::span one(&chips, 1);
  VISAVIS_TRY(embeddings, stages.recogniser.embed(one));
  VISAVIS_CHECK(watch.time("align", [&]() -> Result<void> {
    VISAVIS_TRY(again, stages.recogniser.cut(image, face));
    return {};
  }));
  VISAVIS_CHECK(watch.time("quality", [&]() -> Result<void> {
    if (quality::assess(face, chips[0].image.view()).score < 0)
      return fail(ErrorCode::kInternal, "negative quality");
    return {};
  }));
  VISAVIS_CHECK(watch.time("embed", [&]() -> Result<void> {
    VISAVIS_TRY(again, stages.recogniser.embed(one));
    return {};
  }));
  VISAVIS_CHECK(measure_networks(*stages.bench.recogniser, watch));
  return watch.time("identify", [&]() -> Result<void> {
    if (nearest(stages.people, embeddings[0]) >= kPeople)
      return fail(ErrorCode::kInternal, "nobody is nearest");
    return {};
  });
}

Result<void> measure_photo(Stages& stages, const Photo& photo, Stopwatch& watch) {
  VISAVIS_TRY(bytes, read_file(photo.path, image::DecodeOptions{}.max_bytes));
  VISAVIS_TRY(decoded, image::decode(bytes));
  const ImageView view = decoded.image.view();
  VISAVIS_TRY(found, stages.finder->detect(std::span(&view, 1)));
  watch.faces = found[0].size();
  VISAVIS_CHECK(watch.time("decode", [&]() -> Result<void> {
    VISAVIS_TRY(again, image::decode(bytes));
    return {};
  }));
  VISAVIS_CHECK(watch.time("detect", [&]() -> Result<void> {
    VISAVIS_TRY(again, stages.finder->detect(std::span(&view, 1)));
    return {};
  }));
  if (found[0].empty()) return {};
  const Face& face = found[0][pipeline::select(found[0], view, Selection::kLargest)];
  VISAVIS_CHECK(measure_face(stages, view, face, watch));
  return watch.time("end_to_end", [&]() -> Result<void> {
    VISAVIS_TRY(file, read_file(photo.path, image::DecodeOptions{}.max_bytes));
    VISAVIS_TRY(pixels, image::decode(file));
    VISAVIS_TRY(one,
                stages.bench.pipelines[0].analyse_one(pixels.image.view(), Selection::kLargest));
    if (!one.record || nearest(stages.people, one.record->embedding) >= kPeople)
      return fail(ErrorCode::kInternal, "the face was not found again");
    return {};
  });
}

}  // namespace

Outcome<Benchmark> benchmark(Workbench& bench, const Inputs& inputs, int repeat,
                             const Progress& progress) {
  if (repeat < 1) return usage("repeat is a number from 1");
  VISAVIS_TRY(run, bench.ready());
  VISAVIS_TRY(stages, Stages::open(bench.impl()));
  Benchmark answer{
      .run = std::move(run), .stages = {}, .peak_memory_mib = 0, .errors = inputs.errors};
  for (std::size_t i = 0; i < inputs.photos.size(); ++i) {
    const Photo& photo = inputs.photos[i];
    Stopwatch watch(std::filesystem::path(photo.path).filename().string(), repeat, answer.stages);
    const Result<void> measured = measure_photo(stages, photo, watch);
    if (!measured) answer.errors.push_back(problem(photo.path, measured.error()));
    if (progress) progress(i + 1, inputs.photos.size());
  }
  answer.peak_memory_mib = peak_memory_mib();
  return answer;
}

}  // namespace visavis::usecases
