#include "decisions.hpp"

#include <algorithm>
#include <utility>

#include "criterion.hpp"
#include "keep.hpp"
#include "outputs.hpp"

namespace visavis::usecases {
namespace {

/// How much larger a photo's main face must be than the next, by area. At its defaults MTCNN finds
/// a second "face" in desk equipment of an official portrait, a thirtieth of the real one's area.
constexpr float kDominance = 4;

/// The order by similarity and the one by quality-aware score differ, so more people are looked at
/// than are told.
constexpr std::size_t kReranked = 64;

}  // namespace

std::string_view to_string(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kNoFace:
      return "no_face";
    case Refusal::kManyFaces:
      return "many_faces";
    case Refusal::kLowQuality:
      return "low_quality";
    case Refusal::kDuplicate:
      return "duplicate";
    case Refusal::kExpired:
      return "expired";
  }
  return "";
}

JudgedFace judged(const pipeline::FaceRecord& record) {
  return {.box = record.face.box,
          .confidence = record.face.confidence,
          .landmarks = record.face.landmarks,
          .quality = record.quality};
}

Outcome<void> check_min_quality(float quality) {
  if (!(quality >= 0 && quality <= 1)) return usage("the quality is from 0 to 1");
  return {};
}

std::variant<std::size_t, Refusing> face_to_enrol(const std::vector<pipeline::FaceRecord>& faces,
                                                  float min_quality) {
  if (faces.empty()) return Refusing{.reason = Refusal::kNoFace, .message = "no face was found"};
  const auto area = [](const pipeline::FaceRecord& record) { return record.face.box.area(); };
  const auto largest = std::ranges::max_element(faces, {}, area);
  for (auto other = faces.begin(); other != faces.end(); ++other)
    if (other != largest && area(*other) * kDominance > area(*largest))
      return Refusing{
          .reason = Refusal::kManyFaces,
          .message = "no face is four times as large as every other; --select chooses one"};
  if (largest->embedding.values.empty() || largest->quality.score < min_quality)
    return Refusing{.reason = Refusal::kLowQuality,
                    .message = "the quality " + two_digits(largest->quality.score) + " is below " +
                               two_digits(min_quality)};
  return static_cast<std::size_t>(largest - faces.begin());
}

gallery::Template template_of(pipeline::FaceRecord& record, std::string source) {
  return {.embedding = std::move(record.embedding),
          .quality = record.quality.score,
          .box = record.face.box,
          .landmarks = record.face.landmarks,
          .source = std::move(source)};
}

Outcome<std::variant<gallery::Template, Refusing>> template_or_refusal(
    const Workbench::Impl& bench, const GallerySettings& settings, const Upload& photo, Seen seen) {
  auto choice = face_to_enrol(seen.faces, settings.min_quality);
  if (auto* why = std::get_if<Refusing>(&choice)) return std::move(*why);
  pipeline::FaceRecord& record = seen.faces[std::get<std::size_t>(choice)];
  gallery::Template face = template_of(record, photo.path);
  if (settings.keep == Keep::kChips && record.chip) {
    VISAVIS_TRY(chip, keep_chip(*record.chip, bench.manifest->alignment));
    face.chip = std::move(chip);
  }
  if (settings.keep == Keep::kPhotos)
    face.photo = kept_photo({photo.bytes.begin(), photo.bytes.end()});
  return face;
}

Refusing as_refusal(const gallery::Duplicate& of, const std::string& person) {
  std::string message = "the same picture is enrolled already";
  if (of.person != person) message += ", as another person: " + of.person;
  if (!of.face_id.empty()) message += " (" + of.face_id + ")";
  return {.reason = Refusal::kDuplicate, .message = std::move(message)};
}

Crowd crowd_of(std::shared_ptr<gallery::Gallery> people, gallery::Fusion fusion) {
  const std::size_t persons = people->persons();
  return {.search =
              [people = std::move(people), fusion](const Embedding& probe, std::size_t limit) {
                return people->identify(probe, {.limit = limit, .fusion = fusion});
              },
          .persons = persons};
}

Outcome<IdentifiedFace> identify_face(const Crowd& crowd, const pipeline::FaceRecord& record,
                                      const protocols::ScoreRule& rule, const Bar& bar,
                                      std::size_t top) {
  IdentifiedFace answer;
  answer.face = judged(record);
  if (record.embedding.values.empty()) return answer;  // could not be aligned: nobody's face
  VISAVIS_TRY(found, crowd.search(record.embedding, std::max(top, kReranked)));
  for (gallery::Candidate& candidate : found) {
    float score = candidate.similarity;
    if (rule.kind == matching::ScoreKind::kQualityAware)
      score = matching::quality_aware_score(candidate.similarity, record.embedding.norm,
                                            candidate.norm, rule.alpha, rule.beta);
    answer.candidates.push_back({.person = std::move(candidate.person),
                                 .name = std::move(candidate.name),
                                 .similarity = candidate.similarity,
                                 .score = score});
  }
  std::ranges::stable_sort(answer.candidates, std::greater{}, &Candidate::score);
  // A distance falls where its similarity rises: the order is the same.
  for (Candidate& candidate : answer.candidates)
    candidate.score = static_cast<float>(matching::distance(candidate.score, bar.score_kind));
  if (!answer.candidates.empty() && bar.accepts(answer.candidates.front().score))
    answer.person = answer.candidates.front().person;
  if (answer.candidates.size() > top) answer.candidates.resize(top);
  return answer;
}

void judge_pair(const Workbench::Impl& bench, const Criterion& criterion,
                const pipeline::FaceRecord& a, const pipeline::FaceRecord& b,
                Verification& answer) {
  answer.answered = true;
  answer.similarity = matching::similarity(a.embedding.values, b.embedding.values);
  answer.score = static_cast<float>(
      matching::distance(protocols::score(a.embedding, b.embedding, rule_of(bench, criterion)),
                         answer.bar.score_kind));
  answer.same = answer.bar.accepts(answer.score);
  const auto& calibration = bench.calibration;
  if (calibration && calibration->probability && calibration->score_kind == answer.bar.score_kind)
    answer.probability = (*calibration->probability)(answer.score);
  answer.a = judged(a);
  answer.b = judged(b);
}

}  // namespace visavis::usecases
