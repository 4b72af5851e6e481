#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <visavis/gallery/gallery.hpp>
#include <visavis/image/encode.hpp>

#include "bench_impl.hpp"
#include "criterion.hpp"
#include "decisions.hpp"
#include "gallery_at.hpp"
#include "outputs.hpp"
#include "rows.hpp"
#include "visavis/usecases/people.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

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
  return crowd_of(std::move(people), fusion);
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
