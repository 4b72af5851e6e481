#include "criterion.hpp"

#include <cmath>
#include <string>
#include <utility>

namespace visavis::usecases {
namespace {

std::unexpected<Failure> usage(std::string message) {
  return std::unexpected(Failure(Cause::kUsage, {ErrorCode::kInvalidArgument, std::move(message)}));
}

}  // namespace

Outcome<Bar> find_bar(const Workbench::Impl& bench, const Criterion& criterion) {
  const int given = static_cast<int>(criterion.far.has_value()) +
                    static_cast<int>(criterion.fpir.has_value()) +
                    static_cast<int>(criterion.threshold.has_value());
  if (given > 1) return usage("--far, --fpir and --threshold exclude each other");
  for (const auto& value : {criterion.far, criterion.fpir, criterion.threshold})
    if (value && !std::isfinite(*value)) return usage("a threshold and a rate are finite numbers");
  Bar bar{.threshold = 0,
          .score_kind = std::string(matching::to_string(bench.rule.kind)),
          .promise = std::nullopt};
  if (criterion.threshold) {
    bar.threshold = *criterion.threshold;
    return bar;
  }
  if (!bench.calibration)
    return usage("the model " + bench.facts.recogniser + (bench.flip ? " with --flip" : "") +
                 " is not calibrated; give a --threshold");
  if (criterion.fpir)
    return usage("the calibration of " + bench.facts.recogniser +
                 " has no FPIR points; give a --far or a --threshold");
  VISAVIS_TRY(
      point, caused_by(Cause::kUsage, matching::threshold_at(*bench.calibration,
                                                             criterion.far.value_or(kDefaultFar))));
  bar.threshold = point.threshold;
  bar.promise = Promise{.kind = "far", .value = point.far};
  return bar;
}

}  // namespace visavis::usecases
