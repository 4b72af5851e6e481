#pragma once

/// A detector that always finds landmarks: by itself, or with a second network.

#include <memory>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/landmark/landmarker.hpp>
#include <visavis/models/network.hpp>

namespace visavis::pipeline {

/// Opens a detector; one that finds boxes only is completed by `landmarks`, which others ignore.
/// @param landmarks  a network that landmark::Landmarker opens, or null.
/// @return kInvalidArgument if the detector needs `landmarks` and there are none, and what
/// detect::open_detector and landmark::Landmarker::open return.
[[nodiscard]] Result<std::unique_ptr<detect::Detector>> open_finder(
    std::shared_ptr<const models::Network> detector,
    std::shared_ptr<const models::Network> landmarks, const detect::DetectorOptions& options = {});

/// The composition behind it: `boxes`' faces with `points`' landmarks. A box without a pixel in the
/// image is no face.
[[nodiscard]] std::unique_ptr<detect::Detector> with_landmarks(
    std::unique_ptr<detect::Detector> boxes, landmark::Landmarker points);

}  // namespace visavis::pipeline
