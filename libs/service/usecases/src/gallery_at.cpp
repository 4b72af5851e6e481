#include "gallery_at.hpp"

#include <utility>
#include <visavis/core/executor.hpp>
#include <visavis/store/key.hpp>

#include "outputs.hpp"
#include "processors.hpp"

namespace visavis::usecases {

Outcome<gallery::GalleryOptions> options_of(const GalleryPlace& place) {
  gallery::GalleryOptions options;
  options.workers = [] { return make_thread_pool(processors()); };
  if (!place.key_file.empty()) {
    VISAVIS_TRY(key, named(place.key_file, store::read_key(place.key_file)));
    options.key = std::move(key);
  }
  return options;
}

Outcome<void> check_place(const GalleryPlace& place) {
  auto usable = check_folder(place.folder);
  if (!usable && usable.error().cause == Cause::kUsage) usable.error().cause = Cause::kInput;
  return usable;
}

Outcome<std::unique_ptr<gallery::Gallery>> gallery_at(const GalleryPlace& place,
                                                      gallery::OpenMode mode) {
  VISAVIS_TRY(options, options_of(place));
  return named(place.folder, gallery::open_gallery(place.folder, mode, options));
}

Outcome<std::unique_ptr<gallery::Gallery>> gallery_of(ModelId model, const GalleryPlace& place,
                                                      gallery::OpenMode mode) {
  VISAVIS_TRY(people, gallery_at(place, mode));
  if (people->faces() > 0 && people->model() != model)
    return std::unexpected(
        Failure({ErrorCode::kModelMismatch,
                 place.folder.string() + ": was made with another model or another --flip"}));
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
