#pragma once

/// Evaluation of detectors and landmarks: faces found beside the faces that are there.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/protocols/rate.hpp>
#include <visavis/vocab/face.hpp>

namespace visavis::protocols {

/// What a list says of a face.
enum class TruthKind : std::uint8_t { kCount, kBoxes, kPoints };

struct TruePhoto {
  std::string path;
  std::size_t faces = 0;
  std::vector<Box> boxes{};         ///< For kBoxes, one for each face.
  std::vector<Landmarks> points{};  ///< For kPoints, one for each face.
};

struct Truth {
  TruthKind kind = TruthKind::kCount;
  std::vector<TruePhoto> photos;  ///< In the list's order.
};

/// Reads lines `path n_faces`, or a line for each face: `path x y width height`, or path and five
/// points `x y`, with tabs between and with or without a header line. In lists of boxes or points
/// `path 0` is a photo without a face.
/// @return kDecodeFailed with the number of the row that is wrong, or when there is none.
[[nodiscard]] Result<Truth> parse_truth(std::string_view text);

/// Mean distance of the points from the truth, as shares of the distance of the eyes.
struct LandmarkErrors {
  std::size_t faces = 0;  ///< That were found; the others have no points to judge.
  double mean = 0;
  std::optional<metrics::Interval> mean_interval{};  ///< Were other photos drawn.
  double median = 0;
  double ninetieth = 0;    ///< Percentile.
  double above_tenth = 0;  ///< Share of errors above .1.
};

struct DetectionReport {
  TruthKind kind = TruthKind::kCount;
  std::size_t images = 0;
  std::size_t failed_images = 0;  ///< That could not be read: their faces are not found.
  std::size_t faces = 0;
  std::size_t detections = 0;
  /// With counts, as many of a photo's detections are right as there can be: upper bounds.
  std::optional<RateWithInterval> recall{};     ///< Nothing without faces.
  std::optional<RateWithInterval> precision{};  ///< Nothing without detections.
  /// Over the detector's confidences from its threshold on; nothing for counts, or without faces.
  std::optional<double> average_precision{};
  std::optional<LandmarkErrors> landmarks{};  ///< For kPoints, if a face was found.
};

/// A detection, by falling confidence, takes the face that it overlaps most, by half of their union
/// at least, or, where points are known, the nearest of those whose middle lies in its box; a face
/// that is taken is not there for the next.
/// @param found  of each photo of the truth; nothing if it could not be read
/// @pre as many as photos
[[nodiscard]] DetectionReport judge_detections(
    const Truth& truth, std::span<const std::optional<std::vector<Face>>> found,
    std::size_t replicates = 1000);

}  // namespace visavis::protocols
