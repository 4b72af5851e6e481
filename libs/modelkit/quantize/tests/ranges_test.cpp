// Ranges of known distributions.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>
#include <visavis/quantize/ranges.hpp>

namespace visavis::modelkit {
namespace {

Observed observed(const std::vector<float>& values) {
  Observed made;
  for (const float value : values) {
    made.range.low = std::min(made.range.low, value);
    made.range.high = std::max(made.range.high, value);
  }
  made.count(values);
  return made;
}

/// 0, 1/n, … 1.
std::vector<float> even(std::size_t n, float high = 1) {
  std::vector<float> values;
  for (std::size_t i = 0; i <= n; ++i)
    values.push_back(high * static_cast<float>(i) / static_cast<float>(n));
  return values;
}

std::vector<float> normal(std::size_t n) {
  std::mt19937 engine(7);
  std::normal_distribution<float> law;
  std::vector<float> values(n);
  for (float& value : values) value = law(engine);
  return values;
}

TEST(Ranges, NamesGoBothWays) {
  for (const char* name : {"minmax", "percentile", "mse", "entropy"}) {
    const auto method = parse_range_method(name);
    ASSERT_TRUE(method);
    EXPECT_EQ(to_string(*method), name);
  }
  EXPECT_EQ(parse_range_method("best").error().code, ErrorCode::kInvalidArgument);
}

TEST(Ranges, MinMaxIsWhatWasSeen) {
  const Range range = choose_range(observed({-2, .5F, 3}), RangeMethod::kMinMax, 1);
  EXPECT_EQ(range.low, -2);
  EXPECT_EQ(range.high, 3);
}

TEST(Ranges, AlwaysHoldsZero) {
  const Observed above = observed(even(1000, 1));
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse, RangeMethod::kEntropy}) {
    EXPECT_LE(choose_range(above, method, .9).low, 0);
    EXPECT_GE(choose_range(observed({-4, -3, -2}), method, .9).high, 0);
  }
}

TEST(Ranges, PercentileCutsHalfAtEachEnd) {
  std::vector<float> values;
  for (const float value : even(100'000)) values.push_back(2 * value - 1);
  const Range range = choose_range(observed(values), RangeMethod::kPercentile, .9);
  EXPECT_NEAR(range.low, -.9, 1e-3);  // 5 % of [-1, 1]
  EXPECT_NEAR(range.high, .9, 1e-3);
}

// Clipping even numbers at a share s of their end costs (1 − s)³/3 for rounding that falls from
// 1/(12·255²) to s²/(12·255²): never worth a hundredth.
TEST(Ranges, LeastSquaresKeepsAllOfEvenNumbers) {
  const Range range = choose_range(observed(even(100'000)), RangeMethod::kMse, 1);
  EXPECT_EQ(range.high, 1);
}

// 1e5 numbers of 0…1 and one of 100. All of them: 1e5 · (100/255)²/12 ≈ 1282. At 50: 2500 for the
// one, 320 for the rest. At 99: 1 + 1e5 · (99/255)²/12 ≈ 1257. Derivative 0: 2(100 − s) =
// 2s · 1e5/(12 · 255²), s = 100 / (1 + .12816) = 88.6.
TEST(Ranges, LeastSquaresWeighsOutliers) {
  std::vector<float> values = even(100'000 - 1);
  values.push_back(100);
  const Range range = choose_range(observed(values), RangeMethod::kMse, 1);
  EXPECT_NEAR(range.high, 88.6, 1);
}

// Banner et al. give 3.92 standard deviations for the normal law in 8 bits.
TEST(Ranges, LeastSquaresClipsTheNormalLawWhereThePaperDoes) {
  const Range range = choose_range(observed(normal(2'000'000)), RangeMethod::kMse, 1);
  EXPECT_NEAR(range.high, 3.92, .25);
  EXPECT_NEAR(range.low, -3.92, .25);
}

TEST(Ranges, LeastDivergenceCutsALongTail) {
  std::vector<float> values = normal(200'000);
  values.push_back(30);
  const Range range = choose_range(observed(values), RangeMethod::kEntropy, 1);
  EXPECT_LT(range.high, 29);
  EXPECT_GT(range.high, 2.5);
}

TEST(Ranges, LeastDivergenceKeepsEvenNumbers) {
  EXPECT_GT(choose_range(observed(even(100'000)), RangeMethod::kEntropy, 1).high, .95);
}

/// Counts that fall by a factor of e every `bins` bins, from 0 to 1.
Observed falling(double bins) {
  Observed made{.range = {.low = 0, .high = 1}};
  for (std::size_t i = 0; i < Observed::kBins; ++i)
    made.bins.push_back(static_cast<std::uint64_t>(1e6 * std::exp(-static_cast<double>(i) / bins)));
  return made;
}

// The ends of least divergence by numpy 2.4 and scipy.stats.entropy 1.17 (every fourth bin tried
// from 256 on, the tail in the last one, the rest merged to 256 steps): bins 764, 1244 and 1832.
// Here every sixteenth is tried.
TEST(Ranges, LeastDivergenceIsThePublishedOne) {
  const auto end = [](double bins) {
    return choose_range(falling(bins), RangeMethod::kEntropy, 1).high * Observed::kBins;
  };
  EXPECT_NEAR(end(60), 764, 17);
  EXPECT_NEAR(end(100), 1244, 17);
  EXPECT_NEAR(end(150), 1832, 17);
}

// Half of what a PReLU makes may be zeros, which every range keeps. In the histogram they would
// draw the ends above to bins 508, 508 and 764 (by the same scipy.stats.entropy), where much is
// clipped.
TEST(Ranges, LeastDivergenceDoesNotCountZeros) {
  for (const double bins : {60, 100, 150}) {
    Observed some = falling(bins);
    const Range without = choose_range(some, RangeMethod::kEntropy, 1);
    some.bins[0] += 20'000'000;
    EXPECT_EQ(choose_range(some, RangeMethod::kEntropy, 1).high, without.high) << bins;
  }
  std::vector<float> values = normal(200'000);
  const Range without = choose_range(observed(values), RangeMethod::kEntropy, 1);
  values.resize(values.size() + 300'000);
  const Range with = choose_range(observed(values), RangeMethod::kEntropy, 1);
  EXPECT_EQ(with.low, without.low);
  EXPECT_EQ(with.high, without.high);
}

TEST(Ranges, StepsPutZeroOnAStep) {
  const Steps steps = steps_of({.low = -1, .high = 3});
  EXPECT_FLOAT_EQ(steps.scale, 4.F / 255);
  EXPECT_EQ(steps.zero, 64);  // 63.75
  EXPECT_EQ(steps_of({.low = 0, .high = 2.55F}).zero, 0);
  EXPECT_EQ(steps_of({.low = -5, .high = 0}).zero, 255);
}

TEST(Ranges, NothingButZerosGetsAnyScale) {
  const Observed nothing = observed({0, 0, 0});
  for (const RangeMethod method :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse, RangeMethod::kEntropy}) {
    const Steps steps = steps_of(choose_range(nothing, method, .99));
    EXPECT_EQ(steps.scale, 1);
    EXPECT_EQ(steps.zero, 0);
  }
}

}  // namespace
}  // namespace visavis::modelkit
