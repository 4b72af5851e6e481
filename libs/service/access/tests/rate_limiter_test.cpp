#include "visavis/access/rate_limiter.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace visavis::access {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const RateLimiter::Time kStart{seconds(1000)};

TEST(RateLimiterTest, GrantsABurstAndThenTheRate) {
  auto limiter = RateLimiter::make({.per_second = 2, .burst = 3});
  ASSERT_TRUE(limiter);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter->take("a", kStart).granted);
  const Turn refused = limiter->take("a", kStart);
  EXPECT_FALSE(refused.granted);
  EXPECT_EQ(refused.retry_after, seconds(1));
  EXPECT_FALSE(limiter->take("a", kStart + milliseconds(400)).granted);
  EXPECT_TRUE(limiter->take("a", kStart + milliseconds(500)).granted);
  EXPECT_FALSE(limiter->take("a", kStart + milliseconds(500)).granted);
  // A long pause earns the burst and no more.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limiter->take("a", kStart + seconds(9000)).granted);
  EXPECT_FALSE(limiter->take("a", kStart + seconds(9000)).granted);
}

TEST(RateLimiterTest, KeysDoNotDisturbEachOther) {
  auto limiter = RateLimiter::make({.per_second = 1, .burst = 1});
  EXPECT_TRUE(limiter->take("a", kStart).granted);
  EXPECT_FALSE(limiter->take("a", kStart).granted);
  EXPECT_TRUE(limiter->take("b", kStart).granted);
}

TEST(RateLimiterTest, WhoWaitsAsToldIsServed) {
  for (const double rate : {.01, .07, 1. / 3, .9, 7.}) {
    auto limiter = RateLimiter::make({.per_second = rate, .burst = 1});
    RateLimiter::Time now = kStart;
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(limiter->take("a", now).granted) << rate;
      const Turn turn = limiter->take("a", now);
      ASSERT_FALSE(turn.granted);
      EXPECT_EQ(turn.retry_after.count(), std::ceil(1 / rate - 1e-6)) << rate;
      now += turn.retry_after;
    }
  }
}

TEST(RateLimiterTest, AVerySlowRateTellsADay) {
  auto limiter = RateLimiter::make({.per_second = 1e-300, .burst = 1});
  EXPECT_TRUE(limiter->take("a", kStart).granted);
  EXPECT_EQ(limiter->take("a", kStart).retry_after, std::chrono::days(1));
}

TEST(RateLimiterTest, TimeThatGoesBackEarnsNothing) {
  auto limiter = RateLimiter::make({.per_second = 1, .burst = 1});
  EXPECT_TRUE(limiter->take("a", kStart).granted);
  EXPECT_FALSE(limiter->take("a", kStart - seconds(50)).granted);
  EXPECT_FALSE(limiter->take("a", kStart).granted);
  EXPECT_TRUE(limiter->take("a", kStart + seconds(1)).granted);
}

TEST(RateLimiterTest, RemembersABoundedNumber) {
  auto limiter = RateLimiter::make({.per_second = 1, .burst = 1}, 3);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(limiter->take(std::to_string(i), kStart).granted);
    EXPECT_FALSE(limiter->take(std::to_string(i), kStart).granted);
  }
  EXPECT_EQ(limiter->remembered(), 3U);
  // 997 asked least recently of the three; asking now makes it the latest, and 998 is forgotten.
  EXPECT_FALSE(limiter->take("997", kStart).granted);
  EXPECT_TRUE(limiter->take("new", kStart).granted);
  EXPECT_FALSE(limiter->take("997", kStart).granted);
  EXPECT_TRUE(limiter->take("998", kStart).granted);
}

TEST(RateLimiterTest, RefusesRatesThatAreNone) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const Rate rate : {Rate{0, 1}, Rate{-1, 1}, Rate{nan, 1}, Rate{inf, 1}, Rate{1, .5},
                          Rate{1, nan}, Rate{1, inf}}) {
    const auto limiter = RateLimiter::make(rate);
    ASSERT_FALSE(limiter) << rate.per_second << " " << rate.burst;
    EXPECT_EQ(limiter.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(RateLimiter::make({}, 0));
}

}  // namespace
}  // namespace visavis::access
