// As kernels.cpp does: the instruction set with VNNI is among those that are tested.
#define HWY_WANT_AVX3_DL
#include "kernels.hpp"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "maps.hpp"

namespace visavis::detect {
namespace {

/// A layer with everything that the arithmetic has to get right: slopes of both signs and above 1.
TrainedLayer random_layer(std::size_t channels, std::size_t inputs, int taps, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> number(-0.5F, 0.5F);
  TrainedLayer layer{.weights = {}, .bias = {}, .slope = {}, .taps = taps};
  const std::size_t size = channels * inputs * static_cast<std::size_t>(taps * taps);
  for (std::size_t i = 0; i < size; ++i) layer.weights.push_back(number(random));
  for (std::size_t i = 0; i < channels; ++i) {
    layer.bias.push_back(number(random));
    layer.slope.push_back(3 * number(random));
  }
  return layer;
}

/// [inputs][height][width]
std::vector<float> random_map(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> number(-0.9F, 0.9F);
  std::vector<float> map(size);
  for (float& value : map) value = number(random);
  return map;
}

/// The definition, one product at a time in double.
float expected(const TrainedLayer& layer, const std::vector<float>& map, Size size, int channel,
               int y, int x) {
  const auto inputs = static_cast<int>(map.size()) / (size.height * size.width);
  double sum = layer.bias[static_cast<std::size_t>(channel)];
  for (int i = 0; i < inputs; ++i)
    for (int dy = 0; dy < layer.taps; ++dy)
      for (int dx = 0; dx < layer.taps; ++dx)
        sum +=
            double{
                map[static_cast<std::size_t>((i * size.height + y + dy) * size.width + x + dx)]} *
            double{layer.weights[static_cast<std::size_t>(
                ((channel * inputs + i) * layer.taps + dy) * layer.taps + dx)]};
  if (sum < 0) sum *= layer.slope[static_cast<std::size_t>(channel)];
  return static_cast<float>(sum);
}

/// On every instruction set that this CPU has.
class Kernels : public testing::TestWithParam<std::int64_t> {
 protected:
  void SetUp() override {
    hwy::SetSupportedTargetsForTest(GetParam());
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
  void TearDown() override {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

constexpr Size kSize{.height = 6, .width = 9};
constexpr std::size_t kPixels = 54;

TEST_P(Kernels, ConvolveSixteenPicturesInFloat) {
  for (const std::size_t channels : {8U, 10U, 14U}) {
    const TrainedLayer trained = random_layer(channels, 3, 3, 1);
    const auto layer = make_layer<float>(trained, 1);
    std::vector<std::vector<float>> maps;
    std::vector<float> in(3 * kPixels * kLanes);
    for (std::size_t n = 0; n < kLanes; ++n) {
      maps.push_back(random_map(3 * kPixels, static_cast<unsigned>(10 + n)));
      for (std::size_t i = 0; i < kPixels; ++i)
        for (std::size_t c = 0; c < 3; ++c) in[(i * 3 + c) * kLanes + n] = maps[n][c * kPixels + i];
    }
    std::vector<float> out(4 * 7 * channels * kLanes);
    run_layer(layer, in.data(), kSize, out.data());
    for (std::size_t n = 0; n < kLanes; ++n)
      for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 7; ++x)
          for (std::size_t c = 0; c < channels; ++c)
            ASSERT_NEAR(out[(static_cast<std::size_t>(y * 7 + x) * channels + c) * kLanes + n],
                        expected(trained, maps[n], kSize, static_cast<int>(c), y, x), 1e-5);
  }
}

TEST_P(Kernels, ConvolveSixteenPicturesInFixedPoint) {
  const TrainedLayer trained = random_layer(8, 4, 2, 2);
  const auto layer = make_layer<Pair>(trained, kFixedSteps);
  std::vector<std::vector<float>> maps;
  std::vector<Pair> in(2 * kPixels * kLanes);
  for (std::size_t n = 0; n < kLanes; ++n) {
    maps.push_back(random_map(4 * kPixels, static_cast<unsigned>(30 + n)));
    for (float& value : maps[n]) value = std::round(value * kFixedSteps) / kFixedSteps;
    for (std::size_t i = 0; i < kPixels; ++i)
      for (std::size_t c = 0; c < 4; c += 2) {
        const auto low = static_cast<std::int32_t>(maps[n][c * kPixels + i] * kFixedSteps);
        const auto high = static_cast<std::int32_t>(maps[n][(c + 1) * kPixels + i] * kFixedSteps);
        in[(i * 2 + c / 2) * kLanes + n] = static_cast<Pair>(
            (static_cast<std::uint32_t>(low) & 0xffffU) | static_cast<std::uint32_t>(high) << 16U);
      }
  }
  std::vector<Pair> out(5 * 8 * 4 * kLanes);
  run_layer(layer, in.data(), kSize, out.data());
  for (std::size_t n = 0; n < kLanes; ++n)
    for (int y = 0; y < 5; ++y)
      for (int x = 0; x < 8; ++x)
        for (int c = 0; c < 8; ++c) {
          const Pair word = out[static_cast<std::size_t>((y * 8 + x) * 4 + c / 2) * kLanes + n];
          const auto half = static_cast<std::int16_t>(c % 2 == 0 ? word : word >> 16);
          // Half a step of rounding, and the weights' own.
          ASSERT_NEAR(half / kFixedSteps, expected(trained, maps[n], kSize, c, y, x), 1.5e-3);
        }
}

TEST_P(Kernels, ConvolveOnePictureByChannels) {
  for (const std::size_t channels : {16U, 32U, 96U}) {
    const TrainedLayer trained = random_layer(channels, 5, 3, 3);
    const std::vector<float> map = random_map(5 * kPixels, 4);
    std::vector<float> in(map.size());
    for (std::size_t i = 0; i < kPixels; ++i)
      for (std::size_t c = 0; c < 5; ++c) in[i * 5 + c] = map[c * kPixels + i];
    std::vector<float> out(4 * 7 * channels);
    run_layer(make_wide_layer(trained), in.data(), kSize, out.data());
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 7; ++x)
        for (std::size_t c = 0; c < channels; ++c)
          ASSERT_NEAR(out[static_cast<std::size_t>(y * 7 + x) * channels + c],
                      expected(trained, map, kSize, static_cast<int>(c), y, x), 1e-5);
  }
}

/// Beyond what the steps hold, activations are cut and never wrap.
TEST_P(Kernels, CutWhatFixedPointCannotHold) {
  TrainedLayer trained = random_layer(8, 2, 1, 5);
  std::ranges::fill(trained.bias, 100.0F);
  trained.bias[3] = -100;
  std::ranges::fill(trained.slope, 1.0F);
  const std::vector<Pair> in(kLanes);
  std::vector<Pair> out(4 * kLanes);
  run_layer(make_layer<Pair>(trained, kFixedSteps), in.data(), {.height = 1, .width = 1},
            out.data());
  EXPECT_EQ(static_cast<std::int16_t>(out[0]), 8191);
  EXPECT_EQ(static_cast<std::int16_t>(out[kLanes] >> 16), -8191);
}

TEST_P(Kernels, PoolWindowsThatReachOverTheEnd) {
  // Width 4 in windows of 3, every 2: {0, 1, 2} and {2, 3}.
  std::vector<float> row(4 * kLanes);
  for (std::size_t x = 0; x < 4; ++x)
    std::fill_n(row.begin() + static_cast<std::ptrdiff_t>(x * kLanes), kLanes,
                std::array{1.0F, 7.0F, -2.0F, -3.0F}[x]);
  std::vector<float> out(2 * kLanes);
  ASSERT_EQ(pooled_side(4, 3), 2);
  pool_columns(row.data(), kLanes, 4, 3, out.data());
  EXPECT_EQ(out[0], 7);
  EXPECT_EQ(out[kLanes], -2);
}

INSTANTIATE_TEST_SUITE_P(Targets, Kernels, testing::ValuesIn(hwy::SupportedAndGeneratedTargets()),
                         [](const auto& test) { return std::string(hwy::TargetName(test.param)); });

}  // namespace
}  // namespace visavis::detect
