#include <array>
#include <string_view>
#include <utility>
#include <visavis/usecases/served.hpp>
#include <visavis/wire/people.hpp>
#include <visavis/wire/photos.hpp>
#include <visavis/wire/served.hpp>

#include "answers.hpp"
#include "parameters.hpp"
#include "replies.hpp"

namespace visavis::server::answers {
namespace {

constexpr std::array<std::string_view, 1> kImage{"image"};
constexpr std::array<std::string_view, 2> kPair{"image_a", "image_b"};

/// The end of every verification: an answer, or why there is none.
Response verified(const Call& call, const usecases::Verification& answer) {
  if (!answer.answered && !answer.errors.empty()) return *all_failed(call, answer.errors, false);
  return json(wire::to_json(answer));
}

}  // namespace

Response detect(Call& call) {
  VISAVIS_OR_PROBLEM(given, photos_of(call, kImage, {}));
  VISAVIS_OR_PROBLEM(found, usecases::detect(*call.services.analyser, given.photos, call.deadline));
  if (auto failed = all_failed(call, found.errors, !found.photos.empty())) return *failed;
  return json(wire::to_json(found));
}

Response embed(Call& call) {
  VISAVIS_OR_PROBLEM(given, photos_of(call, kImage, {"select"}));
  VISAVIS_OR_PROBLEM(selection, selection_of(given.parameters));
  VISAVIS_OR_PROBLEM(
      found, usecases::describe(*call.services.analyser, given.photos, selection, call.deadline));
  if (auto failed = all_failed(call, found.errors, !found.photos.empty())) return *failed;
  return json(wire::to_json(found));
}

Response verify(Call& call) {
  VISAVIS_OR_PROBLEM(given, photos_of(call, kPair, {"far", "threshold", "metric", "select"}));
  VISAVIS_OR_PROBLEM(criterion, criterion_of(given.parameters));
  VISAVIS_OR_PROBLEM(selection, selection_of(given.parameters));
  VISAVIS_OR_PROBLEM(
      answer, usecases::verify(*call.services.analyser, given.photos[0], given.photos[1], criterion,
                               selection.value_or(usecases::Selection::kLargest), call.deadline));
  return verified(call, answer);
}

Response identify(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(
      given,
      photos_of(call, kImage, {"far", "fpir", "threshold", "metric", "top", "fusion", "select"}));
  usecases::SearchOptions options;
  VISAVIS_OR_PROBLEM(criterion, criterion_of(given.parameters));
  VISAVIS_OR_PROBLEM(fusion, fusion_of(given.parameters));
  VISAVIS_OR_PROBLEM(selection, selection_of(given.parameters));
  VISAVIS_OR_PROBLEM(top, whole_of(given.parameters, "top", 1, 1, 100));
  options = {.criterion = criterion,
             .fusion = fusion,
             .top = static_cast<std::size_t>(top),
             .selection = selection};
  VISAVIS_OR_PROBLEM(found, usecases::identify(*call.services.analyser, gallery, given.photos,
                                               options, call.deadline));
  if (auto failed = all_failed(call, found.errors, !found.photos.empty())) return *failed;
  call.audit("identify", "ok");
  return json(wire::to_json(found));
}

Response verify_person(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(given, photos_of(call, kImage, {"far", "threshold", "metric", "select"}));
  if (given.photos.size() != 1) return problem(400, "send one photo");
  VISAVIS_OR_PROBLEM(criterion, criterion_of(given.parameters));
  VISAVIS_OR_PROBLEM(selection, selection_of(given.parameters));
  VISAVIS_OR_PROBLEM(
      answer, usecases::verify_person(
                  *call.services.analyser, gallery, call.person(), given.photos[0], criterion,
                  selection.value_or(usecases::Selection::kLargest), call.deadline));
  if (answer.answered) call.audit("verify", "ok");
  return verified(call, answer);
}

Response enrol_faces(Call& call) {
  VISAVIS_OR_PROBLEM(gallery, call.find_gallery());
  VISAVIS_OR_PROBLEM(given, photos_of(call, kImage, {"select"}));
  VISAVIS_OR_PROBLEM(selection, selection_of(given.parameters));
  VISAVIS_OR_PROBLEM(answer, usecases::enrol(*call.services.analyser, gallery, call.person(),
                                             given.photos, selection, call.deadline));
  for (const auto& one : answer.enrolled) call.audit("face.enrol", "ok", one.face_id);
  for (const auto& one : answer.refused)
    call.services.metrics.refused(usecases::to_string(one.reason));
  const bool some = !answer.enrolled.empty() || !answer.refused.empty();
  if (auto failed = all_failed(call, answer.errors, some)) return *failed;
  if (given.photos.size() == 1 && answer.enrolled.empty()) {
    const auto& why = answer.refused.front();
    return problem(422, usecases::to_string(why.reason), why.path + ": " + why.message);
  }
  return json(wire::to_json(answer), answer.enrolled.empty() ? 200 : 201);
}

}  // namespace visavis::server::answers
