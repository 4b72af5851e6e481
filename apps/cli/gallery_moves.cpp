#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <visavis/usecases/galleries.hpp>
#include <visavis/usecases/re_embed.hpp>
#include <visavis/wire/galleries.hpp>

#include "gallery_option.hpp"
#include "table.hpp"
#include "verbs.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

struct ReEmbed {
  usecases::GalleryPlace gallery;
  bool drop_missing = false;
  usecases::WorkbenchOptions workbench;
};

std::string text_of(const usecases::ReEmbedding& answer) {
  Table table({"PERSON", "FACE", "NOTHING KEPT THAT THE MODEL CAN USE"});
  for (const gallery::FaceOf& face : answer.missing)
    table.add({face.person, face.face_id, answer.changed ? "removed" : "stays"});
  std::string text = answer.missing.empty() ? "" : table.text();
  if (answer.changed)
    text.append(counted(answer.from_chips + answer.from_photos, "face", "faces"))
        .append(" moved to model ")
        .append(answer.run.model)
        .append(": ")
        .append(std::to_string(answer.from_chips))
        .append(" from chips, ")
        .append(std::to_string(answer.from_photos))
        .append(" from photos\n");
  else
    text += "nothing was changed\n";
  return answer.run.engine.empty() ? text : text + describe(answer.run);
}

int run_re_embed(Desk& desk, const ReEmbed& given) {
  if (given.gallery.folder.empty()) return usage(desk, "re-embed takes a gallery");
  const auto stats = usecases::gallery_stats(given.gallery);
  if (!stats) return give_up(desk, stats.error());
  auto bench = usecases::Workbench::open(desk.places, given.workbench,
                                         {.recogniser = true, .photos = stats->faces},
                                         desk.terminal.log_sink());
  if (!bench) return give_up(desk, bench.error());
  const auto answer =
      usecases::re_embed(*bench, {.gallery = given.gallery, .drop_missing = given.drop_missing},
                         desk.terminal.progress("embedding again"));
  if (!answer) return give_up(desk, answer.error());
  return finish(desk, wire::to_json(*answer), text_of(*answer), answer->errors);
}

void add_re_embed(VerbList& list, CLI::App& parent) {
  auto given = std::make_shared<ReEmbed>();
  CLI::App* verb = list.add(parent, "re-embed",
                            "Moves a gallery to another model, from the chips or photos that "
                            "`enrol --keep` has kept; at once or not at all",
                            "gallery re-embed people --recogniser mobilefacenet-192");
  add_gallery_or_word(*verb, given->gallery);
  verb->add_flag("--drop-missing", given->drop_missing,
                 "Remove the faces of which nothing is kept that the model can use; without it "
                 "nothing is changed if there are any");
  add_workbench_options(*verb, given->workbench, true);
  verb->get_option("--recogniser")->required();
  list.verbs.push_back({verb, [=](Desk& desk) { return run_re_embed(desk, *given); }});
}

struct Import {
  std::string archive;
  usecases::GalleryPlace gallery;
};

int run_import(Desk& desk, const Import& given) {
  const auto answer =
      usecases::import_gallery(given.archive, given.gallery, desk.terminal.progress("importing"));
  if (!answer) return give_up(desk, answer.error());
  const std::string text = counted(answer->persons, "new person", "new persons") + ", " +
                           counted(answer->faces, "face", "faces") + " and " +
                           std::to_string(answer->files) + " chips and photos; " +
                           std::to_string(answer->already) + " faces were there already\n";
  return finish(desk, wire::to_json(*answer), text, {});
}

void add_import(VerbList& list, CLI::App& parent) {
  auto given = std::make_shared<Import>();
  CLI::App* verb =
      list.add(parent, "import", "Adds what `gallery export --archive` has written, all or nothing",
               "gallery import people.tar --gallery copy");
  verb->add_option("FILE", given->archive, "The archive")->required();
  add_gallery(*verb, given->gallery, "The gallery's folder; made if there is none")->required();
  list.verbs.push_back({verb, [=](Desk& desk) { return run_import(desk, *given); }});
}

}  // namespace

void add_gallery_moves(VerbList& list, CLI::App& gallery) {
  add_re_embed(list, gallery);
  add_import(list, gallery);
}

}  // namespace visavis::cli
