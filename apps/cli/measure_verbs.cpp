#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/wire/json.hpp>

#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

using usecases::Outcome;
using usecases::WorkbenchOptions;

/// What all verbs that measure recognition are told.
struct Measuring {
  WorkbenchOptions bench{};
  bool no_cache = false;
};

void add_measuring(CLI::App& verb, Measuring& measuring) {
  add_workbench_options(verb, measuring.bench, true);
  verb.add_flag("--no-cache", measuring.no_cache,
                "Neither take embeddings from the cache of earlier runs nor keep them there");
}

Outcome<usecases::Workbench> open_bench(Desk& desk, const Measuring& measuring,
                                        std::size_t photos) {
  usecases::Places places = desk.places;
  if (measuring.no_cache) places.embeddings.clear();
  return usecases::Workbench::open(places, measuring.bench, {.photos = photos, .second_look = true},
                                   desk.terminal.log_sink());
}

std::string describe_cache(std::size_t photos) {
  return photos == 0 ? "" : std::to_string(photos) + " photos were embedded by an earlier run\n";
}

std::string percent(double share) { return fixed(100 * share, 2); }

template <class Figures>
void add_figures(Table& table, const std::string& which, const Figures& figures) {
  table.add({which, std::to_string(figures.pairs),
             figures.accuracy ? percent(figures.accuracy->mean) : "-",
             figures.accuracy ? percent(figures.accuracy->std) : "-", percent(figures.eer),
             fixed(figures.auc, 5)});
}

std::string describe(const usecases::EvaluatedPairs& verification) {
  const auto& report = verification.report;
  Table figures({"PAIRS", ">COUNT", ">ACCURACY %", ">STD %", ">EER %", ">AUC"});
  add_figures(figures, "all", report.all);
  if (report.failed_images > 0 && report.without_failures)
    add_figures(figures, "with a face", *report.without_failures);
  std::string text = figures.text();
  if (!report.all.points.empty()) {
    Table points({">FAR", ">TAR %", ">THRESHOLD"});
    for (const auto& point : report.all.points)
      points.add({fixed(point.far, 4), percent(point.tar), fixed(point.threshold, 4)});
    text += points.text();
  }
  return text + std::to_string(report.images) + " photos, " + std::to_string(report.failed_images) +
         " without a usable face\n" + describe_cache(verification.from_cache) +
         cli::describe(verification.run);
}

int run_verification(Desk& desk, const Measuring& measuring, const std::string& images,
                     const std::string& list) {
  const auto pairs = usecases::read_pairs(list);
  if (!pairs) return give_up(desk, pairs.error());
  auto bench = open_bench(desk, measuring, 2 * pairs->pairs.size());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::evaluate_verification(*bench, images, *pairs, desk.terminal.progress("embedding"));
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), describe(*answer), answer->errors);
}

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

std::string describe(const usecases::Calibrated& calibrated) {
  const auto& calibration = calibrated.calibration;
  Table points({">FAR", ">95 %", ">THRESHOLD", ">FRR %", ">OBSERVED FAR", ">OBSERVED FRR %"});
  for (std::size_t i = 0; i < calibration.by_far.size(); ++i) {
    const auto& point = calibration.by_far[i];
    const bool observed = i < calibrated.observed.size();
    const auto& range = point.far_interval;
    points.add({fixed(point.far, 6),
                range ? fixed(range->low, 6) + " to " + fixed(range->high, 6) : "-",
                fixed(point.threshold, 4), point.frr < 0 ? "-" : percent(point.frr),
                observed ? fixed(calibrated.observed[i].observed_far, 6) : "-",
                observed ? percent(calibrated.observed[i].observed_frr) : "-"});
  }
  return points.text() + describe_searches(calibrated) +
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

std::string describe(const protocols::RateWithInterval& rate) {
  std::string value = percent(rate.value);
  if (!rate.interval) return value;
  return value + " (" + percent(rate.interval->low) + " to " + percent(rate.interval->high) + ")";
}

std::string describe(const usecases::EvaluatedProbes& identification) {
  const auto& report = identification.report;
  std::string text;
  if (report.rank_1) {
    Table ranks({">RANK", ">FOUND %"});
    for (std::size_t k = 0; k < report.ranks.size(); ++k)
      if (k == 0 || k == 4 || k + 1 == report.ranks.size())
        ranks.add(
            {std::to_string(k + 1), k == 0 ? describe(*report.rank_1) : percent(report.ranks[k])});
    text += ranks.text();
  }
  if (!report.points.empty()) {
    Table points({">FPIR", ">FNIR %", ">THRESHOLD"});
    for (const auto& point : report.points)
      points.add({fixed(point.fpir, 3), describe(point.fnir), fixed(point.threshold, 4)});
    text += points.text();
  }
  return text + std::to_string(report.people) + " people, " + std::to_string(report.mated) +
         " searches for one of them, " + std::to_string(report.non_mated) + " for others; " +
         std::to_string(report.images) + " photos, " + std::to_string(report.failed_images) +
         " without a usable face\n" + describe_cache(identification.from_cache) +
         cli::describe(identification.run);
}

int run_identification(Desk& desk, const Measuring& measuring, const std::string& gallery,
                       const std::string& probes) {
  const auto lists = usecases::read_probe_lists(gallery, probes);
  if (!lists) return give_up(desk, lists.error());
  auto bench = open_bench(desk, measuring, lists->gallery.size() + lists->probes.size());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::evaluate_identification(*bench, *lists, desk.terminal.progress("embedding"));
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), describe(*answer), answer->errors);
}

void add_identification(VerbList& list, CLI::App& evaluate) {
  struct Given {
    Measuring measuring;
    std::string gallery;
    std::string probes;
  };
  auto given = std::make_shared<Given>();
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
  add_measuring(*verb, given->measuring);
  list.verbs.push_back({verb, [given](Desk& desk) {
                          return run_identification(desk, given->measuring, given->gallery,
                                                    given->probes);
                        }});
}

void add_verification(VerbList& list, CLI::App& evaluate) {
  struct Given {
    Measuring measuring;
    std::string images;
    std::string pairs;
  };
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(evaluate, "verification",
                            "How well the recogniser tells people apart, on a list of pairs; the "
                            "face nearest the centre of each photo counts",
                            "evaluate verification --images lfw/images --pairs lfw/pairs.txt");
  verb->add_option("--images", given->images, "Folder that the list's paths are relative to")
      ->required()
      ->type_name("DIR");
  verb->add_option("--pairs", given->pairs,
                   "LFW's pairs.txt or pairsDev*.txt, or lines path_a, path_b, same (1 or 0) with "
                   "tabs between")
      ->required()
      ->type_name("FILE");
  add_measuring(*verb, given->measuring);
  list.verbs.push_back({verb, [given](Desk& desk) {
                          return run_verification(desk, given->measuring, given->images,
                                                  given->pairs);
                        }});
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
  verb->add_option("--source", given->request.source, "What the photos are, for the provenance");
  add_measuring(*verb, given->measuring);
  list.verbs.push_back({verb, [given](Desk& desk) { return run_calibrate(desk, *given); }});
}

}  // namespace

void add_measure_verbs(VerbList& list) {
  CLI::App* evaluate =
      list.program.add_subcommand("evaluate", "Measures accuracy on photos whose truth is known");
  evaluate->require_subcommand(1);
  add_verification(list, *evaluate);
  add_identification(list, *evaluate);
  add_calibrate(list);
}

}  // namespace visavis::cli
