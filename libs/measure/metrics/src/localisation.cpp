#include "visavis/metrics/localisation.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "roc.hpp"
#include "visavis/vocab/face.hpp"

namespace visavis::metrics {

double detection_average_precision(std::span<const Detection> detections, std::size_t faces) {
  std::vector<Detection> sorted(detections.begin(), detections.end());
  std::ranges::stable_sort(sorted, std::greater{}, &Detection::confidence);
  // A precision counts where a whole tie of confidences is through: within it the order is chance.
  std::vector<double> recalls;
  std::vector<double> precisions;
  std::size_t correct = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i].correct) ++correct;
    if (i + 1 < sorted.size() && sorted[i + 1].confidence == sorted[i].confidence) continue;
    recalls.push_back(share(correct, faces));
    precisions.push_back(share(correct, i + 1));
  }
  double area = 0;
  double best = 0;
  for (std::size_t i = recalls.size(); i-- > 0;) {
    best = std::max(best, precisions[i]);
    area += (recalls[i] - (i == 0 ? 0 : recalls[i - 1])) * best;
  }
  return area;
}

double detection_recall(std::span<const Detection> detections, std::size_t faces,
                        float confidence) {
  const auto found = std::ranges::count_if(detections, [&](const Detection& detection) {
    return detection.correct && detection.confidence >= confidence;
  });
  return share(static_cast<std::size_t>(found), faces);
}

double normalised_mean_error(std::span<const Point> points, std::span<const Point> truth,
                             double norm) {
  double sum = 0;
  for (std::size_t i = 0; i < points.size(); ++i)
    sum += std::hypot(double{points[i].x} - double{truth[i].x},
                      double{points[i].y} - double{truth[i].y});
  return sum / static_cast<double>(points.size()) / norm;
}

}  // namespace visavis::metrics
