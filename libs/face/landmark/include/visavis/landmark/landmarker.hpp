#pragma once

/// Five points in faces whose boxes are known: completes detectors that find boxes only.
/// Between stage 2 and 3: Image -> [Face] -> Chip -> Embedding -> Match.

#include <memory>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::landmark {

/// The one file (models::ModelFile::name) of a model that finds points.
/// @return kModelMismatch for a family that finds none.
[[nodiscard]] Result<std::string> part_of(const models::Manifest& manifest);

/// Thread-compatible: one thread at a time. To go parallel, open several over one network.
///
///     auto landmarker = Landmarker::open(network);
///     auto points = landmarker->locate(image, boxes);
class Landmarker {
 public:
  /// @param network  of family "mtcnn" or "landmark-68"; only its `part_of` is used and needed.
  /// @return kModelMismatch for another family or a network without the expected part.
  [[nodiscard]] static Result<Landmarker> open(std::shared_ptr<const models::Network> network);

  Landmarker(Landmarker&&) noexcept;
  Landmarker& operator=(Landmarker&&) noexcept;
  ~Landmarker();

  /// The points of every box, in the order of the boxes. Boxes may reach beyond the image; for one
  /// without a pixel inside it, or with a side that is not finite, the points are kInvalidArgument.
  [[nodiscard]] Result<std::vector<Landmarks>> locate(ImageView image, std::span<const Box> boxes);

 private:
  struct Impl;
  explicit Landmarker(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::landmark
