#pragma once

/// What a workbench holds, and how a verb runs over photos.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>
#include <visavis/core/log.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/models/store.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

/// One network to load.
struct Wanted {
  std::string id;
  std::vector<std::string> parts{};  ///< Empty: all.
};

/// How `threads` are used on photos: photos side by side first, what is left inside each.
struct Split {
  int workers = 1;
  int threads_each = 1;
};

struct Workbench::Impl {
  explicit Impl(models::Store models) : store(std::move(models)) {}

  // Known from the beginning:
  RunFacts facts{};  ///< Without engine, precision and times.
  Places places{};
  LogSink sink{};
  std::string settings{};  ///< Decide what is found in a photo, as text.
  bool flip = false;
  bool second_look = false;
  Split split{};
  models::Store store;
  models::NetworkOptions network_options{};
  Wanted wanted_detector{};
  std::optional<Wanted> wanted_landmarks{};
  std::optional<models::Manifest> manifest{};  ///< The recogniser's, if one is needed.
  ModelId model{};                             ///< Of the embeddings.
  detect::DetectorOptions detector_options;
  pipeline::PipelineOptions pipeline_options;
  std::optional<matching::Calibration> calibration;
  protocols::ScoreRule rule;
  // Known when the networks are loaded:
  std::shared_ptr<const models::Network> detector;
  std::shared_ptr<const models::Network> landmarks;  ///< Null if the detector needs none.
  /// Null if none is needed. What is there before stays: another network than the store's.
  std::shared_ptr<const models::Network> recogniser;
  std::unique_ptr<Executor> executor;  ///< Null until then.
  /// One for each worker: pipelines if there is a recogniser, else finders.
  std::vector<std::unique_ptr<detect::Detector>> finders;
  std::vector<pipeline::Pipeline> pipelines;
};

[[nodiscard]] PhotoFacts facts_of(const Photo& photo, const image::Decoded& decoded);

/// Calls `work(photo, bytes, worker)` with every photo's file, in parallel over the workbench's
/// workers.
/// @return one result for each photo, in their order.
template <class T, class Work>
[[nodiscard]] std::vector<Outcome<T>> over_files(Workbench::Impl& bench,
                                                 const std::vector<Photo>& photos,
                                                 const Progress& progress, const Work& work) {
  std::vector<std::optional<Outcome<T>>> slots(photos.size());
  std::mutex mutex;
  std::size_t done = 0;
  const auto one = [&](const Photo& photo, int worker) -> Outcome<T> {
    // Pixels are the big allocation; running out of memory for one photo must not end the rest.
    try {
      // A photo that cannot be read is bad input, whatever kept it from being read.
      VISAVIS_TRY(
          bytes, caused_by(Cause::kInput, read_file(photo.path, image::DecodeOptions{}.max_bytes)));
      return work(photo, std::span<const std::byte>(bytes), static_cast<std::size_t>(worker));
    } catch (const std::bad_alloc&) {
      return std::unexpected(Failure({ErrorCode::kResourceExhausted, "memory ran out"}));
    }
  };
  bench.executor->parallel_for(photos.size(), [&](std::size_t index, int worker) {
    slots[index] = one(photos[index], worker);
    const std::scoped_lock lock(mutex);
    ++done;
    if (progress) progress(done, photos.size());
  });
  std::vector<Outcome<T>> results;
  results.reserve(slots.size());
  for (std::optional<Outcome<T>>& slot : slots) results.push_back(*std::move(slot));
  return results;
}

/// A photo's pixels; what is damaged goes to the log.
[[nodiscard]] inline Outcome<image::Decoded> decode_photo(const Workbench::Impl& bench,
                                                          const Photo& photo,
                                                          std::span<const std::byte> bytes) {
  VISAVIS_TRY(decoded, caused_by(Cause::kInput, image::decode(bytes)));
  for (const std::string& warning : decoded.warnings)
    log(bench.sink, LogLevel::kWarning, photo.path + ": " + warning);
  return decoded;
}

/// As over_files, with `work(photo, decoded, worker)`; a photo's pixels live as long as its call.
/// Work that takes a fourth argument gets the file's bytes.
template <class T, class Work>
[[nodiscard]] std::vector<Outcome<T>> over_photos(Workbench::Impl& bench,
                                                  const std::vector<Photo>& photos,
                                                  const Progress& progress, const Work& work) {
  return over_files<T>(
      bench, photos, progress,
      [&](const Photo& photo, std::span<const std::byte> bytes, std::size_t worker) -> Outcome<T> {
        VISAVIS_TRY(decoded, decode_photo(bench, photo, bytes));
        if constexpr (std::is_invocable_v<Work, const Photo&, image::Decoded&, std::size_t,
                                          std::span<const std::byte>>)
          return work(photo, decoded, worker, bytes);
        else
          return work(photo, decoded, worker);
      });
}

/// Parts results into those that succeeded and problems with their photos' paths.
template <class T>
void collect(std::vector<Outcome<T>> results, const std::vector<Photo>& photos,
             std::vector<T>& good, std::vector<Problem>& errors) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i])
      good.push_back(*std::move(results[i]));
    else
      errors.push_back(problem(photos[i].path, std::move(results[i]).error()));
  }
}

[[nodiscard]] JudgedFace judged(const pipeline::FaceRecord& record);

/// The faces of one photo: all of them, or the selected one.
struct Analysed {
  PhotoFacts photo;  ///< Its warnings have been logged.
  std::vector<pipeline::FaceRecord> faces;
  std::size_t faces_found = 0;
  std::optional<Sha256> digest{};  ///< Of the file, if it was asked for.
};

/// Every face of a photo, or the selected one.
[[nodiscard]] Outcome<pipeline::Found> faces_in(pipeline::Pipeline& pipeline, ImageView image,
                                                std::optional<Selection> selection);

/// Calls `work(some, start, progress)` for one run of photos after the other, so that what is found
/// in them is in memory for one run at a time. `some` begins at `photos[start]`.
/// @return the first failure of `work`, which ends it
template <class Work>
[[nodiscard]] Outcome<void> in_batches(const std::vector<Photo>& photos, const Progress& progress,
                                       const Work& work) {
  constexpr std::size_t kAtOnce = 128;
  for (std::size_t start = 0; start < photos.size(); start += kAtOnce) {
    const std::size_t end = std::min(start + kAtOnce, photos.size());
    const std::vector<Photo> some(photos.begin() + static_cast<std::ptrdiff_t>(start),
                                  photos.begin() + static_cast<std::ptrdiff_t>(end));
    const Progress within = [&](std::size_t done, std::size_t) {
      if (progress) progress(start + done, photos.size());
    };
    VISAVIS_CHECK(work(some, start, within));
  }
  return {};
}

enum class Digest : std::uint8_t { kNo, kYes };

[[nodiscard]] std::vector<Outcome<Analysed>> analyse_photos(Workbench::Impl& bench,
                                                            const std::vector<Photo>& photos,
                                                            std::optional<Selection> selection,
                                                            const Progress& progress,
                                                            Digest digest = Digest::kNo);

}  // namespace visavis::usecases
