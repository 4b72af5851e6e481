#include <optional>
#include <span>
#include <utility>
#include <visavis/image/encode.hpp>

#include "bench_impl.hpp"
#include "outputs.hpp"
#include "visavis/usecases/photos.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

Outcome<std::vector<Face>> faces_of(Workbench::Impl& bench, std::size_t worker, ImageView image) {
  VISAVIS_TRY(faces, bench.finders[worker]->detect(std::span(&image, 1)));
  return std::move(faces.front());
}

Result<void> draw_faces(Image picture, const std::vector<Face>& faces, const fs::path& out) {
  for (const Face& face : faces) mark_face(picture, face, kGreen, two_digits(face.confidence));
  return image::write_image(out, picture.view());
}

}  // namespace

PhotoFacts facts_of(const Photo& photo, const image::Decoded& decoded) {
  return {.path = photo.path,
          .width = decoded.image.width(),
          .height = decoded.image.height(),
          .warnings = decoded.warnings};
}

Outcome<Detection> detect(Workbench& bench, const Inputs& inputs, const fs::path& draw,
                          const Progress& progress) {
  VISAVIS_TRY(pictures, plan_pictures(inputs.photos, draw, ".jpg"));
  VISAVIS_TRY(run, bench.ready());
  std::vector<std::optional<Problem>> undrawn(inputs.photos.size());
  const auto work = [&](const Photo& photo, image::Decoded& decoded,
                        std::size_t worker) -> Outcome<DetectedPhoto> {
    DetectedPhoto found{.photo = facts_of(photo, decoded), .faces = {}, .drawn = {}};
    VISAVIS_TRY(faces, faces_of(bench.impl(), worker, decoded.image.view()));
    if (!pictures.empty()) {
      const auto index = static_cast<std::size_t>(&photo - inputs.photos.data());
      found.drawn = pictures[index];
      undrawn[index] =
          keep_drawn(found.drawn, draw_faces(std::move(decoded.image), faces, found.drawn));
    }
    found.faces = std::move(faces);
    return found;
  };
  Detection answer{.run = std::move(run), .photos = {}, .errors = inputs.errors};
  collect(over_photos<DetectedPhoto>(bench.impl(), inputs.photos, progress, work), inputs.photos,
          answer.photos, answer.errors);
  for (std::optional<Problem>& one : undrawn)
    if (one) answer.errors.push_back(*std::move(one));
  return answer;
}

}  // namespace visavis::usecases
