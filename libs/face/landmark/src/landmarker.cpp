#include "visavis/landmark/landmarker.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/models/prepare.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

#include "crop.hpp"
#include "points.hpp"

namespace visavis::landmark {
namespace {

/// How a family's network is fed and read.
struct Family {
  std::string part;       ///< The file of the model that finds points.
  int side;               ///< Pixels of its input.
  std::int64_t values;    ///< Floats for one face.
  double side_of_longer;  ///< See square_crop.
  bool area;              ///< Resized by area, as MTCNN is; else bilinear.
};

// MTCNN's own boxes reach its O-Net as squares of the longer side; so do the other detectors' here.
const Family& onet() {
  static const Family family{
      .part = "onet", .side = 48, .values = 10, .side_of_longer = 1.0, .area = true};
  return family;
}
const Family& lite68() {
  static const Family family{
      .part = "network", .side = 64, .values = 136, .side_of_longer = 1.0, .area = false};
  return family;
}

Result<const Family*> family_of(const models::Manifest& manifest) {
  if (manifest.family == "mtcnn") return &onet();
  if (manifest.family == "landmark-68") return &lite68();
  return fail(ErrorCode::kModelMismatch, manifest.id + " finds no landmarks");
}

}  // namespace

Result<std::string> part_of(const models::Manifest& manifest) {
  VISAVIS_TRY(family, family_of(manifest));
  return family->part;
}

struct Landmarker::Impl {
  std::shared_ptr<const models::Network> network;
  std::unique_ptr<runtime::Session> session;
  const Family* family;
  std::size_t output;
  std::vector<float> pixels;

  [[nodiscard]] Result<Landmarks> locate(ImageView image, const Box& box) {
    const std::optional<Crop> crop = square_crop(box, family->side_of_longer, image);
    if (!crop) return fail(ErrorCode::kInvalidArgument, "a box has no pixel inside the image");
    const int side = family->side;
    const Image small = family->area ? image::resize_area(image, crop->window, side, side)
                                     : image::resize_bilinear(image, crop->window, side, side);
    const models::Preparation& preparation = network->manifest.preparation;
    const std::array<std::int64_t, 4> shape{1, models::channels(preparation), side, side};
    pixels.resize(static_cast<std::size_t>(shape[1] * side * side));
    models::prepare(small.view(), preparation, pixels);
    const std::array inputs{runtime::view_of(pixels, shape)};
    VISAVIS_TRY(outputs, session->run(inputs));
    const auto values = outputs[output].floats();
    if (values.size() != static_cast<std::size_t>(family->values))
      return fail(ErrorCode::kModelMismatch,
                  "the landmark network answers with another number of points");
    if (family == &onet()) return points_of_onet(values, crop->square);
    const image::Window& seen = crop->window;
    return points_of_68(values, {.x = static_cast<float>(seen.x),
                                 .y = static_cast<float>(seen.y),
                                 .width = static_cast<float>(seen.width),
                                 .height = static_cast<float>(seen.height)});
  }
};

Result<Landmarker> Landmarker::open(std::shared_ptr<const models::Network> network) {
  VISAVIS_TRY(family, family_of(network->manifest));
  const auto part = network->parts.find(family->part);
  if (part == network->parts.end())
    return fail(ErrorCode::kModelMismatch, network->manifest.id + " lacks its " + family->part);
  const auto outputs = part->second->outputs();
  std::size_t output = outputs.size();
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (!outputs[i].shape.empty() && outputs[i].shape.back() == family->values) output = i;
  if (output == outputs.size() || part->second->inputs().size() != 1)
    return fail(ErrorCode::kModelMismatch, network->manifest.id + " does not answer with points");
  VISAVIS_TRY(session, part->second->session());
  return Landmarker(std::make_unique<Impl>(Impl{.network = std::move(network),
                                                .session = std::move(session),
                                                .family = family,
                                                .output = output,
                                                .pixels = {}}));
}

Landmarker::Landmarker(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Landmarker::Landmarker(Landmarker&&) noexcept = default;
Landmarker& Landmarker::operator=(Landmarker&&) noexcept = default;
Landmarker::~Landmarker() = default;

Result<std::vector<Landmarks>> Landmarker::locate(ImageView image, std::span<const Box> boxes) {
  std::vector<Landmarks> all;
  all.reserve(boxes.size());
  for (const Box& box : boxes) {
    VISAVIS_TRY(points, impl_->locate(image, box));
    all.push_back(points);
  }
  return all;
}

}  // namespace visavis::landmark
