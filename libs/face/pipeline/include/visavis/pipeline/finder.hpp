#pragma once

/// A detector that always finds landmarks: by itself, or with a second network.

#include <cstdint>
#include <memory>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/landmark/landmarker.hpp>
#include <visavis/models/network.hpp>

namespace visavis::pipeline {

/// What to do with a photo in which nothing was found.
enum class SecondLook : std::uint8_t {
  kNo,
  /// MTCNN searches once more with its first threshold lowered by .1: more windows are proposed,
  /// while the later stages stay as strict, so that what is found is as certain. Other detectors
  /// have one stage and look once. facenet-pytorch knows no such thing: for photos that are there
  /// because they show a face.
  kYes,
};

/// Opens a detector; one that finds boxes only is completed by `landmarks`, which others ignore.
/// @param landmarks  a network that landmark::Landmarker opens, or null.
/// @return kInvalidArgument if the detector needs `landmarks` and there are none, and what
/// detect::open_detector and landmark::Landmarker::open return.
[[nodiscard]] Result<std::unique_ptr<detect::Detector>> open_finder(
    std::shared_ptr<const models::Network> detector,
    std::shared_ptr<const models::Network> landmarks, const detect::DetectorOptions& options = {},
    SecondLook second_look = SecondLook::kNo);

/// The compositions behind it. `boxes`' faces with `points`' landmarks; a box without a pixel in
/// the image is no face.
[[nodiscard]] std::unique_ptr<detect::Detector> with_landmarks(
    std::unique_ptr<detect::Detector> boxes, landmark::Landmarker points);

/// `first`'s faces, or `second`'s for images in which `first` finds none.
[[nodiscard]] std::unique_ptr<detect::Detector> with_second_look(
    std::unique_ptr<detect::Detector> first, std::unique_ptr<detect::Detector> second);

}  // namespace visavis::pipeline
