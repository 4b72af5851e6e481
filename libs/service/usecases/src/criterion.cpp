#include "criterion.hpp"

#include <cmath>
#include <string>
#include <utility>

namespace visavis::usecases {
namespace {

Outcome<Bar> promised_fpir(const matching::Calibration& calibration, double fpir,
                           std::uint64_t persons, Bar bar) {
  VISAVIS_TRY(point,
              caused_by(Cause::kUsage, matching::threshold_at_fpir(calibration, fpir, persons)));
  bar.threshold = matching::distance(point.threshold, bar.score_kind);
  bar.promise = Promise{.kind = "fpir",
                        .value = point.fpir,
                        .gallery_size = point.persons,
                        .extrapolated = point.extrapolated};
  return bar;
}

Outcome<Bar> promised_far(const matching::Calibration& calibration, double far, Bar bar) {
  VISAVIS_TRY(point, caused_by(Cause::kUsage, matching::threshold_at(calibration, far)));
  bar.threshold = matching::distance(point.threshold, bar.score_kind);
  bar.promise = Promise{.kind = "far", .value = point.far};
  return bar;
}

}  // namespace

Outcome<void> check_criterion(const Criterion& criterion) {
  const int given = static_cast<int>(criterion.far.has_value()) +
                    static_cast<int>(criterion.fpir.has_value()) +
                    static_cast<int>(criterion.threshold.has_value());
  if (given > 1) return usage("--far, --fpir and --threshold exclude each other");
  for (const auto& value : {criterion.far, criterion.fpir, criterion.threshold})
    if (value && !std::isfinite(*value)) return usage("a threshold and a rate are finite numbers");
  return {};
}

protocols::ScoreRule rule_of(const Workbench::Impl& bench, const Criterion& criterion) {
  return criterion.metric ? protocols::ScoreRule{} : bench.rule;
}

Outcome<Bar> find_bar(const Workbench::Impl& bench, const Criterion& criterion,
                      std::uint64_t persons) {
  VISAVIS_CHECK(check_criterion(criterion));
  Bar bar{.threshold = criterion.threshold.value_or(0),
          .score_kind = criterion.metric.value_or(bench.rule.kind),
          .promise = std::nullopt};
  if (criterion.threshold) return bar;
  if (!bench.calibration)
    return usage("the model " + bench.facts.recogniser + (bench.flip ? " with --flip" : "") +
                 " is not calibrated; give a --threshold");
  if (rule_of(bench, criterion).kind != bench.calibration->score_kind)
    return usage("the model " + bench.facts.recogniser +
                 " is calibrated for another score; give a --threshold");
  const bool is_search = persons > 0 && !bench.calibration->by_fpir.empty();
  if (criterion.fpir || (is_search && !criterion.far))
    return promised_fpir(*bench.calibration, criterion.fpir.value_or(kDefaultFpir), persons,
                         std::move(bar));
  return promised_far(*bench.calibration, criterion.far.value_or(kDefaultFar), std::move(bar));
}

}  // namespace visavis::usecases
