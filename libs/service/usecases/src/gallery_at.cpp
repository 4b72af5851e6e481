#include "gallery_at.hpp"

#include <string>
#include <utility>

namespace visavis::usecases {

Outcome<std::unique_ptr<gallery::Gallery>> gallery_at(const std::filesystem::path& folder,
                                                      gallery::OpenMode mode) {
  auto people = gallery::open_gallery(folder, mode);
  if (people) return *std::move(people);
  Error error = std::move(people).error();
  error.message = folder.string() + ": " + error.message;
  return std::unexpected(Failure(std::move(error)));
}

Outcome<std::unique_ptr<gallery::Gallery>> gallery_of(ModelId model,
                                                      const std::filesystem::path& folder,
                                                      gallery::OpenMode mode) {
  VISAVIS_TRY(people, gallery_at(folder, mode));
  if (people->faces() > 0 && people->model() != model)
    return std::unexpected(
        Failure({ErrorCode::kModelMismatch,
                 folder.string() + ": was made with another model or another --flip"}));
  return people;
}

Outcome<std::vector<gallery::Person>> all_persons(const gallery::Gallery& people) {
  std::vector<gallery::Person> all;
  for (gallery::Page page;;) {
    VISAVIS_TRY(persons, people.list(page));
    if (persons.empty()) return all;
    page.after = persons.back().number;
    for (gallery::Person& person : persons) all.push_back(std::move(person));
  }
}

}  // namespace visavis::usecases
