#include <cstddef>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <visavis/align/align.hpp>
#include <visavis/image/encode.hpp>
#include <visavis/models/prepare.hpp>
#include <visavis/store/npy.hpp>

#include "bench_impl.hpp"
#include "outputs.hpp"
#include "visavis/usecases/photos.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

Outcome<void> check_request(const AlignRequest& request) {
  if (request.size < 16 || request.size > 1024) return usage("--size must be from 16 to 1024");
  if (request.form != AlignRequest::Template::kFaceNet && request.margin != 0)
    return usage("--margin belongs to --template facenet");
  if (request.margin < 0 || request.margin >= request.size)
    return usage("--margin must be from 0 to one less than --size");
  return {};
}

Result<Chip> cut(ImageView image, const Face& face, const AlignRequest& request) {
  if (request.form == AlignRequest::Template::kFaceNet)
    return align::align_facenet(image, face.box, request.size, request.margin);
  if (request.form == AlignRequest::Template::kDlib)
    return align::align_dlib(image, face.landmarks, request.size);
  return align::align_arcface(image, face.landmarks, request.size);
}

/// FaceNet's `prewhiten`: (x − mean) / max(std, 1/√N) over all values of the chip.
Result<void> write_floats(const Chip& chip, const fs::path& path) {
  const models::Preparation preparation{.width = chip.side(),
                                        .height = chip.side(),
                                        .colour = models::ColourOrder::kRgb,
                                        .prewhiten = true};
  const auto plane = static_cast<std::size_t>(chip.side()) * static_cast<std::size_t>(chip.side());
  std::vector<float> values(3 * plane);
  models::prepare(chip.image.view(), preparation, values);
  return store::write_npy(path, 3, plane, values);
}

std::vector<std::size_t> wanted_faces(const std::vector<Face>& faces, ImageView image,
                                      std::optional<Selection> selection) {
  if (selection && !faces.empty()) return {pipeline::select(faces, image, *selection)};
  std::vector<std::size_t> all(faces.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

fs::path numbered(const fs::path& base, std::size_t number, std::string_view end) {
  std::string name = base.string();
  name.append("_").append(std::to_string(number)).append(end);
  return name;
}

/// @param base  the chips' path without number and ending
Outcome<AlignedFace> write_chip(ImageView image, const Face& face, const AlignRequest& request,
                                const fs::path& base, std::size_t number) {
  VISAVIS_TRY(chip, cut(image, face, request));
  AlignedFace aligned{.face = face, .chip = numbered(base, number, ".png"), .floats = {}};
  VISAVIS_CHECK(
      caused_by(Cause::kEnvironment, image::write_image(aligned.chip, chip.image.view())));
  if (request.prewhiten) {
    aligned.floats = numbered(base, number, ".npy");
    VISAVIS_CHECK(caused_by(Cause::kEnvironment, write_floats(chip, aligned.floats)));
  }
  return aligned;
}

/// What a chip's name begins with, if `path` could be one's: party_12.png gives party.
std::optional<std::string> base_of_chip(const fs::path& path, bool floats) {
  if (path.extension() != ".png" && !(floats && path.extension() == ".npy")) return std::nullopt;
  std::string base = path.parent_path() / path.stem();
  const std::size_t end = base.find_last_not_of("0123456789");
  if (end == std::string::npos || end + 1 == base.size() || base[end] != '_') return std::nullopt;
  base.resize(end);
  return base;
}

/// How many chips a photo gives is known when they are written, so every number counts.
Outcome<void> check_chips(const std::vector<Photo>& photos, const std::vector<fs::path>& bases,
                          bool floats) {
  std::set<std::string> taken;
  for (const fs::path& base : bases) taken.insert(real_path(base));
  for (const Photo& photo : photos)
    if (const auto base = base_of_chip(real_path(photo.path), floats);
        base && taken.contains(*base))
      return usage("writing chips could overwrite the photo " + photo.path);
  return {};
}

}  // namespace

Outcome<Alignment> align(Workbench& bench, const Inputs& inputs, const AlignRequest& request,
                         const Progress& progress) {
  VISAVIS_CHECK(check_request(request));
  VISAVIS_TRY(bases, plan_folder(inputs.photos, request.out, ""));
  VISAVIS_CHECK(check_chips(inputs.photos, bases, request.prewhiten));
  VISAVIS_TRY(run, bench.ready());
  const auto work = [&](const Photo& photo, const image::Decoded& decoded,
                        std::size_t worker) -> Outcome<AlignedPhoto> {
    AlignedPhoto answer{.photo = facts_of(photo, decoded), .faces = {}};
    const ImageView view = decoded.image.view();
    VISAVIS_TRY(found, bench.impl().finders[worker]->detect(std::span(&view, 1)));
    const std::vector<Face>& faces = found.front();
    const fs::path& base = bases[static_cast<std::size_t>(&photo - inputs.photos.data())];
    for (const std::size_t index : wanted_faces(faces, view, request.selection)) {
      VISAVIS_TRY(aligned, write_chip(view, faces[index], request, base, answer.faces.size()));
      answer.faces.push_back(std::move(aligned));
    }
    return answer;
  };
  Alignment answer{.run = std::move(run), .photos = {}, .errors = inputs.errors};
  collect(over_photos<AlignedPhoto>(bench.impl(), inputs.photos, progress, work), inputs.photos,
          answer.photos, answer.errors);
  return answer;
}

}  // namespace visavis::usecases
