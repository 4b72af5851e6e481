#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <visavis/gallery/gallery.hpp>
#include <visavis/image/encode.hpp>

#include "bench_impl.hpp"
#include "criterion.hpp"
#include "gallery_at.hpp"
#include "outputs.hpp"
#include "rows.hpp"
#include "visavis/usecases/people.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

/// The order by similarity and the one by quality-aware score differ, so more people are looked at
/// than are told.
constexpr std::size_t kReranked = 64;

/// Whoever may be meant.
struct Crowd {
  std::function<Result<std::vector<gallery::Candidate>>(const Embedding&, std::size_t)> search;
  std::size_t persons = 0;
};

Outcome<Crowd> crowd_of_rows(const LabelledRows& rows, gallery::Fusion fusion, ModelId model,
                             int dimension) {
  VISAVIS_TRY(faces, read_rows(rows, model, dimension));
  auto shared = std::make_shared<const std::vector<gallery::NewFace>>(std::move(faces));
  std::vector<std::string> names;
  for (const gallery::NewFace& face : *shared) names.push_back(face.person);
  std::ranges::sort(names);
  const auto end = std::ranges::unique(names).begin();
  return Crowd{
      .search = [shared, fusion](const Embedding& probe,
                                 std::size_t limit) -> Result<std::vector<gallery::Candidate>> {
        return search_rows(*shared, probe, {.limit = limit, .fusion = fusion});
      },
      .persons = static_cast<std::size_t>(end - names.begin())};
}

Outcome<Crowd> crowd_of_gallery(const GalleryPlace& place, gallery::Fusion fusion, ModelId model) {
  VISAVIS_TRY(opened, gallery_of(model, place, gallery::OpenMode::kRead));
  std::shared_ptr<gallery::Gallery> people = std::move(opened);
  return Crowd{.search =
                   [people, fusion](const Embedding& probe, std::size_t limit) {
                     return people->identify(probe, {.limit = limit, .fusion = fusion});
                   },
               .persons = people->persons()};
}

Outcome<IdentifiedFace> identify_face(const Crowd& crowd, const pipeline::FaceRecord& record,
                                      const protocols::ScoreRule& rule, const Bar& bar,
                                      std::size_t top) {
  IdentifiedFace answer{.face = judged(record)};
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

/// A face with what was found about it, on the picture.
void mark(Image& picture, const Face& face, const IdentifiedFace& answer) {
  std::string label = "unknown";
  if (answer.person) label = answer.candidates.empty() ? *answer.person : answer.candidates[0].name;
  if (!answer.candidates.empty()) label.append(" ").append(two_digits(answer.candidates[0].score));
  mark_face(picture, face, answer.person ? kGreen : kOrange, label);
}

}  // namespace

Outcome<Identification> identify(Workbench& bench, const Inputs& inputs,
                                 const IdentifyRequest& request, const Progress& progress) {
  Workbench::Impl& impl = bench.impl();
  VISAVIS_CHECK(check_criterion(request.criterion));
  VISAVIS_TRY(pictures, plan_pictures(inputs.photos, request.draw, ".jpg"));
  VISAVIS_CHECK(check_spared(pictures, {request.gallery.key_file}));
  if (request.rows)
    VISAVIS_CHECK(check_spared(pictures, {request.rows->npy, request.rows->labels}));
  VISAVIS_TRY(crowd, request.rows ? crowd_of_rows(*request.rows, request.fusion, impl.model,
                                                  impl.manifest->dimension)
                                  : crowd_of_gallery(request.gallery, request.fusion, impl.model));
  VISAVIS_TRY(bar, find_bar(impl, request.criterion, std::max<std::uint64_t>(crowd.persons, 1)));
  const protocols::ScoreRule rule = rule_of(impl, request.criterion);
  VISAVIS_TRY(run, bench.ready());
  std::vector<std::optional<Problem>> undrawn(inputs.photos.size());
  const auto work = [&](const Photo& photo, image::Decoded& decoded,
                        std::size_t worker) -> Outcome<IdentifiedPhoto> {
    IdentifiedPhoto answer{.photo = facts_of(photo, decoded)};
    VISAVIS_TRY(records, impl.pipelines[worker].analyse(decoded.image.view()));
    for (const pipeline::FaceRecord& record : records) {
      VISAVIS_TRY(face,
                  identify_face(crowd, record, rule, bar, std::max<std::size_t>(request.top, 1)));
      answer.faces.push_back(std::move(face));
    }
    if (pictures.empty()) return answer;
    const auto index = static_cast<std::size_t>(&photo - inputs.photos.data());
    answer.drawn = pictures[index];
    for (std::size_t i = 0; i < records.size(); ++i)
      mark(decoded.image, records[i].face, answer.faces[i]);
    undrawn[index] =
        keep_drawn(answer.drawn, image::write_image(answer.drawn, decoded.image.view()));
    return answer;
  };
  Identification answer{.run = run, .bar = bar, .persons = crowd.persons, .fusion = request.fusion};
  answer.errors = inputs.errors;
  collect(over_photos<IdentifiedPhoto>(impl, inputs.photos, progress, work), inputs.photos,
          answer.photos, answer.errors);
  for (std::optional<Problem>& one : undrawn)
    if (one) answer.errors.push_back(*std::move(one));
  return answer;
}

}  // namespace visavis::usecases
