#pragma once

/// How well faces and points were found.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/vocab/face.hpp>

namespace visavis::metrics {

/// A box that a detector drew. Each face of the truth may make one box correct.
struct Detection {
  float confidence = 0;
  bool correct = false;
};

/// The area under the precision-recall curve, each precision being the best at that recall or
/// beyond (PASCAL VOC since 2010, Everingham et al., IJCV 111, 2015). @pre faces >= 1
[[nodiscard]] double detection_average_precision(std::span<const Detection> detections,
                                                 std::size_t faces);

/// Share of the faces found by detections of at least this confidence. @pre faces >= 1
[[nodiscard]] double detection_recall(std::span<const Detection> detections, std::size_t faces,
                                      float confidence);

/// Mean distance of points from the truth, as a share of `norm`: the distance of the eyes, or the
/// side of the box. @pre as many points as in the truth, at least one; norm > 0
[[nodiscard]] double normalised_mean_error(std::span<const Point> points,
                                           std::span<const Point> truth, double norm);

}  // namespace visavis::metrics
