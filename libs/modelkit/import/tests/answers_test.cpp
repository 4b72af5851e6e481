#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <visavis/tests/farther.hpp>

namespace visavis::tests {
namespace {

// std::max(most, NaN) is most: tests that ask it cannot fail on an answer that is no number.
TEST(Farther, IsInfiniteForWhatIsNoNumber) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(farther(1, 2), 2);
  EXPECT_EQ(farther(2, 1), 2);
  EXPECT_TRUE(std::isinf(farther(1, kNaN)));
  EXPECT_TRUE(std::isinf(farther(kNaN, 1)));
  EXPECT_TRUE(std::isinf(farther(farther(0, kNaN), 1)));
}

}  // namespace
}  // namespace visavis::tests
