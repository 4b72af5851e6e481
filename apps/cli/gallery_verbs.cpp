#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>
#include <visavis/core/time.hpp>
#include <visavis/usecases/galleries.hpp>
#include <visavis/wire/galleries.hpp>

#include "gallery_option.hpp"
#include "person_options.hpp"
#include "table.hpp"
#include "verbs.hpp"

namespace visavis::cli {
namespace {

/// A gallery and what else was named: `--gallery DIR WORD...`, or `DIR WORD...`.
struct Named {
  usecases::GalleryPlace gallery;
  std::vector<std::string> words;

  /// Takes the first word for the gallery if none was given.
  [[nodiscard]] Named resolved() const {
    if (!gallery.folder.empty() || words.empty()) return *this;
    Named named{.gallery = gallery, .words = {words.begin() + 1, words.end()}};
    named.gallery.folder = words.front();
    return named;
  }
};

/// When the person's time is over, and whether it is.
std::string expiry_of(const gallery::Person& person) {
  if (!person.expires_at) return "-";
  return to_rfc3339(*person.expires_at) +
         (*person.expires_at <= seconds_now() ? ", which is over" : "");
}

int run_list(Desk& desk, const usecases::GalleryPlace& gallery) {
  const auto answer = usecases::list_persons(gallery);
  if (!answer) return give_up(desk, answer.error());
  Table table({"PERSON", "NAME", ">FACES", "CONSENT", "EXPIRES"});
  for (const auto& person : answer->persons)
    table.add({person.id, person.name, std::to_string(person.faces),
               person.consent_basis.value_or("-"), expiry_of(person)});
  return finish(desk, wire::to_json(*answer), table.text(), {});
}

int tell_person(Desk& desk, const usecases::Outcome<gallery::PersonDetails>& answer) {
  if (!answer) return give_up(desk, answer.error());
  Table table({"FACE", ">QUALITY", ">NORM", "SOURCE", "KEPT"});
  for (const auto& face : answer->faces)
    table.add({face.face_id, fixed(face.quality, 2), fixed(face.norm, 2), face.source,
               face.chip.empty() ? face.photo : face.chip});
  const gallery::Person& person = answer->person;
  std::string text = printable(person.id) + ": " + printable(person.name) + "\n";
  if (person.attributes != "{}") text += "attributes: " + printable(person.attributes) + "\n";
  if (person.consent_basis)
    text += "consent: " + printable(*person.consent_basis) +
            (person.consent_at ? ", " + to_rfc3339(*person.consent_at) : "") + "\n";
  if (person.expires_at) text += "expires: " + expiry_of(person) + "\n";
  return finish(desk, wire::to_json(*answer), text + table.text(), {});
}

int run_remove(Desk& desk, const usecases::GalleryPlace& gallery,
               const usecases::Removal& removal) {
  if (gallery.folder.empty()) return usage(desk, "remove takes a gallery");
  if (removal.persons.empty() && removal.faces.empty() && !removal.expired)
    return usage(desk, "remove takes PERSON..., --face FACE or --expired");
  const auto answer = usecases::remove_from_gallery(gallery, removal);
  if (!answer) return give_up(desk, answer.error());
  const std::string text = counted(answer->persons, "person", "persons") + " and " +
                           counted(answer->faces, "single face", "single faces") + " removed\n";
  return finish(desk, wire::to_json(*answer), text, answer->errors);
}

/// How it is searched, and why.
std::string search_of(const gallery::Stats& stats) {
  if (stats.index_choice != gallery::IndexChoice::kAuto) return stats.index + ", as chosen";
  return stats.index + ", which is faster than a graph that finds as much";
}

int tell_stats(Desk& desk, const usecases::Outcome<gallery::Stats>& answer) {
  if (!answer) return give_up(desk, answer.error());
  Table table({"", ""});
  table.add({"persons", std::to_string(answer->persons)});
  table.add({"faces", std::to_string(answer->faces)});
  table.add({"model", answer->model.empty() ? "-" : answer->model});
  table.add({"dimension", std::to_string(answer->dimension)});
  table.add({"stored as", answer->element});
  table.add({"search", search_of(*answer)});
  table.add({"bytes of the index file",
             answer->index_bytes == 0 ? "none" : std::to_string(answer->index_bytes)});
  table.add({"bytes", std::to_string(answer->bytes)});
  table.add({"bytes free", std::to_string(answer->free_bytes)});
  table.add({"encryption", answer->encryption});
  return finish(desk, wire::to_json(*answer), table.text(), {});
}

int run_stats(Desk& desk, const usecases::GalleryPlace& gallery) {
  return tell_stats(desk, usecases::gallery_stats(gallery));
}

int run_index(Desk& desk, const Named& named) {
  if (named.gallery.folder.empty() || named.words.size() != 1)
    return usage(desk, "index takes a gallery and then auto, exact or hnsw");
  return tell_stats(desk, usecases::choose_index(named.gallery, named.words.front()));
}

int run_check(Desk& desk, const usecases::GalleryPlace& gallery) {
  const auto answer = usecases::check_gallery(gallery);
  if (!answer) return give_up(desk, answer.error());
  std::string text;
  for (const std::string& finding : answer->findings) text += printable(finding) + "\n";
  if (answer->findings.empty()) text = "nothing is wrong\n";
  const int code = finish(desk, wire::to_json(*answer), text, {});
  return code == kDone && !answer->findings.empty() ? kCheckSaidNo : code;
}

int run_compact(Desk& desk, const usecases::GalleryPlace& gallery) {
  const auto answer = usecases::compact_gallery(gallery);
  if (!answer) return give_up(desk, answer.error());
  const std::string text = "from " + std::to_string(answer->bytes_before) + " to " +
                           std::to_string(answer->bytes_after) + " bytes\n";
  return finish(desk, wire::to_json(*answer), text, {});
}

int run_archive(Desk& desk, const Named& named, const std::string& archive) {
  if (named.gallery.folder.empty() || !named.words.empty())
    return usage(desk, "an archive is of a whole gallery: export takes a gallery and nobody");
  const auto answer =
      usecases::archive_gallery(named.gallery, archive, desk.terminal.progress("exporting"));
  if (!answer) return give_up(desk, answer.error());
  const gallery::Archived& counts = answer->counts;
  const std::string text = counted(counts.persons, "person", "persons") + ", " +
                           counted(counts.faces, "face", "faces") + " and " +
                           std::to_string(counts.files) +
                           " chips and photos: " + printable(archive) + " (not encrypted)\n";
  return finish(desk, wire::to_json(*answer), text, answer->errors);
}

int run_export(Desk& desk, const Named& named, const std::string& out) {
  if (named.gallery.folder.empty() || named.words.size() > 1)
    return usage(desk, "export takes a gallery and, if not everybody is meant, one person");
  usecases::ExportRequest request{.out = out};
  if (!named.words.empty()) request.person = named.words.front();
  const auto answer = usecases::export_gallery(named.gallery, request);
  if (!answer) return give_up(desk, answer.error());
  const std::string text = counted(answer->rows, "face", "faces") + " of " +
                           counted(answer->persons.size(), "person", "persons") + ": " +
                           printable(answer->npy.string()) + ", " +
                           printable(answer->tsv.string()) +
                           (answer->files.empty() ? "" : ", " + printable(answer->files.string())) +
                           (named.gallery.key_file.empty() ? "" : " (not encrypted)") + "\n";
  return finish(desk, wire::to_json(*answer), text, answer->errors);
}

void add_names(CLI::App& verb, Named& named) {
  add_gallery(verb, named.gallery, "The gallery's folder; else the first word is it");
  verb.add_option("PERSON", named.words, "Who");
}

void add_show(VerbList& list, CLI::App& parent) {
  auto given = std::make_shared<Named>();
  CLI::App* verb = list.add(parent, "show", "All that is kept of a person, but for the vectors",
                            "gallery show --gallery people ada");
  add_names(*verb, *given);
  list.verbs.push_back({verb, [=](Desk& desk) {
                          const Named named = given->resolved();
                          if (named.gallery.folder.empty() || named.words.size() != 1)
                            return usage(desk, "show takes a gallery and then one person");
                          return tell_person(
                              desk, usecases::show_person(named.gallery, named.words.front()));
                        }});
}

int run_set(Desk& desk, const Named& named, const usecases::PersonWords& words) {
  if (named.gallery.folder.empty() || named.words.size() != 1)
    return usage(desk, "set takes a gallery and then one person");
  const auto change = usecases::change_of(words, seconds_now());
  if (!change) return give_up(desk, change.error());
  if (change->is_empty())
    return usage(desk, "set takes what is to be changed: --name, --expires, …");
  return tell_person(desk, usecases::set_person(named.gallery, named.words.front(), *change));
}

void add_set(VerbList& list, CLI::App& parent) {
  auto given = std::make_shared<Named>();
  auto words = std::make_shared<usecases::PersonWords>();
  CLI::App* verb =
      list.add(parent, "set", "Changes what is known of a person; what is not said stays as it is",
               "gallery set --gallery people ada --consent contract --expires 1y");
  add_names(*verb, *given);
  add_person_options(*verb, *words);
  verb->add_option("--clear", words->clear, "Forget it: consent, expiry or attributes; repeatable")
      ->type_name("WHAT")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  list.verbs.push_back(
      {verb, [=](Desk& desk) { return run_set(desk, given->resolved(), *words); }});
}

void add_index(VerbList& list, CLI::App& parent) {
  auto given = std::make_shared<Named>();
  CLI::App* verb = list.add(parent, "index",
                            "Chooses how the gallery is searched: exactly (exact, and auto at "
                            "every size) or by a graph that finds most (hnsw), and makes the index",
                            "gallery index --gallery people hnsw");
  add_gallery(*verb, given->gallery, "The gallery's folder; else the first word is it");
  verb->add_option("CHOICE", given->words, "auto, exact or hnsw");
  list.verbs.push_back({verb, [=](Desk& desk) { return run_index(desk, given->resolved()); }});
}

void add_remove(VerbList& list, CLI::App& parent) {
  auto given = std::make_shared<Named>();
  auto removal = std::make_shared<usecases::Removal>();
  CLI::App* verb = list.add(parent, "remove",
                            "Forgets persons or single faces: nothing of them is left in the "
                            "gallery's files",
                            "gallery remove --gallery people ada");
  add_names(*verb, *given);
  verb->add_option("--face", removal->faces, "A single face, as `gallery show` names it")
      ->type_name("FACE")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_flag("--expired", removal->expired, "Everybody whose time is over");
  list.verbs.push_back({verb, [=](Desk& desk) {
                          const Named named = given->resolved();
                          removal->persons = named.words;
                          return run_remove(desk, named.gallery, *removal);
                        }});
}

void add_export(VerbList& list, CLI::App& parent) {
  auto given = std::make_shared<Named>();
  auto out = std::make_shared<std::string>();
  auto archive = std::make_shared<std::string>();
  CLI::App* verb = list.add(parent, "export",
                            "Writes the vectors of everybody or of one person, with a table "
                            "(--json tells all else that is kept); or all of a gallery as one "
                            "file, for `gallery import`",
                            "gallery export --gallery people --out people.npy");
  add_names(*verb, *given);
  verb->add_option("--out", *out, "NumPy file; a table with the same name and .tsv beside it")
      ->type_name("FILE.npy");
  verb->add_option("--archive", *archive, "All of the gallery in one file, not encrypted")
      ->type_name("FILE.tar");
  list.verbs.push_back({verb, [=](Desk& desk) {
                          if (out->empty() == archive->empty())
                            return usage(desk, "export takes --out or --archive");
                          if (out->empty()) return run_archive(desk, given->resolved(), *archive);
                          return run_export(desk, given->resolved(), *out);
                        }});
}

/// A verb that takes nothing but the gallery.
void add_plain(VerbList& list, CLI::App& parent, const std::string& name, const std::string& what,
               int (*run)(Desk&, const usecases::GalleryPlace&)) {
  auto gallery = std::make_shared<usecases::GalleryPlace>();
  CLI::App* verb = list.add(parent, name, what, "gallery " + name + " people");
  add_gallery_or_word(*verb, *gallery);
  list.verbs.push_back({verb, [=](Desk& desk) {
                          if (gallery->folder.empty())
                            return usage(desk, name + " takes a gallery");
                          return run(desk, *gallery);
                        }});
}

void add_new_key(VerbList& list, CLI::App& parent) {
  auto file = std::make_shared<std::string>();
  CLI::App* verb = list.add(parent, "new-key",
                            "Makes a key file for --key-file. Without it nobody reads the gallery "
                            "again, its owner neither",
                            "gallery new-key people.key");
  verb->add_option("FILE", *file, "Where; nothing is overwritten")->required();
  list.verbs.push_back({verb, [=](Desk& desk) {
                          const auto made = usecases::make_key_file(*file);
                          if (!made) return give_up(desk, made.error());
                          return finish(desk, wire::new_key_to_json(*file), printable(*file) + "\n",
                                        {});
                        }});
}

}  // namespace

void add_gallery_verbs(VerbList& list) {
  CLI::App* gallery = list.program.add_subcommand("gallery", "Looks after a gallery");
  gallery->require_subcommand(1);
  add_plain(list, *gallery, "list", "Everybody who is enrolled", run_list);
  add_show(list, *gallery);
  add_set(list, *gallery);
  add_remove(list, *gallery);
  add_export(list, *gallery);
  add_new_key(list, *gallery);
  add_plain(list, *gallery, "stats", "How many, by which model, in how much room", run_stats);
  add_plain(list, *gallery, "check", "Looks for everything that could be wrong; exit 1 if it is",
            run_check);
  add_index(list, *gallery);
  add_plain(list, *gallery, "compact", "Gives the room of what was removed back", run_compact);
  add_gallery_moves(list, *gallery);
}

}  // namespace visavis::cli
