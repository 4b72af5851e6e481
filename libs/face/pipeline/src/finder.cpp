#include "visavis/pipeline/finder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/detect/detector.hpp"
#include "visavis/landmark/landmarker.hpp"
#include "visavis/models/network.hpp"
#include "visavis/vocab/face.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::pipeline {
namespace {

bool touches(const Box& box, ImageView image) {
  return std::isfinite(box.area()) && box.right() > 0 && box.bottom() > 0 &&
         box.x < static_cast<float>(image.width) && box.y < static_cast<float>(image.height);
}

class WithLandmarks final : public detect::Detector {
 public:
  WithLandmarks(std::unique_ptr<detect::Detector> boxes, landmark::Landmarker points)
      : boxes_(std::move(boxes)), points_(std::move(points)) {}

  Result<std::vector<std::vector<Face>>> detect(std::span<const ImageView> images) override {
    VISAVIS_TRY(found, boxes_->detect(images));
    for (std::size_t i = 0; i < images.size(); ++i) VISAVIS_CHECK(complete(images[i], found[i]));
    return found;
  }
  [[nodiscard]] bool finds_landmarks() const noexcept override { return true; }

 private:
  Result<void> complete(ImageView image, std::vector<Face>& faces) {
    std::erase_if(faces, [&](const Face& face) { return !touches(face.box, image); });
    if (faces.empty()) return {};
    std::vector<Box> boxes;
    for (const Face& face : faces) boxes.push_back(face.box);
    VISAVIS_TRY(points, points_.locate(image, boxes));
    for (std::size_t i = 0; i < faces.size(); ++i) faces[i].landmarks = points[i];
    return {};
  }

  std::unique_ptr<detect::Detector> boxes_;
  landmark::Landmarker points_;
};

class WithSecondLook final : public detect::Detector {
 public:
  WithSecondLook(std::unique_ptr<detect::Detector> first, std::unique_ptr<detect::Detector> second)
      : first_(std::move(first)), second_(std::move(second)) {}

  Result<std::vector<std::vector<Face>>> detect(std::span<const ImageView> images) override {
    VISAVIS_TRY(found, first_->detect(images));
    std::vector<ImageView> empty;
    for (std::size_t i = 0; i < images.size(); ++i)
      if (found[i].empty()) empty.push_back(images[i]);
    if (empty.empty()) return found;
    VISAVIS_TRY(again, second_->detect(empty));
    auto next = again.begin();
    for (std::vector<Face>& faces : found)
      if (faces.empty()) faces = std::move(*next++);
    return found;
  }
  [[nodiscard]] bool finds_landmarks() const noexcept override {
    return first_->finds_landmarks() && second_->finds_landmarks();
  }

 private:
  std::unique_ptr<detect::Detector> first_;
  std::unique_ptr<detect::Detector> second_;
};

constexpr std::array kMtcnnThresholds{0.6F, 0.7F, 0.7F};  // facenet-pytorch's defaults
constexpr float kLowered = 0.1F;

detect::DetectorOptions relaxed(detect::DetectorOptions options) {
  if (options.thresholds.empty())
    options.thresholds.assign(kMtcnnThresholds.begin(), kMtcnnThresholds.end());
  options.thresholds.front() = std::max(0.0F, options.thresholds.front() - kLowered);
  return options;
}

}  // namespace

std::unique_ptr<detect::Detector> with_second_look(std::unique_ptr<detect::Detector> first,
                                                   std::unique_ptr<detect::Detector> second) {
  return std::make_unique<WithSecondLook>(std::move(first), std::move(second));
}

std::unique_ptr<detect::Detector> with_landmarks(std::unique_ptr<detect::Detector> boxes,
                                                 landmark::Landmarker points) {
  return std::make_unique<WithLandmarks>(std::move(boxes), std::move(points));
}

Result<std::unique_ptr<detect::Detector>> open_finder(
    std::shared_ptr<const models::Network> detector,  // NOLINT(performance-unnecessary-value-param)
    std::shared_ptr<const models::Network> landmarks, const detect::DetectorOptions& options,
    SecondLook second_look) {
  VISAVIS_TRY(boxes, detect::open_detector(detector, options));
  if (second_look == SecondLook::kYes && detector->manifest.family == "mtcnn") {
    VISAVIS_TRY(again, detect::open_detector(detector, relaxed(options)));
    boxes = with_second_look(std::move(boxes), std::move(again));
  }
  if (boxes->finds_landmarks()) return boxes;
  if (!landmarks)
    return fail(ErrorCode::kInvalidArgument,
                "this detector finds no landmarks and needs a model that does");
  VISAVIS_TRY(points, landmark::Landmarker::open(std::move(landmarks)));
  return with_landmarks(std::move(boxes), std::move(points));
}

}  // namespace visavis::pipeline
