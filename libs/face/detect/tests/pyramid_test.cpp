#include "pyramid.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace visavis::detect {
namespace {

std::vector<std::pair<int, int>> sizes(const std::vector<Level>& levels) {
  std::vector<std::pair<int, int>> result;
  for (const Level& level : levels) result.emplace_back(level.width, level.height);
  return result;
}

TEST(Pyramid, HasFacenetsScales) {
  // 12/20 = .6, times .709 each; int(side · scale + 1), while 250 · scale >= 12: by hand.
  const auto levels = make_pyramid(250, 250, 20, 0.709);
  ASSERT_TRUE(levels);
  const std::vector<std::pair<int, int>> expected{{151, 151}, {107, 107}, {76, 76}, {54, 54},
                                                  {38, 38},   {27, 27},   {20, 20}, {14, 14}};
  EXPECT_EQ(sizes(*levels), expected);
  EXPECT_DOUBLE_EQ(levels->at(2).scale, 0.6 * 0.709 * 0.709);
}

TEST(Pyramid, FollowsTheShortSide) {
  const auto levels = make_pyramid(100, 40, 20, 0.5);  // 24, then 12 px, then too small
  ASSERT_TRUE(levels);
  const std::vector<std::pair<int, int>> expected{{61, 25}, {31, 13}};
  EXPECT_EQ(sizes(*levels), expected);
}

TEST(Pyramid, IsEmptyForPicturesBelowTheSmallestFace) {
  EXPECT_TRUE(make_pyramid(19, 500, 20, 0.709)->empty());
  EXPECT_TRUE(make_pyramid(1, 1, 20, 0.709)->empty());
  EXPECT_FALSE(make_pyramid(20, 20, 20, 0.709)->empty());
}

TEST(Pyramid, RefusesWhatWouldTakeForever) {
  const auto large = make_pyramid(60'000, 60'000, 1, 0.709);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kResourceExhausted);
  const auto fine = make_pyramid(640, 480, 20, 0.9999999);
  ASSERT_FALSE(fine);
  EXPECT_EQ(fine.error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace visavis::detect
