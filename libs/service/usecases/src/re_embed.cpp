#include "visavis/usecases/re_embed.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <visavis/gallery/gallery.hpp>
#include <visavis/geometry/box.hpp>
#include <visavis/image/decode.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/pipeline/recogniser.hpp>

#include "bench_impl.hpp"
#include "gallery_at.hpp"
#include "keep.hpp"

namespace visavis::usecases {
namespace {

/// Below this overlap the face that is found in the photo is somebody else's.
constexpr float kSameFace = 0.3F;

/// One worker's networks.
struct Eyes {
  pipeline::Recogniser& recogniser;
  pipeline::Pipeline& pipeline;
  std::string_view chip_form;
};

/// A face as the recogniser sees it; nothing if it cannot.
struct Seen {
  std::optional<gallery::Remade> face{};
  bool from_chip = false;
};

/// A chip's name ends with its form.
bool has_form(std::string_view chip, std::string_view form) {
  return !form.empty() && chip.ends_with("." + std::string(form));
}

/// @pre the recogniser sees one chip of a face: others have no form
Result<std::optional<gallery::Remade>> see_pixels(Image pixels, Eyes eyes) {
  pipeline::Chips chips;
  chips.push_back({.image = std::move(pixels)});
  VISAVIS_TRY(embeddings, eyes.recogniser.embed(std::span(&chips, 1)));
  return std::optional(gallery::Remade{.embedding = std::move(embeddings.front())});
}

Result<std::optional<gallery::Remade>> see_chip(const gallery::KeptFile& chip, Eyes eyes) {
  auto decoded = image::decode(chip.bytes);
  const int side = eyes.recogniser.chip_side();
  if (!decoded || decoded->image.width() != side || decoded->image.height() != side)
    return std::optional<gallery::Remade>();
  return see_pixels(std::move(decoded->image), eyes);
}

/// A larger chip, made smaller: the ArcFace template grows by its edges, as pictures do, so that
/// the points come to lie where they must. A smaller one lacks what the model wants to see, and
/// FaceNet's margin does not grow along.
Result<std::optional<gallery::Remade>> see_larger_chip(const gallery::KeptFile& chip, Eyes eyes) {
  const auto decoded = image::decode(chip.bytes);
  const int side = eyes.recogniser.chip_side();
  if (!decoded || decoded->image.width() != decoded->image.height() ||
      decoded->image.width() < side || chip.form != chip_form(models::AlignmentTemplate::kArcFace))
    return std::optional<gallery::Remade>();
  const image::Window all{.width = decoded->image.width(), .height = decoded->image.height()};
  return see_pixels(image::resize_area(decoded->image.view(), all, side, side), eyes);
}

Result<std::optional<gallery::Remade>> see_photo(const gallery::Material& material, Eyes eyes) {
  const auto decoded = image::decode(material.photo->bytes);
  if (!decoded) return std::optional<gallery::Remade>();
  VISAVIS_TRY(faces, eyes.pipeline.analyse(decoded->image.view()));
  const auto overlap = [&](const pipeline::FaceRecord& record) {
    return geometry::overlap(record.face.box, material.box);
  };
  const auto best = std::ranges::max_element(faces, {}, overlap);
  if (best == faces.end() || overlap(*best) < kSameFace || best->embedding.values.empty())
    return std::optional<gallery::Remade>();
  return std::optional(
      gallery::Remade{.embedding = std::move(best->embedding),
                      .found = gallery::Finding{.quality = best->quality.score,
                                                .box = best->face.box,
                                                .landmarks = best->face.landmarks}});
}

Result<Seen> see(const gallery::Material& material, Eyes eyes) {
  const bool has_chip = material.chip && material.chip->form == eyes.chip_form;
  if (has_chip) {
    VISAVIS_TRY(face, see_chip(*material.chip, eyes));
    if (face) return Seen{.face = std::move(face), .from_chip = true};
  }
  if (material.photo) {
    VISAVIS_TRY(face, see_photo(material, eyes));
    if (face) return Seen{.face = std::move(face)};
  }
  if (!has_chip) return Seen{};
  VISAVIS_TRY(face, see_larger_chip(*material.chip, eyes));
  return Seen{.face = std::move(face), .from_chip = true};
}

/// Whose chip or photo nobody needs to look at to know that it is not there.
Outcome<std::vector<gallery::FaceOf>> surely_missing(const gallery::Gallery& people,
                                                     std::string_view form) {
  VISAVIS_TRY(persons, all_persons(people));
  std::vector<gallery::FaceOf> missing;
  for (const gallery::Person& person : persons) {
    VISAVIS_TRY(details, people.show(person.id));
    for (const gallery::EnrolledFace& face : details.faces)
      if (face.photo.empty() && !has_form(face.chip, form))
        missing.push_back({.person = person.id, .face_id = face.face_id});
  }
  return missing;
}

void refuse(ReEmbedding& answer, const ReEmbedRequest& request,
            std::vector<gallery::FaceOf> missing) {
  answer.missing = std::move(missing);
  answer.errors.push_back(problem(
      request.gallery.folder.string(),
      Failure({ErrorCode::kNotFound,
               std::to_string(answer.missing.size()) +
                   " faces have neither a chip nor a photo that this model can use: nothing was "
                   "changed; --drop-missing removes them"})));
}

/// Looks at faces with all workers.
class Looker {
 public:
  static Outcome<Looker> open(Workbench::Impl& bench, ReEmbedding& answer, const Progress& progress,
                              std::size_t total) {
    Looker looker(bench, answer, progress, total);
    for (int i = 0; i < bench.split.workers; ++i) {
      VISAVIS_TRY(recogniser, caused_by(Cause::kEnvironment,
                                        pipeline::Recogniser::open(
                                            bench.recogniser, bench.pipeline_options.embedder)));
      looker.recognisers_.push_back(std::move(recogniser));
    }
    return looker;
  }

  Result<std::vector<std::optional<gallery::Remade>>> look(
      std::span<const gallery::Material> materials) {
    std::vector<Result<Seen>> seen(materials.size());
    bench_.executor->parallel_for(materials.size(), [&](std::size_t i, int worker) {
      const auto self = static_cast<std::size_t>(worker);
      const Eyes eyes{.recogniser = recognisers_[self],
                      .pipeline = bench_.pipelines[self],
                      .chip_form = chip_form(bench_.manifest->alignment)};
      try {
        seen[i] = see(materials[i], eyes);
      } catch (const std::bad_alloc&) {  // a photo's pixels
        seen[i] = fail(ErrorCode::kResourceExhausted, "memory ran out");
      }
    });
    std::vector<std::optional<gallery::Remade>> faces;
    for (Result<Seen>& one : seen) {
      if (!one) return std::unexpected(std::move(one).error());
      if (one->face) ++(one->from_chip ? answer_.from_chips : answer_.from_photos);
      faces.push_back(std::move(one->face));
    }
    done_ += materials.size();
    if (progress_) progress_(done_, total_);
    return faces;
  }

 private:
  Looker(Workbench::Impl& bench, ReEmbedding& answer, const Progress& progress, std::size_t total)
      : bench_(bench), answer_(answer), progress_(progress), total_(total) {}

  Workbench::Impl& bench_;
  ReEmbedding& answer_;
  const Progress& progress_;
  std::size_t total_;
  std::size_t done_ = 0;
  std::vector<pipeline::Recogniser> recognisers_;
};

}  // namespace

Outcome<ReEmbedding> re_embed(Workbench& workbench, const ReEmbedRequest& request,
                              const Progress& progress) {
  Workbench::Impl& bench = workbench.impl();
  VISAVIS_TRY(people, gallery_at(request.gallery, gallery::OpenMode::kWrite));
  ReEmbedding answer{.run = bench.facts};
  if (people->faces() > 0) answer.model_before = models::to_hex(people->model());
  if (people->faces() == 0 || people->model() == bench.model) return answer;
  if (!request.drop_missing) {
    VISAVIS_TRY(missing, surely_missing(*people, chip_form(bench.manifest->alignment)));
    if (!missing.empty()) {
      refuse(answer, request, std::move(missing));
      return answer;
    }
  }
  VISAVIS_TRY(run, workbench.ready());
  answer.run = std::move(run);
  VISAVIS_TRY(looker, Looker::open(bench, answer, progress, people->faces()));
  VISAVIS_TRY(moved,
              people->move_to({.model = bench.model,
                               .dimension = static_cast<std::size_t>(bench.manifest->dimension),
                               .drop_missing = request.drop_missing},
                              [&](std::span<const gallery::Material> materials) {
                                return looker.look(materials);
                              }));
  answer.changed = moved.changed;
  if (moved.changed)
    answer.missing = std::move(moved.missing);
  else
    refuse(answer, request, std::move(moved.missing));
  return answer;
}

}  // namespace visavis::usecases
