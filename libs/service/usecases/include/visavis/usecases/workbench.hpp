#pragma once

/// Networks made ready for a job: a detector, if wanted a recogniser, and the threads to run them.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/places.hpp>

namespace visavis::usecases {

struct WorkbenchOptions {
  std::string engine = "auto";
  std::string precision = "f32";
  int threads = 0;  ///< In all; 0: one for each processor.
  std::string detector = "mtcnn";
  /// Finds the five points where the detector does not.
  std::string landmarks = "faceplugin-landmark-68";
  std::string recogniser = "faceplugin-512";
  bool flip = false;  ///< Average with the mirrored chip's embedding.
  double min_face_px = 20;
  std::vector<float> thresholds{};  ///< Empty: the detector's own.
  double factor = 0.709;            ///< MTCNN's pyramid.
};

/// What the job needs.
struct Need {
  bool recogniser = true;
  /// How many photos there will be: several go through in parallel, each on one thread; a single
  /// one has all threads.
  std::size_t photos = 1;
  /// Search again, less strictly at first, in photos where MTCNN finds nothing: for photos that are
  /// there because they show a face (pipeline::SecondLook).
  bool second_look = false;
  bool chips = false;  ///< The aligned faces are wanted, too.
};

/// What ran, for the answer.
struct RunFacts {
  std::string engine{};
  std::string precision{};
  int threads = 1;
  std::string detector{};
  std::string recogniser{};  ///< Empty if none was opened.
  bool flip = false;
  std::string model{};    ///< ModelId of the embeddings, 16 digits; empty without a recogniser.
  double load_ms = 0;     ///< Reading, verifying and compiling, summed over the networks.
  double warm_up_ms = 0;  ///< First runs, summed over the networks.
};

/// Thread-compatible: one verb at a time; inside, a verb uses as many threads as were asked for.
/// Opening looks at manifests only. Networks are loaded when a verb has found nothing wrong with
/// what it was asked: who mistyped an output or a gallery does not wait for them.
///
///     auto bench = Workbench::open(places, {.detector = "mtcnn"}, {.photos = 3}, sink);
///     auto found = detect(*bench, photos, {}, {});
class Workbench {
 public:
  /// @return kUsage for an engine, a model or a parameter that does not exist; kEnvironment for an
  /// engine that cannot run here.
  [[nodiscard]] static Outcome<Workbench> open(const Places& places,
                                               const WorkbenchOptions& options, const Need& need,
                                               const LogSink& sink);

  Workbench(Workbench&&) noexcept;
  Workbench& operator=(Workbench&&) noexcept;
  ~Workbench();

  /// Loads the networks, the first time.
  /// @return what runs; kEnvironment for a model file that is missing, damaged or another; kUsage
  /// for a parameter that the detector does not take.
  [[nodiscard]] Outcome<RunFacts> ready();

  struct Impl;
  [[nodiscard]] Impl& impl() noexcept { return *impl_; }  ///< For this module's verbs.

 private:
  explicit Workbench(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::usecases
