#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>
#include <visavis/usecases/galleries.hpp>
#include <visavis/usecases/import_job.hpp>
#include <visavis/usecases/served.hpp>
#include <visavis/usecases/shelf.hpp>
#include <visavis/wire/galleries.hpp>
#include <visavis/wire/served.hpp>

#include "answers.hpp"
#include "parameters.hpp"
#include "replies.hpp"

namespace visavis::server::answers {
namespace {

using usecases::Outcome;
using usecases::usage;

/// What JSON says of a gallery's settings; the rest stays as it is.
Outcome<usecases::GallerySettings> settings_of(const nlohmann::json& object,
                                               usecases::GallerySettings settings) {
  const auto find = [&](const char* name) {
    const auto found = object.find(name);
    return found == object.end() ? nullptr : &*found;
  };
  if (const auto* description = find("description")) {
    if (!description->is_string()) return usage("description is no text");
    settings.description = description->get<std::string>();
  }
  if (const auto* quality = find("min_quality")) {
    if (!quality->is_number()) return usage("min_quality is no number");
    settings.min_quality = quality->get<float>();
  }
  if (const auto* duplicates = find("allow_duplicates")) {
    if (!duplicates->is_boolean()) return usage("allow_duplicates is neither true nor false");
    settings.allow_duplicates = duplicates->get<bool>();
  }
  if (const auto* word = find("keep")) {
    const auto keep =
        word->is_string() ? usecases::parse_keep(word->get<std::string>()) : std::nullopt;
    if (!keep) return usage("keep is one of none, chips, photos");
    settings.keep = *keep;
  }
  return settings;
}

/// What is on its way into a gallery that goes.
void cancel_imports(const Call& call) {
  for (const jobs::Job& job : call.services.jobs.list(call.who.tenant)) {
    const auto order = usecases::parse_parameters(job.parameters);
    if (jobs::has_ended(job.state) || !order || order->gallery != call.gallery()) continue;
    // One that cannot be cancelled fails when it finds no gallery.
    [[maybe_unused]] const auto cancelled = call.services.jobs.cancel(call.who.tenant, job.id);
  }
}

}  // namespace

Response list_galleries(Call& call) {
  VISAVIS_OR_PROBLEM(all, call.services.shelf.list(call.who.tenant));
  return json(wire::to_json(all));
}

Response make_gallery(Call& call) {
  VISAVIS_OR_PROBLEM(object, object_of(call.request, {"gallery", "description", "min_quality",
                                                      "keep", "allow_duplicates"}));
  const auto name = object.find("gallery");
  if (name == object.end() || !name->is_string()) return problem(400, "gallery is no text");
  VISAVIS_OR_PROBLEM(settings, settings_of(object, {}));
  call.path = {name->get<std::string>()};
  if (call.services.shelf.is_there(call.who.tenant, call.gallery()))
    return problem(409, "there is a gallery of that name already");
  VISAVIS_OR_PROBLEM(made, call.services.shelf.make(call.who.tenant, call.gallery(), settings));
  call.audit("gallery.create", "ok");
  Response response = json(wire::to_json(made), 201);
  response.fields.emplace_back("Location", "/v1/galleries/" + call.gallery());
  return response;
}

Response show_gallery(Call& call) {
  VISAVIS_OR_PROBLEM(facts, call.services.shelf.facts(call.who.tenant, call.gallery()));
  return json(wire::to_json(facts));
}

Response change_gallery(Call& call) {
  VISAVIS_OR_PROBLEM(
      object, object_of(call.request, {"description", "min_quality", "keep", "allow_duplicates"}));
  VISAVIS_OR_PROBLEM(before, call.find_gallery());
  VISAVIS_OR_PROBLEM(settings, settings_of(object, before.settings));
  VISAVIS_OR_PROBLEM(facts, call.services.shelf.change(call.who.tenant, call.gallery(), settings));
  call.audit("gallery.change", "ok");
  return json(wire::to_json(facts));
}

Response remove_gallery(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  cancel_imports(call);
  gallery.people.reset();  // the removal waits for whoever still holds it
  if (auto removed = call.services.shelf.remove(call.who.tenant, call.gallery()); !removed)
    return problem(removed.error());
  call.audit("gallery.remove", "ok");
  return nothing();
}

Response export_gallery(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  const auto file = call.services.options.data / ("export-" + call.request.id + ".tmp");
  if (auto archived = usecases::archive_gallery(gallery, file); !archived)
    return problem(archived.error());
  call.audit("gallery.export", "ok");
  Response response{.type = "application/octet-stream", .file = file};
  response.fields.emplace_back("Content-Disposition",
                               "attachment; filename=\"" + call.gallery() + ".visavis\"");
  return response;
}

Response list_persons(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  if (auto fine = check_query(call.request, {"after", "limit", "name"}); !fine)
    return problem(fine.error());
  VISAVIS_OR_PROBLEM(
      after, whole_of(call.request.query, "after", 0, 0, std::numeric_limits<std::int64_t>::max()));
  VISAVIS_OR_PROBLEM(limit, whole_of(call.request.query, "limit", 100, 1, 1000));
  const auto most = static_cast<std::size_t>(limit);
  const auto name = call.request.query.find("name");
  VISAVIS_OR_PROBLEM(
      list, usecases::list_persons(gallery,
                                   {.after = after,
                                    .limit = most,
                                    .name = name == call.request.query.end() ? "" : name->second}));
  std::optional<std::int64_t> next;
  if (list.persons.size() == most) next = list.persons.back().number;
  return json(wire::to_json(list, next));
}

Response make_person(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(
      object, optional_object_of(call.request, {"person", "name", "attributes", "consent_basis",
                                                "consent_at", "expires_at"}));
  std::string id;
  if (const auto given = object.find("person"); given != object.end()) {
    if (!given->is_string()) return problem(400, "person is no text");
    id = given->get<std::string>();
    if (id.empty()) return problem(400, "person is empty");
    if (usecases::show_person(gallery, id))
      return problem(409, "there is a person of that id already");
  }
  VISAVIS_OR_PROBLEM(change, change_of(object));
  VISAVIS_OR_PROBLEM(made, usecases::make_person(gallery, change, std::move(id)));
  call.audit("person.create", "ok", {}, made.person.id);
  return json(wire::to_json(made), 201);
}

Response show_person(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(details, usecases::show_person(gallery, call.person()));
  return json(wire::to_json(details));
}

Response change_person(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(object, object_of(call.request, {"name", "attributes", "consent_basis",
                                                      "consent_at", "expires_at"}));
  VISAVIS_OR_PROBLEM(change, change_of(object));
  VISAVIS_OR_PROBLEM(details, usecases::change_person(gallery, call.person(), change));
  call.audit("person.change", "ok");
  return json(wire::to_json(details));
}

Response remove_person(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  if (auto removed = usecases::remove_person(gallery, call.person()); !removed)
    return problem(removed.error());
  call.audit("person.remove", "ok");
  return nothing();
}

Response export_person(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(exported, usecases::export_person(gallery, call.person()));
  call.audit("person.export", "ok");
  return json(wire::to_json(exported));
}

Response list_faces(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(details, usecases::show_person(gallery, call.person()));
  return json(wire::faces_to_json(details));
}

Response show_face(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(face, usecases::find_face(gallery, call.person(), call.face()));
  return json(wire::to_json(face));
}

Response remove_face(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  if (auto removed = usecases::remove_face(gallery, call.person(), call.face()); !removed)
    return problem(removed.error());
  call.audit("face.remove", "ok");
  return nothing();
}

Response face_image(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(image, usecases::face_image(gallery, call.person(), call.face()));
  return {.type = image.media_type,
          .body = {reinterpret_cast<const char*>(image.bytes.data()), image.bytes.size()}};
}

}  // namespace visavis::server::answers
