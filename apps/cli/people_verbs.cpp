#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/time.hpp>
#include <visavis/usecases/cluster.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/usecases/shelf.hpp>
#include <visavis/wire/people.hpp>

#include "gallery_option.hpp"
#include "person_options.hpp"
#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

std::string bar_line(const usecases::Bar& bar) {
  std::string text = "threshold " + fixed(bar.threshold, 3) + " (";
  text += matching::to_string(bar.score_kind);
  if (bar.promise) {
    const bool far = bar.promise->kind == "far";
    text.append(far ? ", FAR" : ", FPIR").append(" at most 1 in ");
    text.append(fixed(1 / bar.promise->value, 0)).append(far ? " comparisons" : " searches");
  }
  if (bar.promise && bar.promise->gallery_size)
    text.append(" among up to ")
        .append(std::to_string(*bar.promise->gallery_size))
        .append(bar.promise->extrapolated ? " people, extrapolated" : " people");
  return text + ")\n";
}

/// "cosine", "l2", "squared_l2"; empty: the model's own.
void add_metric(CLI::App& verb, std::string& metric) {
  verb.add_option(
          "--metric", metric,
          "Of score and threshold, in place of the model's own; distances are accepted up to "
          "the threshold")
      ->check(CLI::IsMember({"cosine", "l2", "squared_l2"}))
      ->type_name("METRIC");
}

std::optional<matching::ScoreKind> metric_of(const std::string& name) {
  if (name.empty()) return std::nullopt;
  return matching::parse_score_kind(name);
}

void add_criterion(CLI::App& verb, usecases::Criterion& criterion, bool identification) {
  verb.add_option(
          "--far", criterion.far,
          std::string("False accept rate of one comparison; the next stricter calibrated point is "
                      "taken") +
              (identification ? "" : " (default 0.001)"))
      ->check(finite())
      ->type_name("RATE");
  if (identification)
    verb.add_option("--fpir", criterion.fpir,
                    "False positive identification rate: of searches for people who are not there "
                    "(default 0.01, for as many people as are searched)")
        ->check(finite())
        ->type_name("RATE");
  verb.add_option("--threshold", criterion.threshold, "Accept scores from here on")
      ->check(finite())
      ->type_name("SCORE");
}

struct Verify {
  std::string a;
  std::string b;
  std::string select = "largest";
  std::string metric;
  usecases::Criterion criterion;
  usecases::WorkbenchOptions workbench;
};

std::string table_of(const Verify& given, const usecases::Verification& answer) {
  std::string text;
  if (answer.answered) {
    Table table({"IMAGE", ">X", ">Y", ">WIDTH", ">HEIGHT", ">QUALITY"});
    const auto add = [&](const std::string& path, const usecases::JudgedFace& face) {
      table.add({path, fixed(face.box.x, 1), fixed(face.box.y, 1), fixed(face.box.width, 1),
                 fixed(face.box.height, 1), fixed(face.quality.score, 2)});
    };
    add(given.a, answer.a);
    add(given.b, answer.b);
    text = table.text();
    text += answer.same ? "same person" : "not the same person";
    text.append(": similarity ").append(fixed(answer.similarity, 3));
    if (answer.bar.score_kind != matching::ScoreKind::kCosine)
      text.append(", score ").append(fixed(answer.score, 3));
    if (answer.probability)
      text.append(", probability ").append(fixed(*answer.probability, 3)).append(" at even odds");
    text.append(", ").append(bar_line(answer.bar));
  }
  return text + describe(answer.run);
}

int run_verify(Desk& desk, Verify& given) {
  given.criterion.metric = metric_of(given.metric);
  const usecases::Inputs inputs = usecases::collect_photos({given.a, given.b});
  if (inputs.photos.size() != 2 || !inputs.errors.empty() || inputs.photos[0].path != given.a ||
      inputs.photos[1].path != given.b)
    return give_up(desk, usecases::Failure({ErrorCode::kInvalidArgument,
                                            "verify compares two photos, not folders"}));
  auto bench = usecases::Workbench::open(
      desk.places, given.workbench, {.recogniser = true, .photos = 2}, desk.terminal.log_sink());
  if (!bench) return give_up(desk, bench.error());
  const auto answer = usecases::verify(
      *bench, inputs.photos[0], inputs.photos[1], given.criterion,
      usecases::parse_selection(given.select).value_or(usecases::Selection::kLargest));
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), table_of(given, *answer), answer->errors);
}

void add_verify(VerbList& list) {
  auto given = std::make_shared<Verify>();
  CLI::App* verb = list.add(list.program, "verify", "Whether two photos show the same person",
                            "verify a.jpg b.jpg --far 1e-4");
  verb->add_option("A", given->a, "A photo")->required();
  verb->add_option("B", given->b, "Another")->required();
  add_criterion(*verb, given->criterion, false);
  add_metric(*verb, given->metric);
  add_selection(*verb, given->select);
  add_workbench_options(*verb, given->workbench, true);
  list.verbs.push_back({verb, [given](Desk& desk) { return run_verify(desk, *given); }});
}

struct Enrol {
  std::string person;
  std::vector<std::string> paths;
  std::string from;
  std::string npy;
  std::string labels;
  std::string select;
  std::string keep = "none";
  usecases::PersonWords words;
  usecases::EnrolRequest request;
  usecases::WorkbenchOptions workbench;
};

std::string table_of(const usecases::Enrolment& answer) {
  Table table({"IMAGE", "ANSWER", "PERSON", "FACE", ">QUALITY"});
  for (const auto& one : answer.enrolled)
    table.add({one.path, "enrolled", one.person, one.face_id, fixed(one.quality, 2)});
  for (const auto& one : answer.refused)
    table.add(
        {one.path,
         "refused: " + std::string(usecases::to_string(one.reason)) + " (" + one.message + ")", "",
         "", ""});
  std::string text = table.text();
  text.append(std::to_string(answer.enrolled.size())).append(" enrolled, ");
  text.append(std::to_string(answer.refused.size())).append(" refused");
  if (answer.already > 0)
    text.append(", ").append(std::to_string(answer.already)).append(" enrolled before");
  text += '\n';
  if (!answer.run.engine.empty()) text += describe(answer.run);
  return text;
}

/// The photos that were meant, with the persons they are of.
usecases::SortedPhotos photos_of(const Enrol& given) {
  if (!given.from.empty()) return usecases::sort_by_folder(given.from);
  usecases::Inputs inputs = usecases::collect_photos(given.paths);
  usecases::SortedPhotos sorted{.photos = {}, .errors = std::move(inputs.errors)};
  for (usecases::Photo& photo : inputs.photos)
    sorted.photos.push_back({.photo = std::move(photo), .person = given.person});
  return sorted;
}

usecases::Outcome<usecases::Enrolment> enrol_photos(Desk& desk, const Enrol& given) {
  usecases::SortedPhotos sorted = photos_of(given);
  auto bench = usecases::Workbench::open(desk.places, given.workbench,
                                         {.recogniser = true,
                                          .photos = sorted.photos.size(),
                                          .chips = given.request.keep == usecases::Keep::kChips},
                                         desk.terminal.log_sink());
  if (!bench) return std::unexpected(bench.error());
  auto answer =
      usecases::enrol(*bench, sorted.photos, given.request, desk.terminal.progress("enrolling"));
  if (answer)
    answer->errors.insert(answer->errors.begin(), sorted.errors.begin(), sorted.errors.end());
  return answer;
}

int run_enrol(Desk& desk, Enrol& given) {
  const bool photos = !given.paths.empty();
  const bool folder = !given.from.empty();
  const bool rows = !given.npy.empty() || !given.labels.empty();
  if (!given.person.empty() && !photos)
    return usage(desk, "a person needs photos: PERSON IMAGE...");
  if (static_cast<int>(photos) + static_cast<int>(folder) + static_cast<int>(rows) != 1)
    return usage(desk, "enrol takes PERSON IMAGE..., or --from DIR, or --npy with --labels");
  if (rows && (given.npy.empty() || given.labels.empty()))
    return usage(desk, "--npy and --labels belong together");
  if (const auto wrong = usecases::wrong_person(given.person); photos && wrong)
    return usage(desk, std::string(*wrong));
  if (rows && !given.select.empty())
    return usage(desk, "--select chooses a face of a photo; rows are one face each");
  if (!given.words.name.empty() && !photos)
    return usage(desk, "--name is of one person: PERSON IMAGE...");
  auto change = usecases::change_of(given.words, seconds_now());
  if (!change) return give_up(desk, change.error());
  given.request.change = *std::move(change);
  given.request.keep = usecases::parse_keep(given.keep).value_or(usecases::Keep::kNone);
  if (rows && given.request.keep != usecases::Keep::kNone)
    return usage(desk, "--keep is for photos; rows have none");
  given.request.from = given.from;
  given.request.selection = usecases::parse_selection(given.select);
  const auto answer =
      rows ? usecases::enrol_rows(desk.places, given.workbench.recogniser, given.workbench.flip,
                                  {.npy = given.npy, .labels = given.labels}, given.request)
           : enrol_photos(desk, given);
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), table_of(*answer), answer->errors);
}

void add_enrol(VerbList& list) {
  auto given = std::make_shared<Enrol>();
  CLI::App* verb = list.add(list.program, "enrol",
                            "Puts people into a gallery; tells for each photo whether it was "
                            "enrolled or why not",
                            "enrol --gallery people ada ada1.jpg ada2.jpg\n"
                            "  visavis enrol --gallery people --from photos/");
  add_gallery(*verb, given->request.gallery, "The gallery's folder; made if there is none")
      ->required();
  verb->add_option("PERSON", given->person, "Who the photos show");
  verb->add_option("IMAGE", given->paths, "Photos of that person, or folders of them");
  verb->add_option("--from", given->from, "A folder with one folder of photos for each person")
      ->type_name("DIR");
  verb->add_option("--npy", given->npy, "Embeddings (float32, one a row) instead of photos")
      ->type_name("FILE.npy");
  verb->add_option("--labels", given->labels,
                   "Their persons: the table that `embed` writes, or one a line")
      ->type_name("FILE.tsv");
  verb->add_option("--min-quality", given->request.min_quality, "Refuse photos below, 0 to 1")
      ->check(finite())
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  verb->add_option("--keep", given->keep,
                   "What stays in the gallery besides the embedding, so that another model can "
                   "be moved to: nothing, the aligned faces, or the whole photos")
      ->check(CLI::IsMember({"none", "chips", "photos"}))
      ->capture_default_str();
  add_selection(*verb, given->select)
      ->description(
          "Which face of several; without it, such a photo is refused unless one face "
          "has four times the area of every other");
  verb->add_flag("--allow-duplicates", given->request.allow_duplicates,
                 "Enrol pictures again that are enrolled already, under whatever person");
  add_person_options(*verb, given->words);
  add_workbench_options(*verb, given->workbench, true);
  list.verbs.push_back({verb, [given](Desk& desk) { return run_enrol(desk, *given); }});
}

struct Identify {
  std::vector<std::string> paths;
  std::string npy;
  std::string labels;
  std::string draw;
  std::string metric;
  std::string fusion = "best";
  usecases::IdentifyRequest request;
  usecases::WorkbenchOptions workbench;
};

void add_face(Table& table, const usecases::IdentifiedPhoto& photo, std::size_t index) {
  const usecases::IdentifiedFace& face = photo.faces[index];
  const std::string number = std::to_string(index + 1);
  const std::string quality = fixed(face.face.quality.score, 2);
  const std::string who = face.person.value_or("unknown");
  if (face.candidates.empty())
    return table.add({photo.photo.path, number, who, "-", "-", "-", quality});
  for (std::size_t i = 0; i < face.candidates.size(); ++i) {
    const usecases::Candidate& candidate = face.candidates[i];
    table.add({i == 0 ? photo.photo.path : "", i == 0 ? number : "", i == 0 ? who : "",
               candidate.name, fixed(candidate.similarity, 3), fixed(candidate.score, 3),
               i == 0 ? quality : ""});
  }
}

std::string table_of(const usecases::Identification& answer) {
  Table table({"IMAGE", ">FACE", "WHO", "NEAREST", ">SIMILARITY", ">SCORE", ">QUALITY"});
  for (const usecases::IdentifiedPhoto& photo : answer.photos) {
    if (photo.faces.empty()) table.add({photo.photo.path, "-", "no face", "-", "-", "-", "-"});
    for (std::size_t i = 0; i < photo.faces.size(); ++i) add_face(table, photo, i);
  }
  return table.text() + counted(answer.persons, "person", "people") + ", " + bar_line(answer.bar) +
         describe(answer.run);
}

gallery::Fusion fusion_of(const std::string& name) {
  if (name == "mean") return gallery::Fusion::kMean;
  return name == "quality" ? gallery::Fusion::kQualityWeighted : gallery::Fusion::kBest;
}

int run_identify(Desk& desk, Identify& given) {
  const bool rows = !given.npy.empty() || !given.labels.empty();
  if (rows == !given.request.gallery.folder.empty())
    return usage(desk, "identify takes --gallery, or --npy with --labels");
  if (rows && !given.request.gallery.key_file.empty())
    return usage(desk, "--key-file belongs to a gallery");
  if (rows && (given.npy.empty() || given.labels.empty()))
    return usage(desk, "--npy and --labels belong together");
  if (rows) given.request.rows = usecases::LabelledRows{.npy = given.npy, .labels = given.labels};
  given.request.draw = given.draw;
  given.request.criterion.metric = metric_of(given.metric);
  given.request.fusion = fusion_of(given.fusion);
  const usecases::Inputs inputs = usecases::collect_photos(given.paths);
  auto bench = usecases::Workbench::open(desk.places, given.workbench,
                                         {.recogniser = true, .photos = inputs.photos.size()},
                                         desk.terminal.log_sink());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::identify(*bench, inputs, given.request, desk.terminal.progress("identifying"));
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), table_of(*answer), answer->errors);
}

void add_identify(VerbList& list) {
  auto given = std::make_shared<Identify>();
  CLI::App* verb = list.add(list.program, "identify",
                            "Who is in photos: for each face a person of the gallery, or unknown",
                            "identify party.jpg --gallery people --draw who.jpg");
  verb->add_option("IMAGE", given->paths, "Photos, or folders of them")->required();
  add_gallery(*verb, given->request.gallery, "The gallery's folder");
  verb->add_option("--npy", given->npy, "Embeddings of known people instead of a gallery")
      ->type_name("FILE.npy");
  verb->add_option("--labels", given->labels,
                   "Their persons: the table that `embed` writes, or one a line")
      ->type_name("FILE.tsv");
  add_criterion(*verb, given->request.criterion, true);
  add_metric(*verb, given->metric);
  verb->add_option("--fusion", given->fusion,
                   "What several faces of a person count for: the most similar one, their mean, or "
                   "their mean weighted by quality")
      ->check(CLI::IsMember({"best", "mean", "quality"}))
      ->capture_default_str();
  verb->add_option("--top", given->request.top, "Candidates to tell for each face")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  verb->add_option("--draw", given->draw,
                   "Annotated picture (.jpg, .png) for one photo, a folder for several")
      ->type_name("OUT");
  add_workbench_options(*verb, given->workbench, true);
  list.verbs.push_back({verb, [given](Desk& desk) { return run_identify(desk, *given); }});
}

struct Cluster {
  std::vector<std::string> paths;
  std::string out;
  std::string html;
  std::string select;
  usecases::ClusterRequest request;
  usecases::WorkbenchOptions workbench;
};

/// One line for each group of two and more.
std::string table_of(const usecases::Clustering& answer) {
  Table table({">GROUP", ">FACES", "FIRST IMAGE"});
  for (std::size_t i = 0; i < answer.faces.size();) {
    std::size_t end = i + 1;
    while (end < answer.faces.size() && answer.faces[end].group == answer.faces[i].group) ++end;
    if (end - i == 1) break;  // by falling size: from here on all are alone
    table.add(
        {std::to_string(answer.faces[i].group), std::to_string(end - i), answer.faces[i].path});
    i = end;
  }
  std::string text = table.empty() ? "" : table.text();
  text.append(counted(answer.faces.size(), "face", "faces")).append(" in ");
  text.append(counted(answer.groups, "group", "groups")).append(", ");
  text.append(std::to_string(answer.faces.size() - answer.grouped)).append(" of them alone\n");
  return text + bar_line(answer.bar) + describe(answer.run);
}

void add_cluster(VerbList& list) {
  auto given = std::make_shared<Cluster>();
  CLI::App* verb = list.add(list.program, "cluster", "Groups faces that nobody has named",
                            "cluster photos/ --html groups.html");
  verb->add_option("PATH", given->paths, "Photos and folders")->required();
  verb->add_option("--out", given->out, "Table: group, path, face, quality")->type_name("FILE.tsv");
  verb->add_option("--html", given->html, "Contact sheet of the groups, with the faces in it")
      ->type_name("FILE.html");
  verb->add_option("--far", given->request.criterion.far,
                   "False accept rate of one comparison at which two faces become neighbours "
                   "(default 1e-5)")
      ->check(finite())
      ->type_name("RATE");
  verb->add_option("--threshold", given->request.criterion.threshold,
                   "Neighbours from this similarity on")
      ->check(finite())
      ->type_name("SCORE");
  add_selection(*verb, given->select);
  add_workbench_options(*verb, given->workbench, true);
  list.verbs.push_back(
      {verb, [given](Desk& desk) {
         given->request.tsv = given->out;
         given->request.html = given->html;
         given->request.selection = usecases::parse_selection(given->select);
         const usecases::Inputs inputs = usecases::collect_photos(given->paths);
         auto bench = usecases::Workbench::open(
             desk.places, given->workbench, {.recogniser = true, .photos = inputs.photos.size()},
             desk.terminal.log_sink());
         if (!bench) return give_up(desk, bench.error());
         const auto answer =
             usecases::cluster(*bench, inputs, given->request, desk.terminal.progress("embedding"));
         if (!answer) return give_up(desk, answer.error());
         return finish(desk, wire::to_json(*answer), table_of(*answer), answer->errors);
       }});
}

}  // namespace

void add_people_verbs(VerbList& list) {
  add_verify(list);
  add_enrol(list);
  add_identify(list);
  add_cluster(list);
}

}  // namespace visavis::cli
