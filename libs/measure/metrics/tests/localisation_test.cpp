#include <gtest/gtest.h>

#include <vector>
#include <visavis/metrics/localisation.hpp>

namespace visavis::metrics {
namespace {

const std::vector<Detection> kDetections{{.confidence = .9F, .correct = true},
                                         {.confidence = .8F, .correct = false},
                                         {.confidence = .7F, .correct = true}};

// Recall 1/3 at precision 1, recall 2/3 at precision 2/3, the third face is never found.
TEST(DetectionAveragePrecision, ByHand) {
  EXPECT_DOUBLE_EQ(detection_average_precision(kDetections, 3), 1. / 3 + 1. / 3 * 2 / 3);
  EXPECT_DOUBLE_EQ(detection_average_precision({}, 3), 0);
}

TEST(DetectionAveragePrecision, DoesNotOrderTies) {
  const std::vector<Detection> ties{{.confidence = .9F, .correct = true},
                                    {.confidence = .9F, .correct = false}};
  EXPECT_DOUBLE_EQ(detection_average_precision(ties, 1), .5);
}

TEST(DetectionRecall, ByHand) {
  EXPECT_DOUBLE_EQ(detection_recall(kDetections, 3, .8F), 1. / 3);
  EXPECT_DOUBLE_EQ(detection_recall(kDetections, 3, .7F), 2. / 3);
}

TEST(NormalisedMeanError, ByHand) {
  const std::vector<Point> points{{.x = 3, .y = 4}, {.x = 1, .y = 1}};
  const std::vector<Point> truth{{.x = 0, .y = 0}, {.x = 1, .y = 1}};
  EXPECT_DOUBLE_EQ(normalised_mean_error(points, truth, 10), .25);
}

}  // namespace
}  // namespace visavis::metrics
