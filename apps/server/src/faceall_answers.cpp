// FaceAll's three calls and two pages, for its clients: names, shapes and texts are theirs, so is
// that every reply is a 200 and an error is a text. Photos go into a gallery of their own.

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>
#include <visavis/usecases/served.hpp>

#include "answers.hpp"
#include "multipart.hpp"
#include "parameters.hpp"
#include "replies.hpp"

namespace visavis::server::answers {
namespace {

using Json = nlohmann::ordered_json;
using usecases::Outcome;

constexpr const char* kGallery = "faceall";
constexpr std::string_view kPhotos = "static/uploadImages/";
constexpr std::size_t kMaxPhotos = 100;
constexpr std::size_t kMaxCandidates = 10;

Response reply_of(const Json& json) {
  Response response = server::json(json.dump(-1, ' ', false, Json::error_handler_t::replace));
  response.fields.emplace_back("Access-Control-Allow-Origin", "*");
  return response;
}

Response text(std::string sentence) {
  Response response{.type = "text/plain; charset=utf-8", .body = std::move(sentence)};
  response.fields.emplace_back("Access-Control-Allow-Origin", "*");
  return response;
}

Response error(const usecases::Failure& failure) { return text("Error: " + failure.error.message); }

/// Made when the first photo comes.
Outcome<usecases::OpenGallery> gallery_of(const Call& call) {
  usecases::Shelf& shelf = call.services.shelf;
  if (!shelf.is_there(call.who.tenant, kGallery)) {
    const auto made = shelf.make(call.who.tenant, kGallery,
                                 {.description = "photos of FaceAll's clients",
                                  .keep = usecases::Keep::kPhotos,
                                  .allow_duplicates = true});
    // Somebody else may have made it in between.
    if (!made && !shelf.is_there(call.who.tenant, kGallery)) return std::unexpected(made.error());
  }
  return shelf.find(call.who.tenant, kGallery);
}

/// {"box": [x1, y1, x2, y2], "pt": [x1 … x5, y1 … y5]}
Json points_of(const Face& face) {
  const Box& box = face.box;
  Json points = Json::array();
  for (const Point& point : face.landmarks) points.push_back(point.x);
  for (const Point& point : face.landmarks) points.push_back(point.y);
  return {{"box", {box.x, box.y, box.x + box.width, box.y + box.height}}, {"pt", points}};
}

/// One photo: its faces in the reply, and enrolled if it shows one.
Outcome<Json> registered(Call& call, const usecases::OpenGallery& gallery,
                         const usecases::Upload& photo) {
  Json entry{{"BoxsPoints", Json::array()}, {"name", photo.path}};
  VISAVIS_TRY(found,
              usecases::detect(*call.services.analyser, std::span(&photo, 1), call.deadline));
  for (const usecases::DetectedPhoto& one : found.photos)
    for (const Face& face : one.faces) entry["BoxsPoints"].push_back(points_of(face));
  if (entry["BoxsPoints"].empty()) return entry;  // nothing to keep
  gallery::PersonChange change;
  change.name = photo.path;
  VISAVIS_TRY(person, usecases::make_person(gallery, change, {}));
  const auto enrolled =
      usecases::enrol(*call.services.analyser, gallery, person.person.id, std::span(&photo, 1),
                      usecases::Selection::kLargest, call.deadline);
  const bool kept = enrolled && !enrolled->enrolled.empty();
  if (!kept) {  // nobody shall be left of whom there is no face
    [[maybe_unused]] const auto removed = usecases::remove_person(gallery, person.person.id);
    return entry;
  }
  call.audit("face.enrol", "ok", enrolled->enrolled.front().face_id, person.person.id);
  return entry;
}

const Part* find_part(const std::vector<Part>& parts, std::string_view name) {
  const auto found = std::ranges::find(parts, name, &Part::name);
  return found == parts.end() ? nullptr : &*found;
}

/// "a.jpg*b.jpg*"
std::vector<std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const std::size_t star = std::min(text.find('*'), text.size());
    if (star > 0) names.emplace_back(text.substr(0, star));
    text.remove_prefix(std::min(star + 1, text.size()));
  }
  return names;
}

}  // namespace

Response faceall_register(Call& call) {
  const auto parts =
      parse_multipart(call.request.field("content-type"), call.request.body, kMaxPhotos + 8);
  if (!parts) return error(parts.error());
  const Part* names = find_part(*parts, "names");
  if (names == nullptr) return text("Error: the form has no field names");
  auto gallery = gallery_of(call);
  if (!gallery) return error(gallery.error());
  Json faces = Json::array();
  for (const std::string& name : names_in(names->data)) {
    const Part* file = find_part(*parts, name);
    if (file == nullptr) continue;
    const usecases::Upload photo{.path = name, .bytes = bytes_of(file->data)};
    auto entry = registered(call, *gallery, photo);
    if (!entry) return error(entry.error());
    faces.push_back(*std::move(entry));
  }
  return reply_of({{"faces", faces}});
}

Response faceall_register_batch(Call& call) {
  const Json body = Json::parse(call.request.body, nullptr, false);
  const auto urls = body.is_object() ? body.find("urls") : body.end();
  if (!body.is_object() || urls == body.end() || !urls->is_array())
    return text("Error: the JSON has no list urls");
  if (urls->size() > kMaxPhotos) return text("Limit Error: url items count > 100");
  if (!call.services.fetcher) return text("Error: photos by URL are off");
  auto gallery = gallery_of(call);
  if (!gallery) return error(gallery.error());
  Json faces = Json::array();
  for (const Json& url : *urls) {
    const std::string address = url.is_string() ? url.get<std::string>() : std::string();
    const auto bytes = call.services.fetcher->get(address);
    if (!bytes) {  // the others are registered all the same
      faces.push_back({{"BoxsPoints", Json::array()}, {"name", address}});
      continue;
    }
    const usecases::Upload photo{.path = address.substr(0, 1024), .bytes = *bytes};
    auto entry = registered(call, *gallery, photo);
    if (!entry) return error(entry.error());
    faces.push_back(*std::move(entry));
  }
  return reply_of({{"faces", faces}});
}

Response faceall_retrieve(Call& call) {
  const auto parts =
      parse_multipart(call.request.field("content-type"), call.request.body, kMaxPhotos + 8);
  if (!parts) return error(parts.error());
  const Part* name = find_part(*parts, "name");
  const Part* file = name == nullptr ? nullptr : find_part(*parts, name->data);
  if (file == nullptr) return text("Error: the form has no file of the name in its field name");
  auto gallery = gallery_of(call);
  if (!gallery) return error(gallery.error());
  if (gallery->people->faces() == 0) return text("Database is null now.");
  const usecases::Upload photo{.path = "image", .bytes = bytes_of(file->data)};
  usecases::SearchOptions options;
  options.top = kMaxCandidates;
  options.criterion.metric = matching::ScoreKind::kSquaredL2;
  options.criterion.threshold = 4;  // every candidate is told, as there
  const auto found = usecases::identify(*call.services.analyser, *gallery, std::span(&photo, 1),
                                        options, call.deadline);
  if (!found) return error(found.error());
  const bool readable = !found->photos.empty();
  const std::size_t count = readable ? found->photos.front().faces.size() : 0;
  if (count == 0) return text("Not detect any face in this picture, please choose another.");
  if (count > 1) return text("Detect more than 1 face in this picture, please choose another.");
  Json faces = Json::array();
  for (const usecases::Candidate& candidate : found->photos.front().faces.front().candidates)
    faces.push_back({{"distance", candidate.score},
                     {"path", std::string(kPhotos) + candidate.person + ".jpg"}});
  call.audit("identify", "ok");
  return reply_of({{"faces", faces}});
}

Response faceall_photo(Call& call) {
  std::string person = call.path[0];
  constexpr std::string_view kEnding = ".jpg";
  if (!person.ends_with(kEnding)) return problem(404, "there is no such photo");
  person.resize(person.size() - kEnding.size());
  auto gallery = gallery_of(call);
  if (!gallery) return problem(gallery.error());
  const auto details = usecases::show_person(*gallery, person);
  if (!details) return problem(details.error());
  if (details->faces.empty()) return problem(404, "there is no such photo");
  return reply(usecases::face_image(*gallery, person, details->faces.front().face_id),
               [](usecases::FaceImage image) {
                 return Response{.type = image.media_type,
                                 .body = {reinterpret_cast<const char*>(image.bytes.data()),
                                          image.bytes.size()}};
               });
}

Response faceall_register_page(Call&) {
  return {.status = 302, .type = {}, .fields = {{"Location", "/#/enrol"}}};
}

Response faceall_retrieve_page(Call&) {
  return {.status = 302, .type = {}, .fields = {{"Location", "/#/search"}}};
}

}  // namespace visavis::server::answers
