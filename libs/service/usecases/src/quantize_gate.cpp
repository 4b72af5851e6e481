#include "quantize_gate.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/equivalence/equivalence.hpp>
#include <visavis/geometry/box.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::usecases {
namespace {

void add_floor(Quantized& answer, std::string name, double after, double limit) {
  answer.gate.push_back(
      {.name = std::move(name), .after = after, .limit = limit, .passed = after >= limit});
}

void add_ceiling(Quantized& answer, std::string name, double before, double after, double limit) {
  answer.gate.push_back({.name = std::move(name),
                         .before = before,
                         .after = after,
                         .limit = limit,
                         .passed = after <= limit});
}

/// Pairs of boxes of the same face, the most alike first, each box in one pair.
std::size_t count_same(const std::vector<Face>& before, const std::vector<Face>& after,
                       double overlap) {
  struct Pair {
    float overlap;
    std::size_t a;
    std::size_t b;
  };
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < before.size(); ++a)
    for (std::size_t b = 0; b < after.size(); ++b)
      pairs.push_back({geometry::overlap(before[a].box, after[b].box), a, b});
  std::ranges::stable_sort(pairs, std::greater{}, &Pair::overlap);
  std::set<std::size_t> taken_before;
  std::set<std::size_t> taken_after;
  for (const Pair& pair : pairs) {
    if (!(pair.overlap >= overlap)) break;
    if (taken_before.contains(pair.a) || taken_after.contains(pair.b)) continue;
    taken_before.insert(pair.a);
    taken_after.insert(pair.b);
  }
  return taken_before.size();
}

Outcome<std::vector<std::unique_ptr<detect::Detector>>> one_for_each_worker(
    const Workbench::Impl& bench, const std::shared_ptr<const models::Network>& network) {
  std::vector<std::unique_ptr<detect::Detector>> detectors;
  while (detectors.size() < bench.finders.size()) {
    VISAVIS_TRY(detector, caused_by(Cause::kEnvironment,
                                    detect::open_detector(network, bench.detector_options)));
    detectors.push_back(std::move(detector));
  }
  return detectors;
}

using Clock = std::chrono::steady_clock;

/// One network in one thread.
class Runner {
 public:
  static Result<Runner> open(const runtime::Engine& engine, std::span<const std::byte> bytes,
                             std::size_t values) {
    VISAVIS_TRY(model, engine.load(bytes, {}));
    VISAVIS_TRY(session, model->session());
    std::vector<std::int64_t> shape = model->inputs()[0].shape;
    std::ranges::replace(shape, -1, 1);
    std::size_t count = 1;
    for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
    if (count != values) return fail(ErrorCode::kModelMismatch, "the chip is not the input");
    return Runner(std::move(model), std::move(session), std::move(shape));
  }

  /// All that the network says to it.
  Result<std::vector<float>> answer(const std::vector<float>& sample) {
    const runtime::TensorView view = runtime::view_of(sample, shape_);
    VISAVIS_TRY(outputs, session_->run({&view, 1}));
    std::vector<float> numbers;
    for (const runtime::Tensor& output : outputs) {
      if (output.type != runtime::ElementType::kFloat32)
        return fail(ErrorCode::kUnsupported, "an output is not of float32");
      numbers.insert(numbers.end(), output.floats().begin(), output.floats().end());
    }
    return numbers;
  }

  /// @return the fastest of the runs of a tenth of a second, in milliseconds.
  Result<double> fastest(const std::vector<float>& sample) {
    constexpr double kEnough = 100;
    double spent = 0;
    double least = std::numeric_limits<double>::infinity();
    const runtime::TensorView view = runtime::view_of(sample, shape_);
    while (spent < kEnough) {
      const Clock::time_point start = Clock::now();
      VISAVIS_CHECK(session_->run({&view, 1}));
      const std::chrono::duration<double, std::milli> took = Clock::now() - start;
      least = std::min(least, took.count());
      spent += took.count();
    }
    return least;
  }

 private:
  Runner(std::shared_ptr<const runtime::Model> model, std::unique_ptr<runtime::Session> session,
         std::vector<std::int64_t> shape)
      : model_(std::move(model)), session_(std::move(session)), shape_(std::move(shape)) {}

  std::shared_ptr<const runtime::Model> model_;
  std::unique_ptr<runtime::Session> session_;
  std::vector<std::int64_t> shape_;
};

}  // namespace

Outcome<void> judge_embeddings(Workbench::Impl& bench, const GateTest& test,
                               std::shared_ptr<const models::Network> candidate,
                               const QuantizeLimits& limits, Quantized& answer,
                               const Progress& progress) {
  if (test.photos.empty()) {
    add_floor(answer, "mean cosine", answer.held_out_cosine, limits.min_cosine);
    return {};
  }
  VISAVIS_TRY(judged, compare_embeddings(bench, test, std::move(candidate),
                                         {.mean_cosine = limits.min_cosine,
                                          .accuracy_loss = limits.accuracy_loss,
                                          .tar_loss = limits.tar_loss},
                                         progress));
  answer.tested = judged.tested;
  std::ranges::move(judged.figures, std::back_inserter(answer.gate));
  std::ranges::move(judged.errors, std::back_inserter(answer.errors));
  return {};
}

Outcome<void> judge_faces(Workbench::Impl& bench, const std::vector<Photo>& photos,
                          const std::shared_ptr<const models::Network>& candidate,
                          const QuantizeLimits& limits, Quantized& answer,
                          const Progress& progress) {
  VISAVIS_TRY(truths, one_for_each_worker(bench, bench.detector));
  VISAVIS_TRY(candidates, one_for_each_worker(bench, candidate));
  const auto work = [&](const Photo&, image::Decoded& decoded,
                        std::size_t worker) -> Outcome<FacesTold> {
    const ImageView image = decoded.image.view();
    VISAVIS_TRY(before, truths[worker]->detect({&image, 1}));
    VISAVIS_TRY(after, candidates[worker]->detect({&image, 1}));
    return FacesTold{.before = before[0].size(),
                     .after = after[0].size(),
                     .same = count_same(before[0], after[0], limits.overlap)};
  };
  std::vector<FacesTold> told;
  collect(over_photos<FacesTold>(bench, photos, progress, work), photos, told, answer.errors);
  FacesTold sum;
  for (const FacesTold& one : told) {
    sum.before += one.before;
    sum.after += one.after;
    sum.same += one.same;
    answer.tested += one.before > 0 ? 1 : 0;
  }
  answer.faces = sum;
  if (sum.before == 0)
    return std::unexpected(Failure(
        Cause::kInput,
        {ErrorCode::kInvalidArgument, "the photos to test on show no face to the float model"}));
  const auto share = [&](std::size_t whole) {
    return whole == 0 ? 0 : static_cast<double>(sum.same) / static_cast<double>(whole);
  };
  add_floor(answer, "faces found again", share(sum.before), limits.same_faces);
  add_floor(answer, "faces that float finds, too", share(sum.after), limits.same_faces);
  return {};
}

Outcome<double> mean_cosine(const runtime::Engine& engine, std::span<const std::byte> before,
                            std::span<const std::byte> after,
                            const std::vector<std::vector<float>>& samples) {
  const auto measure = [&]() -> Result<double> {
    VISAVIS_TRY(source, Runner::open(engine, before, samples.front().size()));
    VISAVIS_TRY(result, Runner::open(engine, after, samples.front().size()));
    double sum = 0;
    for (const std::vector<float>& sample : samples) {
      VISAVIS_TRY(ours, source.answer(sample));
      VISAVIS_TRY(theirs, result.answer(sample));
      if (ours.size() != theirs.size())
        return fail(ErrorCode::kModelMismatch, "the outputs are of other sizes than before");
      sum += modelkit::cosine(ours, theirs);
    }
    return sum / static_cast<double>(samples.size());
  };
  return caused_by(Cause::kEnvironment, measure());
}

Outcome<void> judge_cost(const runtime::Engine& engine, std::span<const std::byte> before,
                         std::span<const std::byte> after, const std::vector<float>& sample,
                         const QuantizeLimits& limits, Quantized& answer) {
  const auto size = static_cast<double>(before.size());
  add_ceiling(answer, "bytes", size, static_cast<double>(after.size()), limits.size * size);
  const auto measure = [&]() -> Result<std::array<double, 2>> {
    VISAVIS_TRY(slow, Runner::open(engine, before, sample.size()));
    VISAVIS_TRY(fast, Runner::open(engine, after, sample.size()));
    std::array<double, 2> least{std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::infinity()};
    constexpr int kTurns = 10;
    for (int turn = 0; turn < kTurns; ++turn) {
      VISAVIS_TRY(f32, slow.fastest(sample));
      VISAVIS_TRY(int8, fast.fastest(sample));
      least = {std::min(least[0], f32), std::min(least[1], int8)};
    }
    return least;
  };
  VISAVIS_TRY(least, caused_by(Cause::kEnvironment, measure()));
  add_ceiling(answer, "milliseconds", least[0], least[1], least[0] / limits.speed);
  return {};
}

}  // namespace visavis::usecases
