#pragma once

/// How long each stage takes on this machine.

#include <cstddef>
#include <string>
#include <vector>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

struct StageTime {
  /// "decode", "detect" (all faces), "align", "quality", "embed" (one face each), "identify" (one
  /// face among 1,000 people), "end_to_end" (file to name, the largest face).
  std::string stage;
  std::string image;  ///< File name without its folder.
  double p50_ms = 0;
  double p99_ms = 0;      ///< The largest sample below 100 repetitions.
  std::size_t count = 0;  ///< Repetitions.
  std::size_t faces = 0;  ///< Found in the photo.
};

struct Benchmark {
  RunFacts run;
  std::vector<StageTime> stages;
  double peak_memory_mib = 0;  ///< Of this process so far.
  std::vector<Problem> errors;
};

/// Runs every stage `repeat` times on every photo after one run that is not counted. A photo
/// without a face has no rows from "align" on.
/// @param bench   opened for one photo, so that all threads work inside it.
/// @param repeat  at least 1.
[[nodiscard]] Outcome<Benchmark> benchmark(Workbench& bench, const Inputs& inputs, int repeat,
                                           const Progress& progress);

}  // namespace visavis::usecases
