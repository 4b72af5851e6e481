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
  for (const std::size_t channels : {8U, 10U}) {
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
    Scratch<float> scratch;
    run_layer(layer, in.data(), kSize, scratch, out.data());
    for (std::size_t n = 0; n < kLanes; ++n)
      for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 7; ++x)
          for (std::size_t c = 0; c < channels; ++c)
            ASSERT_NEAR(out[(static_cast<std::size_t>(y * 7 + x) * channels + c) * kLanes + n],
                        expected(trained, maps[n], kSize, static_cast<int>(c), y, x), 1e-5);
  }
}

/// The words of two neighbouring channels' values.
Pair pair_of(float low, float high) {
  const auto bits = [](float value) {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(value * kFixedSteps));
  };
  return static_cast<Pair>((bits(low) & 0xffffU) | bits(high) << 16U);
}

/// The value of a channel from its word.
float value_of(Pair word, int channel) {
  return static_cast<std::int16_t>(channel % 2 == 0 ? word : word >> 16) / kFixedSteps;
}

/// Values that fixed point holds exactly.
std::vector<float> random_steps(std::size_t size, unsigned seed) {
  std::vector<float> map = random_map(size, seed);
  for (float& value : map) value = std::round(value * kFixedSteps) / kFixedSteps;
  return map;
}

/// Sixteen maps of four channels, and their words side by side: [pixels][2][16].
std::vector<std::vector<float>> maps_of_four(std::vector<Pair>& words) {
  std::vector<std::vector<float>> maps;
  words.resize(2 * kPixels * kLanes);
  for (std::size_t n = 0; n < kLanes; ++n) {
    maps.push_back(random_steps(4 * kPixels, static_cast<unsigned>(30 + n)));
    for (std::size_t i = 0; i < kPixels; ++i)
      for (std::size_t c = 0; c < 4; c += 2)
        words[(i * 2 + c / 2) * kLanes + n] =
            pair_of(maps[n][c * kPixels + i], maps[n][(c + 1) * kPixels + i]);
  }
  return maps;
}

TEST_P(Kernels, ConvolveSixteenPicturesInFixedPoint) {
  const TrainedLayer trained = random_layer(8, 4, 2, 2);
  const auto layer = make_layer<Pair>(trained, kFixedSteps);
  std::vector<Pair> in;
  const std::vector<std::vector<float>> maps = maps_of_four(in);
  std::vector<Pair> out(5 * 8 * 4 * kLanes);
  Scratch<Pair> scratch;
  run_layer(layer, in.data(), kSize, scratch, out.data());
  for (std::size_t n = 0; n < kLanes; ++n)
    for (int y = 0; y < 5; ++y)
      for (int x = 0; x < 8; ++x)
        for (int c = 0; c < 8; ++c) {
          const Pair word = out[static_cast<std::size_t>((y * 8 + x) * 4 + c / 2) * kLanes + n];
          // Half a step of rounding, and the weights' own.
          ASSERT_NEAR(value_of(word, c), expected(trained, maps[n], kSize, c, y, x), 1.5e-3);
        }
}

/// In tiles of four channels and of two, the last row of an odd height alone.
TEST_P(Kernels, ConvolveTwoRowsInFixedPoint) {
  std::vector<Pair> in;
  const std::vector<std::vector<float>> maps = maps_of_four(in);
  for (const int channels : {8, 10}) {
    const TrainedLayer trained = random_layer(static_cast<std::size_t>(channels), 4, 3, 6);
    const auto layer = make_two_rows(trained, kFixedSteps);
    const Grid grid = out_grid(layer, 7);
    std::vector<Pair> out(static_cast<std::size_t>(2 * grid.row));
    Scratch<Pair> scratch;
    for (const int height : {6, 5})
      for (int y = 0; y < height - 2; y += 2) {
        run_rows(layer, in.data(), {.height = height, .width = 9}, y, scratch, out.data());
        for (int row = 0; row < std::min(2, height - 2 - y); ++row)
          for (std::ptrdiff_t n = 0; n < std::ptrdiff_t{kLanes}; ++n)
            for (int x = 0; x < 7; ++x)
              for (int c = 0; c < channels; ++c)
                ASSERT_NEAR(
                    value_of(out[static_cast<std::size_t>(row * grid.row + x * grid.place +
                                                          c / 2 * grid.channel + n)],
                             c),
                    expected(trained, maps[static_cast<std::size_t>(n)], kSize, c, y + row, x),
                    1.5e-3);
      }
  }
}

/// The largest weights and activations: sums that leave 32 bits on the way come back.
TEST_P(Kernels, TwoRowsHoldTheLargestSums) {
  constexpr float kLargest = kFixedLargest / kFixedSteps;
  TrainedLayer trained = random_layer(4, 28, 3, 7);
  std::ranges::fill(trained.slope, 1.0F);
  for (float& weight : trained.weights) weight = weight < 0 ? -0.05F : 0.05F;
  const auto layer = make_two_rows(trained, kFixedSteps);
  // One pixel's receptive field of the first channel: every product is positive.
  std::vector<float> map(28 * 12);
  for (std::size_t i = 0; i < 28; ++i)
    for (std::size_t k = 0; k < 9; ++k)
      map[i * 12 + k] = std::copysign(kLargest, trained.weights[i * 9 + k]);
  std::vector<Pair> in(12 * 14 * kLanes), out(2 * 2 * kLanes);
  for (std::size_t i = 0; i < 12; ++i)
    for (std::size_t c = 0; c < 28; c += 2)
      std::fill_n(in.begin() + static_cast<std::ptrdiff_t>((i * 14 + c / 2) * kLanes), kLanes,
                  pair_of(map[c * 12 + i], map[(c + 1) * 12 + i]));
  Scratch<Pair> scratch;
  run_rows(layer, in.data(), {.height = 4, .width = 3}, 0, scratch, out.data());
  for (int c = 0; c < 4; ++c)
    for (int y = 0; y < 2; ++y) {
      const float value = expected(trained, map, {.height = 4, .width = 3}, c, y, 0);
      EXPECT_NEAR(value_of(out[static_cast<std::size_t>(y * 2 + c / 2) * kLanes], c),
                  std::clamp(value, -kLargest, kLargest), 0.02);
    }
}

/// Lanes are neighbouring columns here: [row][word][column], two blocks and what the taps reach.
struct Strip {
  static constexpr int kWidth = 3 * static_cast<int>(kLanes);
  static constexpr Size kMap{.height = 4, .width = kWidth};
  static constexpr Grid kGrid{.row = 2 * kWidth, .column = 1, .place = kLanes, .channel = kWidth};

  std::vector<float> map = random_steps(std::size_t{4} * 4 * kWidth, 8);
  Buffer<Pair> prepared = Buffer<Pair>(std::size_t{4} * 2 * kWidth);

  Strip() {
    Buffer<Pair> words(std::size_t{4} * 2 * kWidth);
    const auto at = [&](int c, int y, int x) {
      return map[static_cast<std::size_t>((c * 4 + y) * kWidth + x)];
    };
    for (int y = 0; y < 4; ++y)
      for (int w = 0; w < 2; ++w)
        for (int x = 0; x < kWidth; ++x)
          words[static_cast<std::size_t>((y * 2 + w) * kWidth + x)] =
              pair_of(at(2 * w, y, x), at(2 * w + 1, y, x));
    const Pair* const first = words.data();
    prepare_rows<Pair>({first, first + kGrid.row, first + 2 * kGrid.row, first + 3 * kGrid.row},
                       kGrid.row, prepared.data());
  }
};

TEST_P(Kernels, TakeTheLargestOfTwoRows) {
  const Strip strip;
  const TrainedLayer trained = random_layer(10, 4, 3, 9);
  const auto layer = make_two_rows(trained, kFixedSteps);
  constexpr Grid kOut{.row = 0, .column = 1, .place = kLanes, .channel = kLanes};
  for (const int width : {32, 31, 18, 17, 1})
    for (const bool both : {true, false}) {
      std::vector<Pair> out(5 * kLanes);
      convolve_to_pools(layer, strip.prepared.data(), Strip::kGrid, 2, width, both, out.data(),
                        kOut);
      for (int x = 0; 2 * x < width; ++x)
        for (int c = 0; c < 10; ++c) {
          float largest = -100;
          for (int dy = 0; dy < (both ? 2 : 1); ++dy)
            for (int dx = 0; dx < std::min(2, width - 2 * x); ++dx)
              largest =
                  std::max(largest, expected(trained, strip.map, Strip::kMap, c, dy, 2 * x + dx));
          ASSERT_NEAR(value_of(out[static_cast<std::size_t>(c / 2 * kOut.channel + x)], c), largest,
                      1.5e-3)
              << width << ' ' << both << ' ' << x << ' ' << c;
        }
    }
}

TEST_P(Kernels, ScoreTwoRows) {
  const Strip strip;
  const TrainedLayer trained = random_layer(8, 4, 3, 10);
  const auto layer = make_two_rows(trained, kFixedSteps);
  Score score{.weights = random_map(8, 11), .bias = 0.25F};
  std::vector<float> out(4 * kLanes);
  convolve_to_scores(layer, score, strip.prepared.data(), Strip::kGrid, 2, out.data(), 2 * kLanes);
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 32; ++x) {
      double sum = score.bias;
      for (int c = 0; c < 8; ++c)
        sum += double{score.weights[static_cast<std::size_t>(c)]} * double{kFixedSteps} *
               double{expected(trained, strip.map, Strip::kMap, c, y, x)};
      ASSERT_NEAR(out[static_cast<std::size_t>(y * 32 + x)], sum, 1);  // in steps
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
    Scratch<float> scratch;
    run_layer(make_wide_layer(trained, 5), in.data(), kSize, scratch, out.data());
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 7; ++x)
        for (std::size_t c = 0; c < channels; ++c)
          ASSERT_NEAR(out[static_cast<std::size_t>(y * 7 + x) * channels + c],
                      expected(trained, map, kSize, static_cast<int>(c), y, x), 1e-5);
  }
}

TEST_P(Kernels, ConvolveTwoRowsByChannels) {
  for (const std::size_t channels : {16U, 28U, 48U}) {  // of 16, 32 and 48
    const TrainedLayer trained = random_layer(channels, 5, 3, 3);
    const std::vector<float> map = random_map(5 * kPixels, 4);
    std::vector<float> in(kPixels * 6 + kLanes);  // one channel more than the layer knows
    for (std::size_t i = 0; i < kPixels; ++i)
      for (std::size_t c = 0; c < 5; ++c) in[i * 6 + c] = map[c * kPixels + i];
    const auto layer = make_wide_two_rows(trained, 6);
    const Grid grid = out_grid(layer, 7);
    ASSERT_EQ(grid.place, (channels + 15) / 16 * 16);
    std::vector<float> out(static_cast<std::size_t>(2 * grid.row));
    Scratch<float> scratch;
    for (int y = 0; y < 4; y += 2) {
      run_rows(layer, in.data(), kSize, y, scratch, out.data());
      for (int row = 0; row < 2; ++row)
        for (int x = 0; x < 7; ++x)
          for (int c = 0; c < static_cast<int>(channels); ++c)
            ASSERT_NEAR(out[static_cast<std::size_t>(row * grid.row + x * grid.place + c)],
                        expected(trained, map, kSize, c, y + row, x), 1e-5);
    }
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
  Scratch<Pair> scratch;
  run_layer(make_layer<Pair>(trained, kFixedSteps), in.data(), {.height = 1, .width = 1}, scratch,
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
