#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/wire/json.hpp>

#include "measuring.hpp"
#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

struct Given {
  Measuring measuring;
  std::string images;
  std::string pairs;
  bool all_pairs = false;
  std::string people;
  std::string threshold_from;
  std::string groups;
  TemplatesGiven templates;
  std::optional<double> far;
  Reporting reporting;
};

void add_figures(Table& table, const std::string& which,
                 const protocols::VerificationFigures& figures) {
  table.add(
      {which, std::to_string(figures.pairs),
       figures.accuracy ? with_interval(figures.accuracy->mean, figures.accuracy_interval) : "-",
       figures.accuracy ? percent(figures.accuracy->std) : "-",
       with_interval(figures.eer, figures.eer_interval), fixed(figures.auc, 5)});
}

void add_figures(Table& table, const std::string& which,
                 const protocols::AllPairsFigures& figures) {
  table.add({which, std::to_string(figures.genuine), std::to_string(figures.impostor),
             with_interval((figures.eer.low + figures.eer.high) / 2, figures.eer_interval),
             fixed(figures.auc.low, 5)});
}

std::string describe(const std::vector<protocols::OperatingPoint>& points) {
  if (points.empty()) return "";
  Table table({">FAR", ">TAR %", ">THRESHOLD"});
  for (const auto& point : points)
    table.add({fixed(point.far, 6), with_interval(point.tar, point.tar_interval),
               fixed(point.threshold, 4)});
  return table.text();
}

template <class Report>
std::string describe_photos(const Report& report, std::size_t in_templates = 0) {
  const std::string what = in_templates > 0
                               ? " templates of " + std::to_string(in_templates) + " photos, "
                               : " photos, ";
  return std::to_string(report.images) + what + std::to_string(report.failed_images) +
         " without a usable face\n";
}

std::string describe(const protocols::FixedThreshold& fixed_threshold) {
  return "at the threshold " + fixed(fixed_threshold.threshold, 4) + ": FAR " +
         with_interval(fixed_threshold.far) + " %, FRR " + with_interval(fixed_threshold.frr) +
         " %\n";
}

std::string describe(const usecases::EvaluatedPairs& verification) {
  const auto& report = verification.report;
  Table figures({"PAIRS", ">COUNT", ">ACCURACY %", ">STD %", ">EER %", ">AUC"});
  add_figures(figures, "all", report.all);
  if (report.failed_images > 0 && report.without_failures)
    add_figures(figures, "with a face", *report.without_failures);
  return figures.text() + describe(report.all.points) + cli::describe(report.groups) +
         (report.all.fixed ? describe(*report.all.fixed) : "") +
         describe_photos(report, verification.template_photos) +
         (report.repeated_pairs > 0
              ? std::to_string(report.repeated_pairs) + " pairs are on the list twice\n"
              : "") +
         describe_cache(verification.from_cache) + cli::describe(verification.run);
}

std::string describe(const usecases::EvaluatedAllPairs& verification) {
  const auto& report = verification.report;
  Table figures({"PAIRS", ">OF ONE PERSON", ">OF TWO", ">EER %", ">AUC"});
  add_figures(figures, "all", report.all);
  if (report.failed_images > 0 && report.without_failures)
    add_figures(figures, "with a face", *report.without_failures);
  std::string text = figures.text() + describe(report.all.points) + std::to_string(report.people) +
                     " people, " + describe_photos(report);
  if (verification.in_no_folder > 0)
    text += std::to_string(verification.in_no_folder) + " photos in nobody's folder left out\n";
  if (verification.missing_people > 0)
    text += std::to_string(verification.missing_people) + " people of the list have no photo\n";
  return text + describe_cache(verification.from_cache) + cli::describe(verification.run);
}

int run_all_pairs(Desk& desk, const Given& given) {
  auto photos = usecases::read_peoples_photos(given.images, given.people);
  if (!photos) return give_up(desk, photos.error());
  auto groups = groups_at(given.groups);
  if (!groups) return give_up(desk, groups.error());
  const usecases::AllPairsRequest request{
      .photos = *std::move(photos), .groups = *std::move(groups), .worst = given.reporting.worst};
  auto bench = open_bench(desk, given.measuring, request.photos.photos.size());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::evaluate_all_pairs(*bench, request, desk.terminal.progress("embedding"));
  if (!answer) return give_up(desk, answer.error());
  const auto report =
      write(given.reporting, *answer,
            last_part(given.images) + (given.people.empty() ? "" : ", " + last_part(given.people)));
  if (!report) return give_up(desk, report.error());
  return finish(desk, wire::to_json(*answer), describe(*answer) + *report, answer->errors);
}

/// A list of pairs of photos, or of templates.
usecases::Outcome<protocols::PairList> read_list(const Given& given, const std::string& path) {
  return given.templates.path.empty() ? usecases::read_pairs(path)
                                      : usecases::read_template_pairs(path);
}

int run_pairs(Desk& desk, const Given& given) {
  auto pairs = read_list(given, given.pairs);
  if (!pairs) return give_up(desk, pairs.error());
  usecases::PairsRequest request{.images = given.images, .pairs = *std::move(pairs)};
  if (!given.templates.path.empty()) {
    auto templates =
        usecases::read_templates(given.templates.path, given.images, given.templates.how());
    if (!templates) return give_up(desk, templates.error());
    request.templates = *std::move(templates);
  }
  request.far = given.far;
  request.worst = given.reporting.worst;
  auto groups = groups_at(given.groups);
  if (!groups) return give_up(desk, groups.error());
  request.groups = *std::move(groups);
  if (!given.threshold_from.empty()) {
    auto other = read_list(given, given.threshold_from);
    if (!other) return give_up(desk, other.error());
    request.threshold_from = *std::move(other);
  }
  auto bench = open_bench(
      desk, given.measuring,
      request.templates ? request.templates->photos.size() : 2 * request.pairs.pairs.size());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::evaluate_verification(*bench, request, desk.terminal.progress("embedding"));
  if (!answer) return give_up(desk, answer.error());
  const auto report = write(given.reporting, *answer,
                            last_part(given.images) + ", " + last_part(given.pairs), given.images);
  if (!report) return give_up(desk, report.error());
  return finish(desk, wire::to_json(*answer), describe(*answer) + *report, answer->errors);
}

int run(Desk& desk, const Given& given) {
  if (given.all_pairs && !given.templates.path.empty())
    return usage(desk, "--templates goes with a list of pairs");
  if (given.all_pairs == !given.pairs.empty())
    return usage(desk, "either --pairs or --all-pairs says what is compared");
  if (const auto possible = check(given.reporting); !possible)
    return give_up(desk, possible.error());
  return given.all_pairs ? run_all_pairs(desk, given) : run_pairs(desk, given);
}

}  // namespace

void add_verification(VerbList& list, CLI::App& evaluate) {
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(evaluate, "verification",
                            "How well the recogniser tells people apart, on a list of pairs or on "
                            "all pairs of a folder; the face nearest the centre of each photo "
                            "counts",
                            "evaluate verification --images lfw/images --pairs lfw/pairs.txt");
  verb->add_option("--images", given->images,
                   "Folder that the list's paths are relative to, or with a folder for each person")
      ->required()
      ->type_name("DIR");
  CLI::Option* pairs = verb->add_option(
      "--pairs", given->pairs,
      "LFW's pairs.txt or pairsDev*.txt, or lines path_a, path_b, same (1 or 0) with tabs between");
  pairs->type_name("FILE");
  CLI::Option* all =
      verb->add_flag("--all-pairs", given->all_pairs, "Compare every photo with every other")
          ->excludes(pairs);
  verb->add_option("--people", given->people, "Only these names' folders, one name a line")
      ->type_name("FILE")
      ->needs(all);
  CLI::Option* from = verb->add_option("--threshold-from", given->threshold_from,
                                       "Judge by the threshold that is best on this other list");
  from->type_name("FILE")->needs(pairs);
  verb->add_option("--far", given->far, "Judge by the model's calibrated threshold for this rate")
      ->check(finite())
      ->type_name("F")
      ->needs(pairs)
      ->excludes(from);
  add_groups(*verb, given->groups);
  add_templates(*verb, given->templates);
  add_reporting(*verb, given->reporting, true);
  add_measuring(*verb, given->measuring);
  list.verbs.push_back({verb, [given](Desk& desk) { return run(desk, *given); }});
}

}  // namespace visavis::cli
