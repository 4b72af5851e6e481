#include <gtest/gtest.h>

#include <vector>
#include <visavis/geometry/box.hpp>

namespace visavis::geometry {
namespace {

// By hand: two 10×10 boxes shifted by 5 in x share 50 of 150; with inclusive pixels 6·11 = 66 of
// 2·121 − 66 = 176.
TEST(Overlap, MatchesHandCalculation) {
  const Box a{0, 0, 10, 10}, b{5, 0, 10, 10}, inner{2, 2, 5, 5}, far{30, 30, 4, 4};
  EXPECT_FLOAT_EQ(overlap(a, b), 50.0F / 150.0F);
  EXPECT_FLOAT_EQ(overlap(a, b, Overlap::kMinimum), 0.5F);
  EXPECT_FLOAT_EQ(overlap(a, b, Overlap::kUnion, Extent::kInclusive), 66.0F / 176.0F);
  EXPECT_FLOAT_EQ(overlap(a, inner, Overlap::kMinimum), 1.0F);
  EXPECT_FLOAT_EQ(overlap(a, far), 0.0F);
  EXPECT_FLOAT_EQ(overlap(a, {0, 0, 0, 0}), 0.0F);
}

TEST(Nms, KeepsTheBestOfEachHeap) {
  const std::vector<Box> boxes{{0, 0, 10, 10}, {1, 0, 10, 10}, {50, 50, 10, 10}, {5, 0, 10, 10}};
  const std::vector<float> scores{0.8F, 0.9F, 0.5F, 0.7F};
  // IoU(1,0) = 90/110 > .5; IoU(1,3) = 60/140 < .5.
  EXPECT_EQ(non_maximum_suppression(boxes, scores, {.threshold = 0.5F}),
            (std::vector<std::size_t>{1, 3, 2}));
  EXPECT_EQ(non_maximum_suppression(boxes, scores, {.threshold = 0.4F}),
            (std::vector<std::size_t>{1, 2}));
  EXPECT_TRUE(non_maximum_suppression({}, {}, {}).empty());
}

TEST(Nms, ExactlyTheThresholdStays) {
  const std::vector<Box> boxes{{0, 0, 10, 10}, {0, 0, 10, 5}};
  const std::vector<float> scores{0.9F, 0.8F};
  EXPECT_EQ(non_maximum_suppression(boxes, scores, {.threshold = 0.5F}).size(), 2U);
}

}  // namespace
}  // namespace visavis::geometry
