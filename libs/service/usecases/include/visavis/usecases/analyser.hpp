#pragma once

/// One set of networks for many callers at once: a server's eyes.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <visavis/batching/batcher.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

using Deadline = std::chrono::steady_clock::time_point;

struct AnalyserOptions {
  std::size_t max_batch = 8;               ///< Photos in one pass through the networks.
  std::size_t max_waiting = 256;           ///< Photos that wait for a worker.
  std::uint64_t max_bytes = 20ULL << 20U;  ///< Of one photo's file.
  std::uint64_t max_pixels = 50'000'000;   ///< Of one photo, as its header tells it.
};

/// A photo's file as it came. The bytes live until the answer is there.
struct Upload {
  std::string path{};  ///< What answers call it.
  std::span<const std::byte> bytes{};
};

/// What is wanted of a photo.
struct Look {
  std::optional<Selection> selection{};  ///< Nothing: every face.
  bool embed = true;
};

struct Seen {
  PhotoFacts photo{};
  std::vector<pipeline::FaceRecord> faces{};  ///< By falling confidence.
  std::size_t faces_found = 0;                ///< Before the selection.
};

/// How often a stage took how long.
struct StageTimes {
  /// Seconds; a duration counts at the first that it does not exceed, or after them all.
  static constexpr std::array<double, 12> kBounds{.001, .0025, .005, .01, .025, .05,
                                                  .1,   .25,   .5,   1,   2.5,  5};
  std::array<std::uint64_t, kBounds.size() + 1> counts{};
  double seconds = 0;  ///< Summed.

  void add(double duration) noexcept;
};

struct AnalyserTimes {
  StageTimes wait{};     ///< Of each photo for a worker.
  StageTimes decode{};   ///< Of each photo.
  StageTimes analyse{};  ///< Of each batch: finding, aligning and embedding its faces.
};

/// Thread-safe, `look` for any number of threads at once. Photos of different callers go through
/// the networks together; every caller gets the faces of its own.
///
///     auto analyser = Analyser::open(places, {}, {}, sink);
///     std::jthread worker([&] { (*analyser)->serve(0); });  // one for each of workers()
///     auto seen = (*analyser)->look({.path = "a.jpg", .bytes = file}, {}, deadline);
class Analyser {
 public:
  /// Loads and warms up.
  /// @return what Workbench::open and Workbench::ready return
  [[nodiscard]] static Outcome<std::unique_ptr<Analyser>> open(const Places& places,
                                                               const WorkbenchOptions& workbench,
                                                               const AnalyserOptions& options,
                                                               const LogSink& sink);
  ~Analyser();
  Analyser(const Analyser&) = delete;
  Analyser& operator=(const Analyser&) = delete;

  [[nodiscard]] int workers() const noexcept;
  /// Looks at photos on the calling thread until `close`. @pre 0 <= worker < workers(), each once
  void serve(int worker);
  /// What was accepted is done; nothing more is accepted.
  void close();

  /// @return kInput for a photo that cannot be read or is too large; kEnvironment with
  /// kResourceExhausted where too much waits already, and with kUnavailable where the deadline
  /// passed or the analyser was closed.
  [[nodiscard]] Outcome<Seen> look(const Upload& photo, const Look& wanted, Deadline deadline);

  [[nodiscard]] const RunFacts& facts() const noexcept;
  [[nodiscard]] batching::BatcherStats queue() const;
  [[nodiscard]] AnalyserTimes times() const;

  [[nodiscard]] Workbench::Impl& bench() noexcept;  ///< For this module's verbs.

 private:
  struct Impl;
  explicit Analyser(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::usecases
