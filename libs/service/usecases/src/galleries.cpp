#include "visavis/usecases/galleries.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include "gallery_at.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;
using gallery::OpenMode;

constexpr std::size_t kPage = 1000;

std::int64_t seconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

Outcome<PersonList> list_persons(const fs::path& folder) {
  VISAVIS_TRY(people, gallery_at(folder, OpenMode::kRead));
  PersonList answer;
  for (gallery::Page page{.after = 0, .limit = kPage};;) {
    VISAVIS_TRY(persons, people->list(page));
    if (persons.empty()) return answer;
    page.after = persons.back().number;
    for (gallery::Person& person : persons) answer.persons.push_back(std::move(person));
  }
}

Outcome<gallery::PersonDetails> show_person(const fs::path& folder, const std::string& person) {
  VISAVIS_TRY(people, gallery_at(folder, OpenMode::kRead));
  VISAVIS_TRY(details, people->show(person));
  return details;
}

Outcome<Removed> remove_from_gallery(const fs::path& folder, const Removal& removal) {
  VISAVIS_TRY(people, gallery_at(folder, OpenMode::kWrite));
  Removed answer;
  for (const std::string& person : removal.persons) {
    auto removed = people->remove_person(person);
    if (removed)
      ++answer.persons;
    else
      answer.errors.push_back(problem(person, std::move(removed).error()));
  }
  for (const std::string& face : removal.faces) {
    auto removed = people->remove_face(face);
    if (removed)
      ++answer.faces;
    else
      answer.errors.push_back(problem(face, std::move(removed).error()));
  }
  if (removal.expired) {
    VISAVIS_TRY(expired, people->remove_expired(seconds_now()));
    answer.persons += expired;
  }
  return answer;
}

Outcome<gallery::Stats> gallery_stats(const fs::path& folder) {
  VISAVIS_TRY(people, gallery_at(folder, OpenMode::kRead));
  VISAVIS_TRY(stats, people->stats());
  return stats;
}

Outcome<GalleryCheck> check_gallery(const fs::path& folder) {
  auto people = gallery_at(folder, OpenMode::kRead);
  // A damaged gallery is what a check is there to find.
  if (!people && people.error().error.code == ErrorCode::kDecodeFailed)
    return GalleryCheck{.findings = {people.error().error.message}};
  if (!people) return std::unexpected(std::move(people).error());
  VISAVIS_TRY(findings, (*people)->check());
  return GalleryCheck{.findings = std::move(findings)};
}

Outcome<Compaction> compact_gallery(const fs::path& folder) {
  VISAVIS_TRY(people, gallery_at(folder, OpenMode::kWrite));
  VISAVIS_TRY(before, people->stats());
  VISAVIS_CHECK(people->compact());
  VISAVIS_TRY(after, people->stats());
  return Compaction{.bytes_before = before.bytes, .bytes_after = after.bytes};
}

}  // namespace visavis::usecases
