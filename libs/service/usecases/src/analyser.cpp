#include "visavis/usecases/analyser.hpp"

#include <algorithm>
#include <new>
#include <utility>
#include <visavis/image/decode.hpp>

#include "bench_impl.hpp"

namespace visavis::usecases {
namespace {

/// Pixels that are decoded at once by one worker, beyond the first photo of a batch: of small
/// photos all, of large ones few.
constexpr std::uint64_t kPixelsAtOnce = 16'000'000;

class Watch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

struct Task {
  Upload photo;
  Look wanted;
  Watch waiting{};
};

using Answer = Outcome<Seen>;
using Batcher = batching::Batcher<Task, Answer>;

Failure refused(batching::Refusal refusal) {
  switch (refusal) {
    case batching::Refusal::kFull:
      return {Cause::kEnvironment,
              {ErrorCode::kResourceExhausted, "too many photos wait already; try again soon"}};
    case batching::Refusal::kLate:
      return {Cause::kEnvironment,
              {ErrorCode::kUnavailable, "the photo's turn did not come in time; try again"}};
    case batching::Refusal::kClosed:
      return {Cause::kEnvironment, {ErrorCode::kUnavailable, "the server is shutting down"}};
  }
  return {Cause::kDefect, {ErrorCode::kInternal, "an unknown refusal"}};
}

}  // namespace

void StageTimes::add(double duration) noexcept {
  ++counts[static_cast<std::size_t>(std::ranges::lower_bound(kBounds, duration) - kBounds.begin())];
  seconds += duration;
}

struct Analyser::Impl {
  Impl(Workbench opened, RunFacts run, const AnalyserOptions& given, std::size_t workers)
      : workbench(std::move(opened)),
        facts(std::move(run)),
        options(given),
        batcher(
            {.max_batch = given.max_batch, .max_waiting = given.max_waiting, .workers = workers}) {}

  Workbench workbench;
  RunFacts facts;
  AnalyserOptions options;
  Batcher batcher;
  mutable std::mutex mutex;
  AnalyserTimes times;

  [[nodiscard]] Outcome<image::Decoded> decode(const Upload& photo);
  void analyse(pipeline::Pipeline& pipeline, std::span<const Task> tasks,
               std::span<const image::Decoded> images, std::span<Answer*> answers);
  [[nodiscard]] std::vector<Answer> work(pipeline::Pipeline& pipeline, std::span<Task> tasks);
};

Outcome<image::Decoded> Analyser::Impl::decode(const Upload& photo) {
  const Watch watch;
  auto decoded =
      caused_by(Cause::kInput, image::decode(photo.bytes, {.max_bytes = options.max_bytes,
                                                           .max_pixels = options.max_pixels}));
  const std::scoped_lock lock(mutex);
  times.decode.add(watch.seconds());
  return decoded;
}

/// Answers for decoded photos of one batch.
void Analyser::Impl::analyse(pipeline::Pipeline& pipeline, std::span<const Task> tasks,
                             std::span<const image::Decoded> images, std::span<Answer*> answers) {
  std::vector<pipeline::Query> queries;
  for (std::size_t i = 0; i < images.size(); ++i)
    queries.push_back({.image = images[i].image.view(),
                       .selection = tasks[i].wanted.selection,
                       .embed = tasks[i].wanted.embed});
  const Watch watch;
  auto found = pipeline.analyse(queries);
  {
    const std::scoped_lock lock(mutex);
    times.analyse.add(watch.seconds());
  }
  if (!found && images.size() > 1) {  // whoever it failed for, the others shall not know
    for (std::size_t i = 0; i < images.size(); ++i)
      analyse(pipeline, tasks.subspan(i, 1), images.subspan(i, 1), answers.subspan(i, 1));
    return;
  }
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (!found) {
      *answers[i] = std::unexpected(Failure(Cause::kEnvironment, found.error()));
      continue;
    }
    (*answers[i])->faces = std::move((*found)[i].faces);
    (*answers[i])->faces_found = (*found)[i].faces_found;
  }
}

/// Decodes and looks, some photos at a time, so that pixels of few photos are in memory.
std::vector<Answer> Analyser::Impl::work(pipeline::Pipeline& pipeline, std::span<Task> tasks) {
  {
    const std::scoped_lock lock(mutex);
    for (const Task& task : tasks) times.wait.add(task.waiting.seconds());
  }
  std::vector<Answer> answers(tasks.size(), Answer(Seen{}));
  std::vector<Task> ready;
  std::vector<image::Decoded> images;
  std::vector<Answer*> waiting;
  std::uint64_t pixels = 0;
  const auto flush = [&] {
    if (images.empty()) return;
    analyse(pipeline, ready, images, waiting);
    ready.clear();
    images.clear();
    waiting.clear();
    pixels = 0;
  };
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    try {
      auto decoded = decode(tasks[i].photo);
      if (!decoded) {
        answers[i] = std::unexpected(std::move(decoded).error());
        continue;
      }
      const Image& image = decoded->image;
      pixels +=
          static_cast<std::uint64_t>(image.width()) * static_cast<std::uint64_t>(image.height());
      answers[i]->photo = facts_of({.path = tasks[i].photo.path}, *decoded);
      ready.push_back(tasks[i]);
      images.push_back(*std::move(decoded));
      waiting.push_back(&answers[i]);
      if (pixels >= kPixelsAtOnce) flush();
    } catch (const std::bad_alloc&) {
      answers[i] = std::unexpected(Failure({ErrorCode::kResourceExhausted, "memory ran out"}));
    }
  }
  try {
    flush();
  } catch (const std::bad_alloc&) {
    for (Answer* answer : waiting)
      *answer = std::unexpected(Failure({ErrorCode::kResourceExhausted, "memory ran out"}));
  }
  return answers;
}

Outcome<std::unique_ptr<Analyser>> Analyser::open(const Places& places,
                                                  const WorkbenchOptions& workbench,
                                                  const AnalyserOptions& options,
                                                  const LogSink& sink) {
  constexpr std::size_t kMany = 1'000'000;  // every thread takes photos of its own
  VISAVIS_TRY(bench, Workbench::open(places, workbench, {.photos = kMany, .chips = true}, sink));
  VISAVIS_TRY(run, bench.ready());
  const std::size_t workers = bench.impl().pipelines.size();
  return std::unique_ptr<Analyser>(
      new Analyser(std::make_unique<Impl>(std::move(bench), std::move(run), options, workers)));
}

Analyser::Analyser(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Analyser::~Analyser() = default;

int Analyser::workers() const noexcept {
  return static_cast<int>(impl_->workbench.impl().pipelines.size());
}

void Analyser::serve(int worker) {
  pipeline::Pipeline& pipeline =
      impl_->workbench.impl().pipelines[static_cast<std::size_t>(worker)];
  impl_->batcher.serve(
      [this, &pipeline](std::span<Task> tasks) { return impl_->work(pipeline, tasks); });
}

void Analyser::close() { impl_->batcher.close(); }

Outcome<Seen> Analyser::look(const Upload& photo, const Look& wanted, Deadline deadline) {
  auto answer = impl_->batcher.submit({.photo = photo, .wanted = wanted}, deadline);
  if (!answer) return std::unexpected(refused(answer.error()));
  return *std::move(answer);
}

const RunFacts& Analyser::facts() const noexcept { return impl_->facts; }
batching::BatcherStats Analyser::queue() const { return impl_->batcher.stats(); }
AnalyserTimes Analyser::times() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->times;
}
Workbench::Impl& Analyser::bench() noexcept { return impl_->workbench.impl(); }

}  // namespace visavis::usecases
