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
  /// Smallest face side searched for, at least 1. Single-shot detectors look at a picture of fixed
  /// size and drop smaller boxes.
  double min_face_px = 20;
  /// In [0, 1]; empty: the detector's defaults. MTCNN: one for each of the three stages (.6 .7 .7);
  /// single-shot detectors: one.
  std::vector<float> thresholds = {};
  double factor = 0.709;  ///< MTCNN: ratio between pyramid levels, in (0, .99].
};

/// Opens the detector that the manifest's family names ("mtcnn", "ultraface").
/// @return kInvalidArgument for options outside their domain, kModelMismatch for a network that is
/// no detector.
[[nodiscard]] Result<std::unique_ptr<Detector>> open_detector(
    std::shared_ptr<const models::Network> network, const DetectorOptions& options);

}  // namespace visavis::detect
