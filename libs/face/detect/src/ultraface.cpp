#include "ultraface.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/geometry/box.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/models/prepare.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

#include "options.hpp"

namespace visavis::detect {
namespace {

constexpr std::array kDefaultThresholds{0.65F};
constexpr float kMostOverlap = 0.4F;

/// Which output is which: two numbers for each anchor are scores, four are a box.
struct Outputs {
  std::size_t scores = 0;
  std::size_t boxes = 0;
};

Result<Outputs> find_outputs(const runtime::Model& model, std::string_view id) {
  Outputs found{.scores = model.outputs().size(), .boxes = model.outputs().size()};
  for (std::size_t i = 0; i < model.outputs().size(); ++i) {
    const runtime::TensorSpec& spec = model.outputs()[i];
    if (spec.type != runtime::ElementType::kFloat32 || spec.shape.size() != 3) continue;
    if (spec.shape[2] == 2) found.scores = i;
    if (spec.shape[2] == 4) found.boxes = i;
  }
  if (found.scores == model.outputs().size() || found.boxes == model.outputs().size())
    return fail(ErrorCode::kModelMismatch,
                std::string(id) + " does not answer with scores and boxes");
  return found;
}

class Ultraface final : public Detector {
 public:
  Ultraface(std::shared_ptr<const models::Network> network,
            std::unique_ptr<runtime::Session> session, Outputs outputs,
            const DetectorOptions& options)
      : network_(std::move(network)),
        session_(std::move(session)),
        outputs_(outputs),
        threshold_(options.thresholds[0]),
        min_side_(static_cast<float>(options.min_face_px)) {}

  Result<std::vector<std::vector<Face>>> detect(std::span<const ImageView> images) override {
    VISAVIS_CHECK(check_images(images));
    std::vector<std::vector<Face>> faces;
    for (const ImageView& image : images) {
      VISAVIS_TRY(found, detect_one(image));
      faces.push_back(std::move(found));
    }
    return faces;
  }

  [[nodiscard]] bool finds_landmarks() const noexcept override { return false; }

 private:
  Result<std::vector<Face>> detect_one(ImageView image) {
    const models::Preparation& p = network_->manifest.preparation;
    const Image small = image::resize_bilinear(
        image, {.x = 0, .y = 0, .width = image.width, .height = image.height}, p.width, p.height);
    const std::array<std::int64_t, 4> shape{1, models::channels(p), p.height, p.width};
    pixels_.resize(static_cast<std::size_t>(shape[1] * shape[2] * shape[3]));
    models::prepare(small.view(), p, pixels_);
    const std::array inputs{runtime::view_of(pixels_, shape)};
    VISAVIS_TRY(outputs, session_->run(inputs));
    const auto scores = outputs[outputs_.scores].floats();
    const auto boxes = outputs[outputs_.boxes].floats();
    if (boxes.size() != 2 * scores.size())
      return fail(ErrorCode::kModelMismatch, "scores and boxes differ in number");
    return select(scores, boxes, image);
  }

  /// @param scores  of no face and face, for each anchor
  /// @param boxes   x1, y1, x2, y2 from 0 to 1
  [[nodiscard]] std::vector<Face> select(std::span<const float> scores,
                                         std::span<const float> boxes, ImageView image) const {
    const auto width = static_cast<float>(image.width);
    const auto height = static_cast<float>(image.height);
    std::vector<Box> passed;
    std::vector<float> confidences;
    for (std::size_t i = 0; 2 * i < scores.size(); ++i) {
      if (!(scores[2 * i + 1] > threshold_)) continue;
      const float* b = boxes.data() + 4 * i;
      const Box box{.x = b[0] * width,
                    .y = b[1] * height,
                    .width = (b[2] - b[0]) * width,
                    .height = (b[3] - b[1]) * height};
      if (!(box.width > 0 && box.height > 0) || std::max(box.width, box.height) < min_side_)
        continue;
      passed.push_back(box);
      confidences.push_back(scores[2 * i + 1]);
    }
    std::vector<Face> faces;
    for (const std::size_t k :
         geometry::non_maximum_suppression(passed, confidences, {.threshold = kMostOverlap}))
      faces.push_back({.box = passed[k], .confidence = confidences[k], .landmarks = {}});
    return faces;
  }

  std::shared_ptr<const models::Network> network_;
  std::unique_ptr<runtime::Session> session_;
  Outputs outputs_;
  float threshold_ = 0;
  float min_side_ = 0;
  std::vector<float> pixels_;
};

}  // namespace

Result<std::unique_ptr<Detector>> open_ultraface(std::shared_ptr<const models::Network> network,
                                                 const DetectorOptions& options) {
  VISAVIS_TRY(complete, complete_options(options, kDefaultThresholds));
  const models::Manifest& manifest = network->manifest;
  const auto part = network->parts.find("network");
  if (part == network->parts.end() || !part->second)
    return fail(ErrorCode::kModelMismatch, manifest.id + " has no network called network");
  if (manifest.preparation.width < 1 || manifest.preparation.height < 1)
    return fail(ErrorCode::kModelMismatch, manifest.id + " does not tell its input size");
  VISAVIS_TRY(outputs, find_outputs(*part->second, manifest.id));
  VISAVIS_TRY(session, part->second->session());
  return std::make_unique<Ultraface>(std::move(network), std::move(session), outputs, complete);
}

}  // namespace visavis::detect
