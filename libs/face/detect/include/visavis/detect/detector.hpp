#pragma once

/// Finds faces. Stage 2: Image -> [Face] -> Chip -> Embedding -> Match.

#include <memory>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::detect {

/// Thread-compatible: one thread at a time. To go parallel, open several over one network.
class Detector {
 public:
  virtual ~Detector() = default;
  Detector(const Detector&) = delete;
  Detector& operator=(const Detector&) = delete;

  /// Faces of every image, in the order of the images, each by falling confidence; no face is an
  /// empty vector. Images may differ in size.
  [[nodiscard]] virtual Result<std::vector<std::vector<Face>>> detect(
      std::span<const ImageView> images) = 0;

  /// False if `Face::landmarks` stays zero, for landmark::Landmarker to fill.
  [[nodiscard]] virtual bool finds_landmarks() const noexcept = 0;

 protected:
  Detector() = default;
};

struct DetectorOptions {
  float min_face_px = 20;  ///< Smallest face side searched for.
  /// MTCNN: the three stages' thresholds. Single-shot detectors use the last one.
  std::vector<float> thresholds;  ///< Empty: the detector's defaults.
  float factor = 0.709F;          ///< MTCNN: ratio between pyramid levels, in (0, 1).
};

/// Opens the detector that the manifest's family names ("mtcnn", "ultraface").
/// @return kInvalidArgument for options outside their domain, kModelMismatch for a network that is
/// no detector.
[[nodiscard]] Result<std::unique_ptr<Detector>> open_detector(
    std::shared_ptr<const models::Network> network, const DetectorOptions& options);

}  // namespace visavis::detect
