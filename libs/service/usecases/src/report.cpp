#include "visavis/usecases/report.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/core/time.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/metrics/curves.hpp>
#include <visavis/report/report.hpp>
#include <visavis/runtime/engine.hpp>

#include "outputs.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxReportBytes = std::uint64_t{64} << 20U;

fs::path document_in(const fs::path& folder) { return folder / "report.json"; }
fs::path page_in(const fs::path& folder) { return folder / "report.html"; }
fs::path document_of(std::string_view kind, const fs::path& folder) {
  return folder / (std::string(kind) + ".json");
}

std::string engine_version(std::string_view name) {
  const auto engine = runtime::find_engine(name);
  return engine ? (*engine)->probe().version : std::string();
}

report::Report begin(std::string protocol, const RunFacts& run, matching::ScoreKind score,
                     const ReportPlace& place) {
  return {.protocol = std::move(protocol),
          .dataset = place.dataset,
          .date = to_rfc3339(seconds_now()),
          .score_kind = std::string(matching::to_string(score)),
          .subject = {.recogniser = run.recogniser,
                      .model = run.model,
                      .flip = run.flip,
                      .engine = run.engine,
                      .engine_version = engine_version(run.engine),
                      .precision = run.precision,
                      .detector = run.detector,
                      .program = VISAVIS_VERSION}};
}

std::optional<metrics::Interval> opposite(const std::optional<metrics::Interval>& interval) {
  if (!interval) return std::nullopt;
  return metrics::Interval{.low = 1 - interval->high, .high = 1 - interval->low};
}

/// "TAR at FAR 0.001"
std::string at_rate(std::string_view what, std::string_view rate, double value) {
  std::string text(what);
  text.append(" at ").append(rate).append(" ");
  std::string digits = std::to_string(value);
  digits.erase(digits.find_last_not_of('0') + 1);
  return text + digits;
}

void add_points(const std::vector<protocols::OperatingPoint>& points, report::Report& report) {
  for (const protocols::OperatingPoint& point : points) {
    report.points.push_back({.rate = point.far,
                             .missed = 1 - point.tar,
                             .threshold = point.threshold,
                             .interval = opposite(point.tar_interval)});
    report.figures.push_back({.name = at_rate("TAR", "FAR", point.far),
                              .value = point.tar,
                              .interval = point.tar_interval});
  }
}

void add_distribution(const protocols::Distribution& distribution, report::Report& report) {
  report.histogram = {.low = protocols::Distribution::kLow,
                      .high = protocols::Distribution::kHigh,
                      .genuine = distribution.genuine,
                      .impostor = distribution.impostor};
}

/// Paths as a browser finds them from the page's folder: by their names, whatever links lead to.
std::vector<report::PhotoPair> from_page(const std::vector<protocols::JudgedPair>& pairs,
                                         const fs::path& images, const fs::path& folder) {
  const auto place = [&](const std::string& path) {
    return fs::absolute(images / path)
        .lexically_normal()
        .lexically_proximate(fs::absolute(folder).lexically_normal())
        .string();
  };
  std::vector<report::PhotoPair> named;
  for (const protocols::JudgedPair& pair : pairs)
    named.push_back({.a = place(pair.a), .b = place(pair.b), .score = pair.score});
  return named;
}

/// Pairs of templates, by the photos that are shown of them.
std::vector<report::PhotoPair> of_templates(const std::vector<protocols::JudgedPair>& pairs,
                                            const std::map<std::string, std::string>& shown,
                                            const fs::path& folder) {
  std::vector<protocols::JudgedPair> photos;
  for (const protocols::JudgedPair& pair : pairs)
    photos.push_back({.a = shown.at(pair.a), .b = shown.at(pair.b), .score = pair.score});
  std::vector<report::PhotoPair> named = from_page(photos, {}, folder);
  for (std::size_t i = 0; i < named.size(); ++i) {
    named[i].a_template = pairs[i].a;
    named[i].b_template = pairs[i].b;
  }
  return named;
}

report::Figure failures(std::size_t failed, std::size_t images) {
  return {.name = "photos without a usable face",
          .value = static_cast<double>(failed) / static_cast<double>(images),
          .interval = std::nullopt};
}

/// What both kinds of 1:1 evaluation tell. Figures whose impostors were counted in bins are bounds.
template <class Found>
void add_verification(const Found& found, double eer, double auc, report::Report& report) {
  report.figures.push_back({.name = "EER", .value = eer, .interval = found.all.eer_interval});
  report.figures.push_back({.name = "AUC", .value = auc, .interval = found.all.auc_interval});
  if (found.all.d_prime)
    report.figures.push_back(
        {.name = "d′", .value = *found.all.d_prime, .interval = found.all.d_prime_interval});
  add_points(found.all.points, report);
  report.figures.push_back(failures(found.failed_images, found.images));
  report.rates = found.all.curve;
  report.precision_recall =
      metrics::precision_recall_curve(found.all.curve, found.all.genuine, found.all.impostor);
  add_distribution(found.all.distribution, report);
}

report::Report report_of(const EvaluatedPairs& evaluated, const ReportPlace& place) {
  const protocols::VerificationReport& found = evaluated.report;
  report::Report report = begin(found.protocol, evaluated.run, found.score_kind, place);
  if (found.all.accuracy)
    report.figures.push_back({.name = "accuracy",
                              .value = found.all.accuracy->mean,
                              .interval = found.all.accuracy_interval});
  add_verification(found, found.all.eer, found.all.auc, report);
  const auto named = [&](const std::vector<protocols::JudgedPair>& pairs) {
    return evaluated.template_photos > 0 ? of_templates(pairs, evaluated.shown, place.folder)
                                         : from_page(pairs, place.images, place.folder);
  };
  report.false_matches = named(found.false_matches);
  report.false_non_matches = named(found.false_non_matches);
  return report;
}

double middle(const metrics::Bounds& bounds) { return (bounds.low + bounds.high) / 2; }

report::Report report_of(const EvaluatedAllPairs& evaluated, const ReportPlace& place) {
  const protocols::AllPairsReport& found = evaluated.report;
  report::Report report = begin("all-pairs", evaluated.run, found.score_kind, place);
  add_verification(found, middle(found.all.eer), middle(found.all.auc), report);
  report.false_matches = from_page(evaluated.false_matches, {}, place.folder);
  report.false_non_matches = from_page(evaluated.false_non_matches, {}, place.folder);
  return report;
}

void add_searches(const protocols::IdentificationReport& found, report::Report& report) {
  if (found.rank_1)
    report.figures.push_back(
        {.name = "rank 1", .value = found.rank_1->value, .interval = found.rank_1->interval});
  for (const protocols::OpenSetPoint& point : found.points) {
    report.open_set_points.push_back({.rate = point.fpir,
                                      .missed = point.fnir.value,
                                      .threshold = point.threshold,
                                      .interval = point.fnir.interval});
    report.figures.push_back({.name = at_rate("FNIR", "FPIR", point.fpir),
                              .value = point.fnir.value,
                              .interval = point.fnir.interval});
  }
  report.ranks = found.ranks;
  report.open_set = found.curve;
}

report::Report report_of(const EvaluatedProbes& evaluated, const ReportPlace& place) {
  report::Report report = begin("identification", evaluated.run, evaluated.score_kind, place);
  add_searches(evaluated.report, report);
  report.figures.push_back(failures(evaluated.report.failed_images, evaluated.report.images));
  return report;
}

report::Report report_of(const EvaluatedQuality& evaluated, const QualityComparison& found,
                         const ReportPlace& place) {
  report::Report report =
      begin("quality " + found.kind, evaluated.run, matching::ScoreKind::kCosine, place);
  std::vector<protocols::OperatingPoint> points;
  for (const quality_pairs::MatchPoint& point : found.points)
    points.push_back({.far = point.far,
                      .tar = point.tar.value,
                      .threshold = point.threshold,
                      .tar_interval = point.tar.interval});
  add_points(points, report);
  report.figures.push_back({.name = "average precision", .value = found.average_precision});
  add_searches(found.search, report);
  for (const auto& [score, gain] : found.quality_aware)
    report.figures.push_back({.name = at_rate(score + ": misses saved", "FMR", gain.fmr),
                              .value = gain.share.value,
                              .interval = gain.share.interval});
  report.rates = found.curves.rates;
  report.precision_recall = found.curves.precision_recall;
  add_distribution(found.curves.distribution, report);
  for (const quality_pairs::RejectPoint& point : found.reject)
    report.reject.push_back(
        {.share = point.share, .by_quality = point.by_quality, .by_norm = point.by_norm});
  return report;
}

Outcome<fs::path> write_down(const report::Report& report, const fs::path& folder) {
  VISAVIS_CHECK(
      caused_by(Cause::kEnvironment, write_file(document_in(folder), report::to_json(report))));
  VISAVIS_CHECK(
      caused_by(Cause::kEnvironment, write_file(page_in(folder), report::to_html({&report, 1}))));
  return page_in(folder);
}

Outcome<report::Report> read_report(const fs::path& path) {
  auto bytes = read_file(path, kMaxReportBytes);
  if (!bytes) return std::unexpected(Failure(Cause::kInput, std::move(bytes).error()));
  auto report = report::parse_report({reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  if (report) return *std::move(report);
  Error error = std::move(report).error();
  error.message = path.string() + ": " + error.message;
  return std::unexpected(Failure(Cause::kInput, std::move(error)));
}

}  // namespace

Outcome<void> check_report(const fs::path& folder) {
  VISAVIS_CHECK(check_folder(folder));
  return check_files({document_in(folder), page_in(folder)}, {});
}

Outcome<void> check_quality_report(const fs::path& folder) {
  VISAVIS_CHECK(check_folder(folder));
  std::vector<fs::path> files{page_in(folder)};
  for (const std::string_view kind : kQualityKinds) files.push_back(document_of(kind, folder));
  return check_files(files, {});
}

Outcome<fs::path> write_report(const EvaluatedPairs& evaluated, const ReportPlace& place) {
  return write_down(report_of(evaluated, place), place.folder);
}

Outcome<fs::path> write_report(const EvaluatedAllPairs& evaluated, const ReportPlace& place) {
  return write_down(report_of(evaluated, place), place.folder);
}

Outcome<fs::path> write_report(const EvaluatedProbes& evaluated, const ReportPlace& place) {
  return write_down(report_of(evaluated, place), place.folder);
}

Outcome<fs::path> write_report(const EvaluatedQuality& evaluated, const ReportPlace& place) {
  std::vector<report::Report> reports;
  for (const QualityComparison& found : evaluated.comparisons) {
    reports.push_back(report_of(evaluated, found, place));
    VISAVIS_CHECK(caused_by(Cause::kEnvironment, write_file(document_of(found.kind, place.folder),
                                                            report::to_json(reports.back()))));
  }
  VISAVIS_CHECK(
      caused_by(Cause::kEnvironment, write_file(page_in(place.folder), report::to_html(reports))));
  return page_in(place.folder);
}

Outcome<void> compare_reports(const std::vector<fs::path>& reports, const fs::path& page) {
  VISAVIS_CHECK(check_files({page}, {}, reports));
  std::vector<report::Report> read;
  for (const fs::path& path : reports) {
    VISAVIS_TRY(report, read_report(path));
    // The photographs of its pairs are found from its own folder only.
    report.false_matches.clear();
    report.false_non_matches.clear();
    read.push_back(std::move(report));
  }
  return caused_by(Cause::kEnvironment, write_file(page, report::to_html(read)));
}

}  // namespace visavis::usecases
