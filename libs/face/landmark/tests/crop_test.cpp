#include "crop.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace visavis::landmark {
namespace {

constexpr ImageView kImage{.rgb = nullptr, .width = 100, .height = 80};

// By hand: a 20 × 30 box at (40, 10) has its middle at (50, 25); the square of side 30 starts at
// (35, 10).
TEST(SquareCrop, IsCentredOnTheBox) {
  const auto crop = square_crop({40, 10, 20, 30}, 1.0, kImage);
  ASSERT_TRUE(crop);
  EXPECT_EQ(crop->square, (Box{35, 10, 30, 30}));
  EXPECT_EQ(crop->window.x, 35);
  EXPECT_EQ(crop->window.y, 10);
  EXPECT_EQ(crop->window.width, 30);
  EXPECT_EQ(crop->window.height, 30);
}

TEST(SquareCrop, IsClippedAtTheBorder) {
  const auto crop = square_crop({-10, 60, 40, 40}, 1.0, kImage);
  ASSERT_TRUE(crop);
  EXPECT_EQ(crop->square, (Box{-10, 60, 40, 40}));
  EXPECT_EQ(crop->window.x, 0);
  EXPECT_EQ(crop->window.width, 30);
  EXPECT_EQ(crop->window.height, 20);
}

TEST(SquareCrop, NeedsAPixelInside) {
  EXPECT_FALSE(square_crop({200, 10, 20, 30}, 1.0, kImage));
  EXPECT_FALSE(square_crop({10, 10, 0, 0}, 1.0, kImage));
  EXPECT_FALSE(square_crop({std::numeric_limits<float>::quiet_NaN(), 0, 9, 9}, 1.0, kImage));
  EXPECT_FALSE(square_crop({0, 0, std::numeric_limits<float>::infinity(), 9}, 1.0, kImage));
}

}  // namespace
}  // namespace visavis::landmark
