#include "visavis/usecases/served.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <utility>
#include <variant>
#include <visavis/core/time.hpp>
#include <visavis/gallery/archive.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/models/manifest.hpp>

#include "bench_impl.hpp"
#include "criterion.hpp"
#include "decisions.hpp"
#include "keep.hpp"

namespace visavis::usecases {
namespace {

auto not_found(std::string message) {
  return std::unexpected(Failure(Cause::kInput, {ErrorCode::kNotFound, std::move(message)}));
}

/// What waiting cannot mend for one photo is told of that photo; what is the server's trouble ends
/// the request.
bool ends_the_request(const Failure& failure) { return failure.cause == Cause::kEnvironment; }

/// Calls `use(photo, seen)` with every photo that could be read.
template <class Use>
Outcome<void> over_uploads(Analyser& analyser, std::span<const Upload> photos, const Look& wanted,
                           Deadline deadline, std::vector<Problem>& errors, const Use& use) {
  for (const Upload& photo : photos) {
    auto seen = analyser.look(photo, wanted, deadline);
    if (seen) {
      VISAVIS_CHECK(use(photo, *std::move(seen)));
      continue;
    }
    if (ends_the_request(seen.error())) return std::unexpected(std::move(seen).error());
    errors.push_back(problem(photo.path, std::move(seen).error()));
  }
  return {};
}

/// The one face of a photo that is compared; nothing, with an error in `answer`, if there is none.
Outcome<std::optional<pipeline::FaceRecord>> face_to_compare(Analyser& analyser,
                                                             const Upload& photo,
                                                             Selection selection, Deadline deadline,
                                                             Verification& answer) {
  std::optional<pipeline::FaceRecord> face;
  VISAVIS_CHECK(over_uploads(
      analyser, std::span(&photo, 1), {.selection = selection}, deadline, answer.errors,
      [&](const Upload&, Seen seen) -> Outcome<void> {
        for (const std::string& warning : seen.photo.warnings)
          answer.warnings.push_back(photo.path + ": " + warning);
        if (seen.faces_found > 1)
          answer.warnings.push_back(photo.path + ": " + std::to_string(seen.faces_found) +
                                    " faces were found, one was selected");
        if (seen.faces.empty() || seen.faces.front().embedding.values.empty())
          answer.errors.push_back(no_face(photo.path));
        else
          face = std::move(seen.faces.front());
        return {};
      }));
  return face;
}

/// 128 random bits: names nobody.
std::string new_person_id() {
  std::random_device device;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id;
  for (int word = 0; word < 4; ++word) {
    auto bits = device();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4U) id += kDigits[bits & 15U];
  }
  return id;
}

}  // namespace

Outcome<Detection> detect(Analyser& analyser, std::span<const Upload> photos, Deadline deadline) {
  Detection answer{.run = analyser.facts()};
  VISAVIS_CHECK(over_uploads(analyser, photos, {.embed = false}, deadline, answer.errors,
                             [&](const Upload&, Seen seen) -> Outcome<void> {
                               DetectedPhoto one{.photo = std::move(seen.photo)};
                               for (const pipeline::FaceRecord& record : seen.faces)
                                 one.faces.push_back(record.face);
                               answer.photos.push_back(std::move(one));
                               return {};
                             }));
  return answer;
}

Outcome<Description> describe(Analyser& analyser, std::span<const Upload> photos,
                              std::optional<Selection> selection, Deadline deadline) {
  Description answer{.run = analyser.facts()};
  VISAVIS_CHECK(over_uploads(analyser, photos, {.selection = selection}, deadline, answer.errors,
                             [&](const Upload&, Seen seen) -> Outcome<void> {
                               DescribedPhoto one{.photo = std::move(seen.photo)};
                               for (pipeline::FaceRecord& record : seen.faces)
                                 one.faces.push_back({.face = record.face,
                                                      .quality = record.quality,
                                                      .embedding = std::move(record.embedding)});
                               answer.photos.push_back(std::move(one));
                               return {};
                             }));
  return answer;
}

Outcome<Verification> verify(Analyser& analyser, const Upload& a, const Upload& b,
                             const Criterion& criterion, Selection selection, Deadline deadline) {
  VISAVIS_TRY(bar, find_bar(analyser.bench(), criterion));
  Verification answer{.run = analyser.facts(), .bar = std::move(bar)};
  VISAVIS_TRY(face_a, face_to_compare(analyser, a, selection, deadline, answer));
  VISAVIS_TRY(face_b, face_to_compare(analyser, b, selection, deadline, answer));
  if (face_a && face_b) judge_pair(analyser.bench(), criterion, *face_a, *face_b, answer);
  return answer;
}

Outcome<Verification> verify_person(Analyser& analyser, const OpenGallery& gallery,
                                    const std::string& person, const Upload& photo,
                                    const Criterion& criterion, Selection selection,
                                    Deadline deadline) {
  VISAVIS_CHECK(check_model(analyser, gallery));
  VISAVIS_TRY(bar, find_bar(analyser.bench(), criterion));
  VISAVIS_TRY(known, gallery.people->templates(person));
  if (known.empty()) return not_found("of that person no face is enrolled");
  Verification answer{.run = analyser.facts(), .bar = std::move(bar)};
  VISAVIS_TRY(face, face_to_compare(analyser, photo, selection, deadline, answer));
  if (!face) return answer;
  for (gallery::Template& one : known) {
    pipeline::FaceRecord enrolled;
    enrolled.face.box = one.box;
    enrolled.quality.score = one.quality;
    enrolled.embedding = std::move(one.embedding);
    Verification candidate{.bar = answer.bar};
    judge_pair(analyser.bench(), criterion, *face, enrolled, candidate);
    const bool closer = matching::is_distance(answer.bar.score_kind)
                            ? candidate.score < answer.score
                            : candidate.score > answer.score;
    if (answer.answered && !closer) continue;
    candidate.b.landmarks = one.landmarks;
    candidate.run = std::move(answer.run);
    candidate.warnings = std::move(answer.warnings);
    answer = std::move(candidate);
  }
  return answer;
}

Outcome<void> check_model(Analyser& analyser, const OpenGallery& gallery) {
  if (gallery.people->faces() == 0 || gallery.people->model() == analyser.bench().model) return {};
  return std::unexpected(Failure(
      Cause::kInput, {ErrorCode::kModelMismatch,
                      "the gallery was made with another model than the one that is running"}));
}

Outcome<Identification> identify(Analyser& analyser, const OpenGallery& gallery,
                                 std::span<const Upload> photos, const SearchOptions& options,
                                 Deadline deadline) {
  Workbench::Impl& bench = analyser.bench();
  VISAVIS_CHECK(check_criterion(options.criterion));
  VISAVIS_CHECK(check_model(analyser, gallery));
  const Crowd crowd = crowd_of(gallery.people, options.fusion);
  VISAVIS_TRY(bar, find_bar(bench, options.criterion, std::max<std::uint64_t>(crowd.persons, 1)));
  const protocols::ScoreRule rule = rule_of(bench, options.criterion);
  Identification answer{.run = analyser.facts(),
                        .bar = std::move(bar),
                        .persons = crowd.persons,
                        .fusion = options.fusion};
  VISAVIS_CHECK(over_uploads(analyser, photos, {.selection = options.selection}, deadline,
                             answer.errors, [&](const Upload&, Seen seen) -> Outcome<void> {
                               IdentifiedPhoto one{.photo = std::move(seen.photo)};
                               for (const pipeline::FaceRecord& record : seen.faces) {
                                 VISAVIS_TRY(face,
                                             identify_face(crowd, record, rule, answer.bar,
                                                           std::max<std::size_t>(options.top, 1)));
                                 one.faces.push_back(std::move(face));
                               }
                               answer.photos.push_back(std::move(one));
                               return {};
                             }));
  return answer;
}

Outcome<Enrolment> enrol(Analyser& analyser, const OpenGallery& gallery, const std::string& person,
                         std::span<const Upload> photos, std::optional<Selection> selection,
                         Deadline deadline) {
  Workbench::Impl& bench = analyser.bench();
  VISAVIS_CHECK(check_model(analyser, gallery));
  VISAVIS_TRY(whose, gallery.people->show(person));
  Enrolment answer{.run = analyser.facts()};
  const auto refuse = [&](const Upload& photo, Refusing why) {
    answer.refused.push_back(
        {.path = photo.path, .reason = why.reason, .message = std::move(why.message)});
  };
  if (whose.person.expires_at && *whose.person.expires_at <= seconds_now()) {
    for (const Upload& photo : photos)
      refuse(photo, {.reason = Refusal::kExpired,
                     .message = "the person's time is over; give another expires_at first"});
    return answer;
  }
  std::vector<gallery::NewFace> faces;
  VISAVIS_CHECK(over_uploads(
      analyser, photos, {.selection = selection}, deadline, answer.errors,
      [&](const Upload& photo, Seen seen) -> Outcome<void> {
        VISAVIS_TRY(face, template_or_refusal(bench, gallery.settings, photo, std::move(seen)));
        if (auto* why = std::get_if<Refusing>(&face))
          refuse(photo, std::move(*why));
        else
          faces.push_back({.person = person, .face = std::get<gallery::Template>(std::move(face))});
        return {};
      }));
  if (faces.empty()) return answer;
  VISAVIS_TRY(decisions,
              gallery.people->enrol(faces, {.refuse_duplicates = !gallery.settings.allow_duplicates,
                                            .known_persons_only = true}));
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const std::string& path = faces[i].face.source;
    if (const auto* duplicate = std::get_if<gallery::Duplicate>(&decisions[i])) {
      refuse({.path = path}, as_refusal(*duplicate, person));
      continue;
    }
    auto& enrolled = std::get<gallery::Enrolled>(decisions[i]);
    answer.enrolled.push_back({.path = path,
                               .person = std::move(enrolled.person),
                               .face_id = std::move(enrolled.face_id),
                               .quality = faces[i].face.quality});
  }
  return answer;
}

Outcome<gallery::PersonDetails> make_person(const OpenGallery& gallery,
                                            const gallery::PersonChange& change, std::string id) {
  if (id.empty()) id = new_person_id();
  if (const auto wrong = wrong_person(id))
    return std::unexpected(
        Failure(Cause::kInput, {ErrorCode::kInvalidArgument, std::string(*wrong)}));
  if (gallery.people->show(id))
    return std::unexpected(Failure(
        Cause::kInput, {ErrorCode::kInvalidArgument, "there is a person of that id already"}));
  VISAVIS_CHECK(gallery.people->change_person(id, change));
  return show_person(gallery, id);
}

Outcome<gallery::PersonDetails> change_person(const OpenGallery& gallery, const std::string& person,
                                              const gallery::PersonChange& change) {
  VISAVIS_CHECK(show_person(gallery, person));
  VISAVIS_CHECK(gallery.people->change_person(person, change));
  return show_person(gallery, person);
}

Outcome<gallery::PersonDetails> show_person(const OpenGallery& gallery, const std::string& person) {
  VISAVIS_TRY(details, gallery.people->show(person));
  return details;
}

Outcome<PersonList> list_persons(const OpenGallery& gallery, const gallery::Page& page) {
  VISAVIS_TRY(persons, gallery.people->list(page));
  return PersonList{.persons = std::move(persons)};
}

Outcome<std::size_t> remove_person(const OpenGallery& gallery, const std::string& person) {
  VISAVIS_TRY(faces, gallery.people->remove_person(person));
  return faces;
}

namespace {

std::string media_type_of(std::span<const std::byte> bytes) {
  switch (image::sniff(bytes)) {
    case image::Format::kJpeg:
      return "image/jpeg";
    case image::Format::kPng:
      return "image/png";
    case image::Format::kWebp:
      return "image/webp";
    case image::Format::kGif:
      return "image/gif";
    case image::Format::kBmp:
      return "image/bmp";
    case image::Format::kHeif:
      return "image/heif";
    case image::Format::kAvif:
      return "image/avif";
    case image::Format::kPnm:
    case image::Format::kUnknown:
      break;
  }
  return "application/octet-stream";
}

}  // namespace

Outcome<gallery::EnrolledFace> find_face(const OpenGallery& gallery, const std::string& person,
                                         const std::string& face) {
  VISAVIS_TRY(details, gallery.people->show(person));
  for (gallery::EnrolledFace& one : details.faces)
    if (one.face_id == face) return std::move(one);
  return not_found("of that person there is no such face");
}

Outcome<void> remove_face(const OpenGallery& gallery, const std::string& person,
                          const std::string& face) {
  VISAVIS_CHECK(find_face(gallery, person, face));
  VISAVIS_CHECK(gallery.people->remove_face(face));
  return {};
}

Outcome<FaceImage> face_image(const OpenGallery& gallery, const std::string& person,
                              const std::string& face) {
  VISAVIS_TRY(facts, find_face(gallery, person, face));
  const std::string& name = facts.chip.empty() ? facts.photo : facts.chip;
  if (name.empty()) return not_found("of that face no picture is kept");
  VISAVIS_TRY(bytes, gallery.people->kept_file(name));
  std::string type = media_type_of(bytes);
  return FaceImage{.media_type = std::move(type), .bytes = std::move(bytes)};
}

Outcome<ServedExport> export_person(const OpenGallery& gallery, const std::string& person) {
  VISAVIS_TRY(all, gallery.people->export_person(person));
  ServedExport answer{.person = std::move(all)};
  answer.model = models::to_hex(answer.person.model);
  for (const gallery::EnrolledFace& face : answer.person.details.faces)
    for (const std::string& name : {face.chip, face.photo}) {
      if (name.empty()) continue;
      VISAVIS_TRY(bytes, gallery.people->kept_file(name));
      answer.files.push_back({.name = name, .bytes = std::move(bytes)});
    }
  return answer;
}

Outcome<void> archive_gallery(const OpenGallery& gallery, const std::filesystem::path& file) {
  VISAVIS_CHECK(gallery.people->archive(file));
  return {};
}

}  // namespace visavis::usecases
