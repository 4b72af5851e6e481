#include "visavis/usecases/galleries.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/core/time.hpp>
#include <visavis/store/key.hpp>
#include <visavis/store/npy.hpp>
#include <visavis/store/tsv.hpp>

#include "gallery_at.hpp"
#include "numbers.hpp"
#include "outputs.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;
using gallery::OpenMode;

}  // namespace

Outcome<PersonList> list_persons(const GalleryPlace& place) {
  VISAVIS_TRY(people, gallery_at(place, OpenMode::kRead));
  VISAVIS_TRY(persons, all_persons(*people));
  return PersonList{.persons = std::move(persons)};
}

Outcome<gallery::PersonDetails> show_person(const GalleryPlace& place, const std::string& person) {
  VISAVIS_TRY(people, gallery_at(place, OpenMode::kRead));
  VISAVIS_TRY(details, people->show(person));
  return details;
}

Outcome<gallery::PersonDetails> set_person(const GalleryPlace& place, const std::string& person,
                                           const gallery::PersonChange& change) {
  VISAVIS_TRY(people, gallery_at(place, OpenMode::kWrite));
  VISAVIS_CHECK(people->show(person));
  VISAVIS_CHECK(people->change_person(person, change));
  VISAVIS_TRY(details, people->show(person));
  return details;
}

Outcome<Removed> remove_from_gallery(const GalleryPlace& place, const Removal& removal) {
  VISAVIS_TRY(people, gallery_at(place, OpenMode::kWrite));
  Removed answer;
  // Faces first: with their person they would be gone.
  for (const std::string& face : removal.faces) {
    auto removed = people->remove_face(face);
    if (removed)
      ++answer.faces;
    else
      answer.errors.push_back(problem(face, std::move(removed).error()));
  }
  for (const std::string& person : removal.persons) {
    auto removed = people->remove_person(person);
    if (removed)
      ++answer.persons;
    else
      answer.errors.push_back(problem(person, std::move(removed).error()));
  }
  if (removal.expired) {
    VISAVIS_TRY(expired, people->remove_expired(seconds_now()));
    answer.persons += expired;
  }
  return answer;
}

Outcome<gallery::Stats> gallery_stats(const GalleryPlace& place) {
  VISAVIS_TRY(people, gallery_at(place, OpenMode::kRead));
  VISAVIS_TRY(stats, people->stats());
  return stats;
}

namespace {

Outcome<std::vector<std::string>> whom_to_export(const gallery::Gallery& people,
                                                 const ExportRequest& request) {
  if (request.person) return std::vector{*request.person};
  VISAVIS_TRY(persons, all_persons(people));
  std::vector<std::string> ids;
  for (gallery::Person& person : persons) ids.push_back(std::move(person.id));
  return ids;
}

std::string lines_of(const gallery::PersonDetails& details, std::size_t row) {
  std::string lines;
  for (std::size_t i = 0; i < details.faces.size(); ++i) {
    const gallery::EnrolledFace& face = details.faces[i];
    lines +=
        store::to_line({std::to_string(row + i), face.source, std::to_string(i), details.person.id,
                        shortest(face.quality), shortest(face.norm), face.face_id});
  }
  return lines;
}

Outcome<void> copy_kept_files(const gallery::Gallery& people, const gallery::PersonDetails& details,
                              Export& answer) {
  const fs::path folder = fs::path(answer.npy).replace_extension(".files");
  for (const gallery::EnrolledFace& face : details.faces)
    for (const std::string& name : {face.chip, face.photo}) {
      if (name.empty()) continue;
      const auto bytes = people.kept_file(name);
      if (!bytes) {
        answer.errors.push_back(problem(name, Failure(bytes.error())));
        continue;
      }
      VISAVIS_CHECK(
          caused_by(Cause::kEnvironment, write_file(folder / name, *bytes, Readers::kOwner)));
      answer.files = folder;
    }
  return {};
}

}  // namespace

Outcome<Export> export_gallery(const GalleryPlace& place, const ExportRequest& request) {
  if (request.out.extension() != ".npy") return usage("the name of --out must end with .npy");
  Export answer{.npy = request.out, .tsv = fs::path(request.out).replace_extension(".tsv")};
  const fs::path files = fs::path(answer.npy).replace_extension(".files");
  VISAVIS_CHECK(check_files({answer.npy, answer.tsv}, {}, {place.key_file}));
  VISAVIS_CHECK(check_spared({files / "chips", files / "photos"}, {}));
  VISAVIS_TRY(people, gallery_at(place, OpenMode::kWrite));
  VISAVIS_TRY(stats, people->stats());
  VISAVIS_TRY(ids, whom_to_export(*people, request));
  // An empty gallery has no dimension yet; a matrix without rows needs some number of columns.
  VISAVIS_TRY(matrix, caused_by(Cause::kEnvironment,
                                store::NpyWriter::create(answer.npy,
                                                         std::max<std::size_t>(stats.dimension, 1),
                                                         Readers::kOwner)));
  std::string table =
      store::to_line({"row", "path", "face", "person", "quality", "norm", "face_id"});
  for (const std::string& id : ids) {
    VISAVIS_TRY(one, people->export_person(id));
    VISAVIS_CHECK(caused_by(Cause::kEnvironment, matrix.append(one.vectors)));
    VISAVIS_CHECK(copy_kept_files(*people, one.details, answer));
    table += lines_of(one.details, answer.rows);
    answer.rows += one.details.faces.size();
    answer.persons.push_back(std::move(one.details));
  }
  VISAVIS_CHECK(caused_by(Cause::kEnvironment, matrix.commit()));
  VISAVIS_CHECK(caused_by(Cause::kEnvironment, write_file(answer.tsv, table, Readers::kOwner)));
  return answer;
}

Outcome<ArchivedGallery> archive_gallery(const GalleryPlace& place, const fs::path& archive,
                                         const Progress& progress) {
  VISAVIS_CHECK(check_files({archive}, {}, {place.key_file}));
  VISAVIS_TRY(options, options_of(place));
  VISAVIS_TRY(counts, named(place.folder,
                            gallery::export_archive(place.folder, archive, options, progress)));
  ArchivedGallery answer{.counts = std::move(counts)};
  for (const gallery::LostFile& file : answer.counts.lost)
    answer.errors.push_back(problem(file.name, Failure(file.error)));
  return answer;
}

Outcome<gallery::Imported> import_gallery(const fs::path& archive, const GalleryPlace& place,
                                          const Progress& progress) {
  VISAVIS_CHECK(check_place(place));
  VISAVIS_TRY(options, options_of(place));
  auto imported = named(archive, gallery::import_archive(archive, place.folder, options, progress));
  // The file is of another version, not this machine.
  if (!imported && imported.error().error.code == ErrorCode::kUnsupported)
    imported.error().cause = Cause::kInput;
  return imported;
}

Outcome<GalleryCheck> check_gallery(const GalleryPlace& place) {
  auto people = gallery_at(place, OpenMode::kRead);
  // A damaged gallery is what a check is there to find.
  if (!people && people.error().error.code == ErrorCode::kDecodeFailed)
    return GalleryCheck{.findings = {people.error().error.message}};
  if (!people) return std::unexpected(std::move(people).error());
  VISAVIS_TRY(findings, (*people)->check());
  return GalleryCheck{.findings = std::move(findings)};
}

Outcome<Compaction> compact_gallery(const GalleryPlace& place) {
  VISAVIS_TRY(people, gallery_at(place, OpenMode::kWrite));
  VISAVIS_TRY(before, people->stats());
  VISAVIS_CHECK(people->compact());
  VISAVIS_TRY(after, people->stats());
  return Compaction{.bytes_before = before.bytes, .bytes_after = after.bytes};
}

Outcome<gallery::Stats> choose_index(const GalleryPlace& place, const std::string& choice) {
  const auto chosen = gallery::parse_index_choice(choice);
  if (!chosen)
    return std::unexpected(
        Failure(Cause::kUsage, {ErrorCode::kInvalidArgument, "an index is auto, exact or hnsw"}));
  VISAVIS_TRY(people, gallery_at(place, OpenMode::kWrite));
  VISAVIS_CHECK(people->choose_index(*chosen));
  return people->stats();
}

Outcome<void> make_key_file(const fs::path& file) {
  VISAVIS_CHECK(check_spared({file}, {}));
  return named(file, store::make_key_file(file));
}

}  // namespace visavis::usecases
