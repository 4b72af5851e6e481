#include <memory>
#include <string>
#include <visavis/usecases/evaluate.hpp>
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
  std::string people;
  usecases::Criterion criterion;
};

std::string describe(const usecases::EvaluatedClustering& clustering) {
  Table table({"MEASURE", ">PRECISION %", ">RECALL %", ">F %"});
  const auto add = [&](const std::string& name, const auto& measure) {
    table.add({name, percent(measure.precision), percent(measure.recall), percent(measure.f)});
  };
  add("pairwise", clustering.pairwise);
  add("BCubed", clustering.bcubed);
  std::string text = table.text() + std::to_string(clustering.people) + " people in " +
                     std::to_string(clustering.groups) + " groups at the threshold " +
                     fixed(clustering.bar.threshold, 4) + "; " + std::to_string(clustering.images) +
                     " photos, " + std::to_string(clustering.failed_images) +
                     " without a usable face\n";
  if (clustering.in_no_folder > 0)
    text += std::to_string(clustering.in_no_folder) + " photos in nobody's folder left out\n";
  if (clustering.missing_people > 0)
    text += std::to_string(clustering.missing_people) + " people of the list have no photo\n";
  return text + describe_cache(clustering.from_cache) + cli::describe(clustering.run);
}

int run(Desk& desk, const Given& given) {
  const auto photos = usecases::read_peoples_photos(given.images, given.people);
  if (!photos) return give_up(desk, photos.error());
  auto bench = open_bench(desk, given.measuring, photos->photos.size());
  if (!bench) return give_up(desk, bench.error());
  const auto answer = usecases::evaluate_clustering(*bench, *photos, given.criterion,
                                                    desk.terminal.progress("embedding"));
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), describe(*answer), answer->errors);
}

}  // namespace

void add_clustering(VerbList& list, CLI::App& evaluate) {
  auto given = std::make_shared<Given>();
  CLI::App* verb = list.add(evaluate, "clustering",
                            "How well the groups that `cluster` makes agree with the people on the "
                            "photos; the face nearest the centre of each photo counts",
                            "evaluate clustering --images lfw/images");
  verb->add_option("--images", given->images, "Folder with a folder of photos for each person")
      ->required()
      ->type_name("DIR");
  verb->add_option("--people", given->people, "Only these names' folders, one name a line")
      ->type_name("FILE");
  CLI::Option* far = verb->add_option("--far", given->criterion.far,
                                      "False accept rate of one comparison at which two faces "
                                      "become neighbours (default 1e-5)");
  far->check(finite())->type_name("RATE");
  verb->add_option("--threshold", given->criterion.threshold, "Neighbours from this score on")
      ->check(finite())
      ->type_name("SCORE")
      ->excludes(far);
  add_measuring(*verb, given->measuring);
  list.verbs.push_back({verb, [given](Desk& desk) { return run(desk, *given); }});
}

}  // namespace visavis::cli
