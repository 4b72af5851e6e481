#include "visavis/core/half.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace visavis {
namespace {

TEST(HalfTest, EveryHalfIsWhatItsBitsSayAndComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const int exponent = static_cast<int>((bits >> 10U) & 31U);
    const auto fraction = static_cast<double>(bits & 0x3FFU);
    const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
    const float value = from_half(half);
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), fraction != 0);
      EXPECT_EQ(std::isinf(value), fraction == 0);
      if (fraction != 0) continue;
    } else {
      // IEEE 754-2008, 3.4: binary16 has a bias of 15 and ten bits of fraction.
      const double wanted =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      EXPECT_EQ(static_cast<double>(value), sign * wanted) << bits;
    }
    EXPECT_EQ(to_half(value), half) << bits;
  }
}

TEST(HalfTest, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(to_half(1 + 0x1p-11F), 0x3C00);             // halfway to the next, even below
  EXPECT_EQ(to_half(1 + 0x1p-11F + 0x1p-20F), 0x3C01);  // above halfway
  EXPECT_EQ(to_half(1 + 3 * 0x1p-11F), 0x3C02);         // halfway, even above
  EXPECT_EQ(to_half(0x1p-25F), 0x0000);                 // half the smallest subnormal: to zero
  EXPECT_EQ(to_half(1.5F * 0x1p-25F), 0x0001);
  EXPECT_EQ(to_half(3 * 0x1p-25F), 0x0002);
  EXPECT_EQ(to_half(65519.F), 0x7BFF);
  EXPECT_EQ(to_half(65520.F), 0x7C00);
  EXPECT_EQ(to_half(-1e30F), 0xFC00);
  EXPECT_EQ(to_half(std::numeric_limits<float>::quiet_NaN()) & 0x7FFF, 0x7E00);
}

#if defined(__SSE2__)
// Engines take subnormal floats for zero while they load and run; a subnormal half is none.
TEST(HalfTest, IsReadWhateverTheProcessorDoesWithSubnormalFloats) {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040U);  // flush to zero, denormals are zero
  const float smallest = from_half(0x0001);
  const float largest = from_half(0x83FF);
  _mm_setcsr(before);
  EXPECT_EQ(smallest, 0x1p-24F);
  EXPECT_EQ(largest, -1023 * 0x1p-24F);
}
#endif

}  // namespace
}  // namespace visavis
