#include "points.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace visavis::landmark {
namespace {

// By hand: a square from (10, 20) with inclusive side 40 (39 + 1); .5 of 40 lies 20 after 9.
TEST(Points, OfOnetCountFromOnePixelBefore) {
  const std::array<float, 10> values{0.5F, 0, 0, 0, 1, 0.25F, 0, 0, 0, 1};
  const Landmarks points = points_of_onet(values, {10, 20, 39, 39});
  EXPECT_FLOAT_EQ(points[0].x, 29);
  EXPECT_FLOAT_EQ(points[0].y, 29);
  EXPECT_FLOAT_EQ(points[4].x, 49);
  EXPECT_FLOAT_EQ(points[4].y, 59);
}

// By hand: only the points of the left eye are moved, so only the left eye follows.
TEST(Points, Of68AreMeans) {
  std::array<float, 136> values{};
  const std::array<std::size_t, 4> lids{37, 38, 40, 41};
  for (std::size_t k = 0; k < lids.size(); ++k) {
    values[2 * lids[k]] = 0.1F * static_cast<float>(k + 1);  // mean .25
    values[2 * lids[k] + 1] = 0.5F;
  }
  values[60] = 1;  // x of point 30
  const Landmarks points = points_of_68(values, {100, 200, 40, 80});
  EXPECT_FLOAT_EQ(points[0].x, 110);
  EXPECT_FLOAT_EQ(points[0].y, 240);
  EXPECT_FLOAT_EQ(points[1].x, 100);
  EXPECT_FLOAT_EQ(points[2].x, 140);
  EXPECT_FLOAT_EQ(points[2].y, 200);
}

}  // namespace
}  // namespace visavis::landmark
