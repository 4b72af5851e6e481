#include <cstddef>
#include <memory>
#include <string>
#include <visavis/usecases/evaluate_quality.hpp>
#include <visavis/usecases/inputs.hpp>
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
  std::string split = "degrade";
  usecases::QualityRequest request;
  Reporting reporting;
};

usecases::QualitySplit split_of(const std::string& name) {
  if (name == "size") return usecases::QualitySplit::kSize;
  if (name == "sharpness") return usecases::QualitySplit::kSharpness;
  return usecases::QualitySplit::kDegrade;
}

std::string describe(const usecases::QualityComparison& comparison) {
  std::string text = comparison.kind + ": " + std::to_string(comparison.genuine) +
                     " pairs of one person, " + std::to_string(comparison.impostor) +
                     " of two, in " + std::to_string(comparison.failed) +
                     " of them a photo without a face; average precision " +
                     fixed(comparison.average_precision, 4) + "\n";
  Table points({">FAR", ">TAR %", ">THRESHOLD"});
  for (const auto& point : comparison.points)
    points.add({fixed(point.far, 5), with_interval(point.tar), fixed(point.threshold, 4)});
  text += points.text();
  if (comparison.search.rank_1) {
    Table search({"SEARCHES", ">%"});
    search.add({"found first", with_interval(*comparison.search.rank_1)});
    for (const auto& point : comparison.search.points)
      search.add({"missed at FPIR " + fixed(point.fpir, 3), with_interval(point.fnir)});
    text += search.text();
  }
  Table reject({">REFUSED %", ">MISSED % BY QUALITY", ">BY NORM", ">GAIN, 95 %"});
  for (const auto& point : comparison.reject)
    reject.add({percent(point.share), percent(point.by_quality), percent(point.by_norm),
                point.gain ? percent(point.gain->low) + " to " + percent(point.gain->high) : "-"});
  text += reject.text();
  if (comparison.quality_aware.empty()) return text;
  Table aware({"SCORE", ">FMR", ">MISSED % BY COSINE", ">BY IT", ">FEWER, %"});
  for (const auto& [score, one] : comparison.quality_aware)
    aware.add({score, fixed(one.fmr, 4), with_interval(one.before), with_interval(one.after),
               with_interval(one.share)});
  return text + aware.text();
}

std::string describe(const usecases::QualityBalance& balance) {
  const std::string what = balance.of_people ? " people" : " photos";
  return "drawn: " + std::to_string(balance.high.of_each) + what + " of each of " +
         std::to_string(balance.high.cells.size()) + " kinds of high and " +
         std::to_string(balance.low.of_each) + " of each of " +
         std::to_string(balance.low.cells.size()) + " of low quality; of " +
         std::to_string(balance.high.unlisted) + " photos nothing is known\n";
}

std::string describe(const usecases::EvaluatedQuality& answer) {
  std::string text;
  for (const auto& comparison : answer.comparisons) text += describe(comparison) + "\n";
  if (!answer.ways.empty())
    text += "made worse by " + answer.ways + ", seed " + std::to_string(answer.seed) + "\n";
  if (answer.balance) text += describe(*answer.balance);
  return text + std::to_string(answer.people) + " people; " + std::to_string(answer.high) +
         " photos of high and " + std::to_string(answer.low) + " of low quality, of these " +
         std::to_string(answer.low_without_face) + " without a face\n" +
         describe_cache(answer.from_cache) + cli::describe(answer.run);
}

int run_quality(Desk& desk, Given& given) {
  if (!given.reporting.folder.empty()) {
    const auto possible = usecases::check_quality_report(given.reporting.folder);
    if (!possible) return give_up(desk, possible.error());
  }
  given.request.split = split_of(given.split);
  const usecases::Inputs inputs = usecases::collect_photos({given.images});
  auto bench = open_bench(desk, given.measuring, inputs.photos.size());
  if (!bench) return give_up(desk, bench.error());
  const auto answer = usecases::evaluate_quality(*bench, inputs, given.request,
                                                 desk.terminal.progress("embedding"));
  if (!answer) return give_up(desk, answer.error());
  const auto report = write(given.reporting, *answer, last_part(given.images));
  if (!report) return give_up(desk, report.error());
  return finish(desk, wire::to_json(*answer), describe(*answer) + *report, answer->errors);
}

}  // namespace

void add_quality_verb(VerbList& list, CLI::App& evaluate) {
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(
      evaluate, "quality",
      "What recognition loses on bad photos, and whether quality foretells it: high against high, "
      "low against high, low against low",
      "evaluate quality --images lfw/images --people lfw/peopleDevTest.txt");
  verb->add_option("--images", given->images, "Folder with a folder of photos for each person")
      ->required()
      ->type_name("DIR");
  verb->add_option("--people", given->request.people, "Only these names, one a line")
      ->type_name("FILE");
  verb->add_option("--balance", given->request.balance,
                   "As many of every kind: a table of attributes with a header, of each person or "
                   "path, with tabs between")
      ->type_name("FILE");
  verb->add_option("--split", given->split,
                   "What makes a photo one of low quality: being made worse, or a fact (thirds)")
      ->check(CLI::IsMember({"degrade", "size", "sharpness"}))
      ->capture_default_str();
  verb->add_option("--degrade", given->request.ways,
                   "Ways to make photos worse, of which each gets one, like "
                   "\"downscale:4;blur:2,noise:10;jpeg:10;dark:0.2\" (default: two dozen)")
      ->type_name("WAYS");
  verb->add_option("--seed", given->request.seed,
                   "Decides which photo goes which way, and who is drawn for a balance")
      ->capture_default_str();
  verb->add_flag("--fit", given->request.fit,
                 "Fit a quality score to these photos (--json tells it), for a manifest");
  add_reporting(*verb, given->reporting, false);
  add_measuring(*verb, given->measuring);
  list.verbs.push_back({verb, [given](Desk& desk) { return run_quality(desk, *given); }});
}

}  // namespace visavis::cli
