#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/wire/json.hpp>

#include "measuring.hpp"
#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

/// The points of searches; empty if there are none.
std::string describe_searches(const usecases::Calibrated& calibrated) {
  const auto& points = calibrated.calibration.by_fpir;
  if (points.empty()) return "";
  Table table({">PEOPLE IN GALLERY", ">FPIR", ">THRESHOLD", ">OBSERVED FPIR"});
  for (std::size_t i = 0; i < points.size(); ++i)
    table.add({std::to_string(points[i].persons), fixed(points[i].fpir, 3),
               fixed(points[i].threshold, 4),
               i < calibrated.observed_fpir.size() ? fixed(calibrated.observed_fpir[i].mean, 4)
               : points[i].extrapolated            ? "extrapolated"
                                                   : "-"});
  return "\n" + table.text() + "\n";
}

std::string describe_probability(const std::optional<metrics::Reliability>& observed) {
  if (!observed) return "";
  return "probabilities: " + fixed(observed->expected_error, 4) +
         " from what happened with other people, on average\n";
}

/// A rate's interval; a matching::RateInterval or a metrics::Interval.
template <class Interval>
std::string ends_of(const std::optional<Interval>& range) {
  return range ? fixed(range->low, 6) + " to " + fixed(range->high, 6) : "-";
}

std::string describe(const usecases::Calibrated& calibrated) {
  const auto& calibration = calibrated.calibration;
  Table points(
      {">FAR", ">95 %", ">THRESHOLD", ">FRR %", ">OBSERVED FAR", ">95 %", ">OBSERVED FRR %"});
  for (std::size_t i = 0; i < calibration.by_far.size(); ++i) {
    const auto& point = calibration.by_far[i];
    const bool observed = i < calibrated.observed.size();
    points.add({fixed(point.far, 6), ends_of(point.far_interval), fixed(point.threshold, 4),
                point.frr < 0 ? "-" : percent(point.frr),
                observed ? fixed(calibrated.observed[i].observed_far, 6) : "-",
                observed ? ends_of(calibrated.observed[i].observed_far_interval) : "-",
                observed ? percent(calibrated.observed[i].observed_frr) : "-"});
  }
  return points.text() + describe_searches(calibrated) +
         describe_probability(calibrated.observed_probability) +
         std::to_string(calibration.impostor_pairs) + " pairs of different people, " +
         std::to_string(calibration.genuine_pairs) + " of one person; " +
         std::to_string(calibrated.without_face.size()) + " photos without a face left out\n" +
         describe_cache(calibrated.from_cache) + "written to " +
         printable(calibrated.path.string()) + "\n";
}

struct CalibrateGiven {
  Measuring measuring;
  std::string images;
  usecases::CalibrationRequest request;
};

int run_calibrate(Desk& desk, const CalibrateGiven& given) {
  const usecases::Inputs inputs = usecases::collect_photos({given.images});
  auto bench = open_bench(desk, given.measuring, inputs.photos.size());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::calibrate(*bench, inputs, given.request, desk.terminal.progress("embedding"));
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), describe(*answer), answer->errors);
}

std::string describe(const usecases::EvaluatedProbes& identification) {
  const auto& report = identification.report;
  std::string text;
  if (report.rank_1) {
    Table ranks({">RANK", ">FOUND %"});
    for (std::size_t k = 0; k < report.ranks.size(); ++k)
      if (k == 0 || k == 4 || k + 1 == report.ranks.size())
        ranks.add({std::to_string(k + 1),
                   k == 0 ? with_interval(*report.rank_1) : percent(report.ranks[k])});
    text += ranks.text();
  }
  if (!report.points.empty()) {
    Table points({">FPIR", ">FNIR %", ">THRESHOLD"});
    for (const auto& point : report.points)
      points.add({fixed(point.fpir, 3), with_interval(point.fnir), fixed(point.threshold, 4)});
    text += points.text();
  }
  text += cli::describe(report.groups);
  if (report.probes_in_gallery > 0)
    text += std::to_string(report.probes_in_gallery) +
            " probes left out: the gallery has the same photos\n";
  return text + std::to_string(report.people) + " people, " + std::to_string(report.mated) +
         " searches for one of them, " + std::to_string(report.non_mated) + " for others; " +
         std::to_string(report.images) + " photos, " + std::to_string(report.failed_images) +
         " without a usable face\n" + describe_cache(identification.from_cache) +
         cli::describe(identification.run);
}

struct IdentificationGiven {
  Measuring measuring;
  std::string gallery;
  std::string probes;
  std::string groups;
  TemplatesGiven templates;
  Reporting reporting;
};

usecases::Outcome<usecases::ProbeLists> read_lists(const IdentificationGiven& given) {
  if (given.templates.path.empty()) return usecases::read_probe_lists(given.gallery, given.probes);
  auto templates = usecases::read_templates(given.templates.path, {}, given.templates.how());
  if (!templates) return std::unexpected(templates.error());
  return usecases::read_template_probes(given.gallery, given.probes, *std::move(templates));
}

int run_identification(Desk& desk, const IdentificationGiven& given) {
  if (const auto possible = check(given.reporting); !possible)
    return give_up(desk, possible.error());
  auto lists = read_lists(given);
  if (!lists) return give_up(desk, lists.error());
  auto groups = groups_at(given.groups);
  if (!groups) return give_up(desk, groups.error());
  lists->groups = *std::move(groups);
  auto bench = open_bench(desk, given.measuring,
                          lists->templates ? lists->templates->photos.size()
                                           : lists->gallery.size() + lists->probes.size());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::evaluate_identification(*bench, *lists, desk.terminal.progress("embedding"));
  if (!answer) return give_up(desk, answer.error());
  const auto report = write(given.reporting, *answer,
                            std::filesystem::path(given.gallery).filename().string() + ", " +
                                std::filesystem::path(given.probes).filename().string());
  if (!report) return give_up(desk, report.error());
  return finish(desk, wire::to_json(*answer), describe(*answer) + *report, answer->errors);
}

void add_identification(VerbList& list, CLI::App& evaluate) {
  auto given = std::make_shared<IdentificationGiven>();
  CLI::App* verb = list.add(
      evaluate, "identification",
      "How often a search finds the right person in a gallery, and how often it names somebody for "
      "a stranger; the face nearest the centre of each photo counts",
      "evaluate identification --gallery gallery.tsv --probes probes.tsv");
  constexpr const char* kLines =
      "lines path, person with a tab between; paths are absolute or relative to the list's folder";
  verb->add_option("--gallery", given->gallery, std::string("Who is in the gallery: ") + kLines)
      ->required()
      ->type_name("FILE");
  verb->add_option("--probes", given->probes,
                   "Photos to search for, of people in the gallery and of others: the same")
      ->required()
      ->type_name("FILE");
  add_groups(*verb, given->groups);
  add_templates(*verb, given->templates);
  add_reporting(*verb, given->reporting, false);
  add_measuring(*verb, given->measuring);
  list.verbs.push_back({verb, [given](Desk& desk) { return run_identification(desk, *given); }});
}

void add_calibrate(VerbList& list) {
  auto given = std::make_shared<CalibrateGiven>();
  CLI::App* verb =
      list.add(list.program, "calibrate",
               "Finds the thresholds of a recogniser by false accept rate from photos of people "
               "that are known, a folder each",
               "calibrate --images lfw/images --people lfw/peopleDevTrain.txt --observe "
               "lfw/peopleDevTest.txt");
  verb->add_option("--images", given->images, "Folder with a folder of photos for each person")
      ->required()
      ->type_name("DIR");
  verb->add_option("--people", given->request.people, "Only these names, one a line")
      ->type_name("FILE");
  verb->add_option("--observe", given->request.observe,
                   "Names of other people to observe the thresholds on")
      ->type_name("FILE");
  verb->add_option("--out", given->request.out,
                   "Where to write (default: where visavis looks for it)")
      ->type_name("FILE");
  verb->add_flag("--quality-aware", given->request.quality_aware,
                 "Also fit scores that know of quality, to the photos as they are and made worse");
  verb->add_option("--source", given->request.source, "What the photos are, for the provenance");
  add_measuring(*verb, given->measuring);
  list.verbs.push_back({verb, [given](Desk& desk) { return run_calibrate(desk, *given); }});
}

struct CompareGiven {
  std::vector<std::string> reports;
  std::string out = "comparison.html";
};

int run_compare(Desk& desk, const CompareGiven& given) {
  if (given.reports.empty()) return usage(desk, "evaluate takes a subcommand, or --compare");
  const std::vector<std::filesystem::path> reports(given.reports.begin(), given.reports.end());
  const auto done = usecases::compare_reports(reports, given.out);
  if (!done) return give_up(desk, done.error());
  return finish(
      desk, wire::compared_to_json(given.out, reports.size()),
      counted(reports.size(), "report", "reports") + " on one page: " + printable(given.out) + "\n",
      {});
}

/// Of `evaluate` itself. Comes after its subcommands: they are looked at first.
void add_compare(VerbList& list, CLI::App& evaluate) {
  auto given = std::make_shared<CompareGiven>();
  evaluate
      .add_option("--compare", given->reports,
                  "Put reports that --report has written into one page of plots")
      ->type_name("FILE...");
  evaluate.add_option("--out", given->out, "The page that --compare writes")
      ->type_name("FILE.html")
      ->capture_default_str();
  list.verbs.push_back({&evaluate, [given](Desk& desk) { return run_compare(desk, *given); }});
}

}  // namespace

void add_measure_verbs(VerbList& list) {
  CLI::App* evaluate =
      list.add(list.program, "evaluate", "Measures accuracy on photos whose truth is known",
               "evaluate --compare plain/report.json flip/report.json");
  evaluate->require_subcommand(0, 1);
  add_verification(list, *evaluate);
  add_identification(list, *evaluate);
  add_quality_verb(list, *evaluate);
  add_detection(list, *evaluate);
  add_clustering(list, *evaluate);
  add_compare(list, *evaluate);  // last: whoever gives a verb of `evaluate` gives `evaluate`, too
  add_calibrate(list);
}

}  // namespace visavis::cli
