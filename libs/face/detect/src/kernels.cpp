// The instruction set that has products of pairs with their sum in one instruction (VNNI).
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // must come before highway.h
// clang-format on
#include "kernels.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

HWY_BEFORE_NAMESPACE();
namespace visavis::detect {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::CappedTag<std::int32_t, kLanes>;
using D16 = hn::Repartition<std::int16_t, D32>;
using DF = hn::RebindToFloat<D32>;
using Ints = hn::Vec<D32>;
using Floats = hn::Vec<DF>;

template <class Word>
using Tag = hn::CappedTag<Word, kLanes>;
template <class Word>
using Words = hn::Vec<Tag<Word>>;

HWY_INLINE Floats add_products(Floats a, Floats b, Floats sum) { return hn::MulAdd(a, b, sum); }

// sum + the products of each lane's two halves.
HWY_INLINE Ints add_products(Ints a, Ints b, Ints sum) {
#if HWY_TARGET == HWY_AVX3_DL
  // Highway 1.0.3 asks for VNNI before it runs this target, but does not tell the compiler.
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
#elif HWY_ARCH_X86
  // Neighbours are added in place here, and nothing goes to the other sum.
  auto unused = hn::Zero(D32());
  return hn::ReorderWidenMulAccumulate(D32(), hn::BitCast(D16(), a), hn::BitCast(D16(), b), sum,
                                       unused);
#else
  const auto low =
      hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(a)), hn::ShiftRight<16>(hn::ShiftLeft<16>(b)));
  return hn::Add(sum, hn::Add(low, hn::Mul(hn::ShiftRight<16>(a), hn::ShiftRight<16>(b))));
#endif
}

HWY_INLINE Floats value_of(Floats sum) { return sum; }
HWY_INLINE Floats value_of(Ints sum) { return hn::ConvertTo(DF(), sum); }

template <class Word, class Sum>
HWY_INLINE Floats activated(const Layer<Word>& layer, std::size_t channel, Sum sum) {
  const DF df;
  const auto v = hn::MulAdd(value_of(sum), hn::Set(df, layer.scale[channel]),
                            hn::Set(df, layer.offset[channel]));
  const auto zero = hn::Zero(df);
  return hn::MulAdd(hn::Min(v, zero), hn::Set(df, layer.slope[channel]), hn::Max(v, zero));
}

HWY_INLINE Ints steps_of(Floats v) {
  const DF df;
  const auto cut = hn::Max(hn::Min(v, hn::Set(df, kFixedLargest)), hn::Set(df, -kFixedLargest));
  return hn::NearestInt(cut);
}

HWY_INLINE Ints pair_of(Ints first, Ints second) {
  return hn::Or(hn::And(first, hn::Set(D32(), 0xffff)), hn::ShiftLeft<16>(second));
}

template <class Word, std::size_t kChannels>
using Sums = std::array<Words<Word>, kChannels>;

template <std::size_t kChannels>
HWY_INLINE void put(const Layer<float>& layer, std::size_t channel,
                    const Sums<float, kChannels>& sums, float* to, std::ptrdiff_t distance) {
  for (std::size_t c = 0; c < kChannels; ++c, to += distance)
    hn::StoreU(activated(layer, channel + c, sums[c]), DF(), to);
}

template <std::size_t kChannels>
HWY_INLINE void put(const Layer<Pair>& layer, std::size_t channel,
                    const Sums<Pair, kChannels>& sums, Pair* to, std::ptrdiff_t distance) {
  for (std::size_t c = 0; c < kChannels; c += 2, to += distance) {
    const auto first = steps_of(activated(layer, channel + c, sums[c]));
    const auto second = steps_of(activated(layer, channel + c + 1, sums[c + 1]));
    hn::StoreU(pair_of(first, second), D32(), to);
  }
}

/// Where a layer's activations go.
template <class Word>
struct MapOut {
  const Layer<Word>& layer;
  Word* out;
  Grid grid;

  template <std::size_t kChannels>
  HWY_INLINE void take(std::size_t channel, std::ptrdiff_t place, std::ptrdiff_t lane,
                       const Sums<Word, kChannels>& sums) const {
    const auto word = static_cast<std::ptrdiff_t>(channel) / kChannelsOf<Word>;
    put<kChannels>(layer, channel, sums, out + place * grid.place + word * grid.channel + lane,
                   grid.channel);
  }
};

/// Where scores are summed up.
struct ScoresOut {
  const Layer<Pair>& layer;
  const Score& score;
  float* out;

  template <std::size_t kChannels>
  HWY_INLINE void take(std::size_t channel, std::ptrdiff_t place, std::ptrdiff_t lane,
                       const Sums<Pair, kChannels>& sums) const {
    const DF df;
    float* to = out + place * static_cast<std::ptrdiff_t>(kLanes) + lane;
    auto total = channel == 0 ? hn::Set(df, score.bias) : hn::LoadU(df, to);
    for (std::size_t c = 0; c < kChannels; ++c)
      total = hn::MulAdd(activated(layer, channel + c, sums[c]),
                         hn::Set(df, score.weights[channel + c]), total);
    hn::StoreU(total, df, to);
  }
};

/// A tile of neighbouring places and channels, whose sums stay in registers.
template <std::size_t kPlaces, std::size_t kChannels, class Word, class Out>
void run_tile(const Layer<Word>& layer, std::size_t channel, const Word* in, const Grid& grid,
              std::ptrdiff_t place, const Out& out) {
  const Tag<Word> d;
  const auto lanes = static_cast<std::ptrdiff_t>(hn::Lanes(d));
  const auto products = area(layer.taps, layer.taps) * static_cast<std::size_t>(layer.inputs);
  for (std::ptrdiff_t lane = 0; lane < static_cast<std::ptrdiff_t>(kLanes); lane += lanes) {
    std::array<Sums<Word, kChannels>, kPlaces> sums;
    for (auto& of_place : sums)
      for (auto& sum : of_place) sum = hn::Zero(d);
    const Word* weights = layer.weights.data() + channel * products;
    for (int y = 0; y < layer.taps; ++y) {
      for (int x = 0; x < layer.taps; ++x) {
        const Word* from = in + y * grid.row + x * grid.column + place * grid.place + lane;
        for (int i = 0; i < layer.inputs; ++i, from += grid.channel, weights += kChannels) {
          std::array<Words<Word>, kPlaces> values;
          for (std::size_t p = 0; p < kPlaces; ++p)
            values[p] = hn::LoadU(d, from + static_cast<std::ptrdiff_t>(p) * grid.place);
          for (std::size_t c = 0; c < kChannels; ++c) {
            const auto weight = hn::Set(d, weights[c]);
            for (std::size_t p = 0; p < kPlaces; ++p)
              sums[p][c] = add_products(values[p], weight, sums[p][c]);
          }
        }
      }
    }
    for (std::size_t p = 0; p < kPlaces; ++p)
      out.template take<kChannels>(channel, place + static_cast<std::ptrdiff_t>(p), lane, sums[p]);
  }
}

template <std::size_t kPlaces, std::size_t kChannels, class Word, class Out>
void run_places(const Layer<Word>& layer, const Word* in, const Grid& grid, std::ptrdiff_t first,
                std::ptrdiff_t end, const Out& out) {
  const auto channels = static_cast<std::size_t>(layer.channels);
  for (std::size_t channel = 0; channel < channels; channel += kChannels)
    for (std::ptrdiff_t place = first; place < end; place += std::ptrdiff_t{kPlaces})
      run_tile<kPlaces, kChannels>(layer, channel, in, grid, place, out);
}

// As many sums as leave registers for the operands: 24, 20 and 28 of 32.
template <class Word, class Out>
void run_row(const Layer<Word>& layer, const Word* in, const Grid& grid, int places,
             const Out& out) {
  switch (channel_tile(layer.channels)) {
    case 10:
      run_places<2, 10>(layer, in, grid, 0, places / 2 * 2, out);
      return run_places<1, 10>(layer, in, grid, places / 2 * 2, places, out);
    case 14:
      run_places<2, 14>(layer, in, grid, 0, places / 2 * 2, out);
      return run_places<1, 14>(layer, in, grid, places / 2 * 2, places, out);
    default:
      run_places<3, 8>(layer, in, grid, 0, places / 3 * 3, out);
      return run_places<1, 8>(layer, in, grid, places / 3 * 3, places, out);
  }
}

/// A tile of neighbouring places and kWords × 16 channels.
template <std::size_t kPlaces, std::size_t kWords>
void run_wide_tile(const WideLayer& layer, std::size_t channel, const float* in,
                   const Grid& in_grid, float* out, const Grid& out_grid) {
  const DF d;
  const auto products = area(layer.taps, layer.taps) * static_cast<std::size_t>(layer.inputs);
  for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(d)) {
    const float* const bias = layer.bias.data() + channel + lane;
    const float* const slope = layer.slope.data() + channel + lane;
    std::array<std::array<Floats, kWords>, kPlaces> sums;
    for (auto& of_place : sums)
      for (std::size_t w = 0; w < kWords; ++w) of_place[w] = hn::LoadU(d, bias + w * kLanes);
    const float* weights = layer.weights.data() + channel * products + lane;
    for (int y = 0; y < layer.taps; ++y) {
      const float* from = in + y * in_grid.row;  // the columns follow each other
      for (int i = 0; i < layer.taps * layer.inputs; ++i, ++from, weights += kWords * kLanes) {
        std::array<Floats, kWords> w;
        for (std::size_t k = 0; k < kWords; ++k) w[k] = hn::LoadU(d, weights + k * kLanes);
        for (std::size_t p = 0; p < kPlaces; ++p) {
          const auto value = hn::Set(d, from[static_cast<std::ptrdiff_t>(p) * in_grid.place]);
          for (std::size_t k = 0; k < kWords; ++k) sums[p][k] = hn::MulAdd(value, w[k], sums[p][k]);
        }
      }
    }
    const auto zero = hn::Zero(d);
    for (std::size_t p = 0; p < kPlaces; ++p) {
      float* to = out + static_cast<std::ptrdiff_t>(p) * out_grid.place + channel + lane;
      for (std::size_t w = 0; w < kWords; ++w) {
        const auto v = sums[p][w];
        hn::StoreU(hn::MulAdd(hn::Min(v, zero), hn::LoadU(d, slope + w * kLanes), hn::Max(v, zero)),
                   d, to + w * kLanes);
      }
    }
  }
}

/// @return how many places were done: as many as leave registers for the operands.
template <std::size_t kWords>
int run_wide_places(const WideLayer& layer, std::size_t channel, const float* in,
                    const Grid& in_grid, int left, float* out, const Grid& out_grid) {
  const auto run = [&]<std::size_t kPlaces>() {
    run_wide_tile<kPlaces, kWords>(layer, channel, in, in_grid, out, out_grid);
    return static_cast<int>(kPlaces);
  };
  if (left >= 12) return run.template operator()<12>();
  if (left >= 8) return run.template operator()<8>();
  if (left >= 6) return run.template operator()<6>();
  if (left >= 4) return run.template operator()<4>();
  if (left >= 3) return run.template operator()<3>();
  return run.template operator()<1>();
}

template <std::size_t kWords>
void run_wide_row(const WideLayer& layer, const float* in, const Grid& in_grid, int places,
                  float* out, const Grid& out_grid) {
  constexpr std::size_t kTile = kWords * kLanes;
  for (std::size_t c = 0; c < static_cast<std::size_t>(layer.channels); c += kTile)
    for (int done = 0; done < places;)
      done += run_wide_places<kWords>(layer, c, in + done * in_grid.place, in_grid, places - done,
                                      out + done * out_grid.place, out_grid);
}

HWY_INLINE Floats larger_of(Floats a, Floats b) { return hn::Max(a, b); }
HWY_INLINE Ints larger_of(Ints a, Ints b) {
  return hn::BitCast(D32(), hn::Max(hn::BitCast(D16(), a), hn::BitCast(D16(), b)));
}

template <class Word>
void run_larger(const Word* a, const Word* b, std::size_t words, Word* out) {
  const Tag<Word> d;
  for (std::size_t i = 0; i < words; i += hn::Lanes(d))
    hn::StoreU(larger_of(hn::LoadU(d, a + i), hn::LoadU(d, b + i)), d, out + i);
}

template <class Word>
void run_pool_columns(const Word* row, std::size_t words, int width, int side, Word* out) {
  const Tag<Word> d;
  for (int x = 0; x < pooled_side(width, side); ++x, row += 2 * words) {
    const int columns = std::min(side, width - 2 * x);
    for (std::size_t i = 0; i < words; i += hn::Lanes(d), out += hn::Lanes(d)) {
      auto most = hn::LoadU(d, row + i);
      for (int k = 1; k < columns; ++k)
        most = larger_of(most, hn::LoadU(d, row + static_cast<std::size_t>(k) * words + i));
      hn::StoreU(most, d, out);
    }
  }
}

HWY_INLINE Ints steps_of_pixels(const float* values) {
  const DF df;
  return hn::NearestInt(hn::Mul(hn::LoadU(df, values), hn::Set(df, kFixedPixelSteps)));
}

}  // namespace

void convolve_f32_here(const Layer<float>& layer, const float* in, const Grid& in_grid, int places,
                       float* out, const Grid& out_grid) {
  run_row(layer, in, in_grid, places, MapOut<float>{.layer = layer, .out = out, .grid = out_grid});
}

void convolve_fixed_here(const Layer<Pair>& layer, const Pair* in, const Grid& in_grid, int places,
                         Pair* out, const Grid& out_grid) {
  run_row(layer, in, in_grid, places, MapOut<Pair>{.layer = layer, .out = out, .grid = out_grid});
}

void convolve_wide_here(const WideLayer& layer, const float* in, const Grid& in_grid, int places,
                        float* out, const Grid& out_grid) {
  if (wide_tile(layer.channels) == static_cast<int>(kLanes))
    run_wide_row<1>(layer, in, in_grid, places, out, out_grid);
  else
    run_wide_row<2>(layer, in, in_grid, places, out, out_grid);
}

void convolve_to_scores_here(const Layer<Pair>& layer, const Score& score, const Pair* in,
                             const Grid& in_grid, int places, float* out) {
  run_row(layer, in, in_grid, places, ScoresOut{.layer = layer, .score = score, .out = out});
}

void larger_f32_here(const float* a, const float* b, std::size_t words, float* out) {
  run_larger(a, b, words, out);
}

void larger_fixed_here(const Pair* a, const Pair* b, std::size_t words, Pair* out) {
  run_larger(a, b, words, out);
}

void pool_columns_f32_here(const float* row, std::size_t words, int width, int side, float* out) {
  run_pool_columns(row, words, width, side, out);
}

void pool_columns_fixed_here(const Pair* row, std::size_t words, int width, int side, Pair* out) {
  run_pool_columns(row, words, width, side, out);
}

void larger_of_neighbours_here(const Pair* in, std::size_t words, Pair* out) {
  const D32 d;
  for (std::size_t i = 0; i < words; i += hn::Lanes(d)) {
    const auto low = hn::LoadU(d, in + 2 * i);
    const auto high = hn::LoadU(d, in + 2 * i + hn::Lanes(d));
    hn::StoreU(larger_of(hn::ConcatEven(d, high, low), hn::ConcatOdd(d, high, low)), d, out + i);
  }
}

void fixed_pixels_here(const float* red, const float* green, const float* blue, std::size_t words,
                       Pair* out, std::ptrdiff_t channel) {
  const D32 d;
  for (std::size_t i = 0; i < words; i += hn::Lanes(d)) {
    hn::StoreU(pair_of(steps_of_pixels(red + i), steps_of_pixels(green + i)), d, out + i);
    const auto rest = hn::And(steps_of_pixels(blue + i), hn::Set(d, 0xffff));
    hn::StoreU(rest, d, out + channel + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace visavis::detect
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace visavis::detect {
namespace {

HWY_EXPORT(convolve_f32_here);
HWY_EXPORT(convolve_fixed_here);
HWY_EXPORT(convolve_wide_here);
HWY_EXPORT(convolve_to_scores_here);
HWY_EXPORT(larger_f32_here);
HWY_EXPORT(larger_fixed_here);
HWY_EXPORT(pool_columns_f32_here);
HWY_EXPORT(pool_columns_fixed_here);
HWY_EXPORT(larger_of_neighbours_here);
HWY_EXPORT(fixed_pixels_here);

/// What a channel's weights are multiplied by: as much as lets no sum leave 32 bits.
double steps_of_weights(std::span<const float> weights) {
  constexpr double kMostSum = 2147483647.0 / kFixedLargest;
  constexpr double kMostWeight = 32767;
  double sum = 0;
  double largest = 0;
  for (const float w : weights) {
    sum += std::abs(static_cast<double>(w));
    largest = std::max(largest, std::abs(static_cast<double>(w)));
  }
  if (largest == 0) return 1;
  // Rounding adds at most a half to each weight.
  const double room = kMostSum - static_cast<double>(weights.size());
  return std::min(room / sum, kMostWeight / largest);
}

Pair pair_of_weights(double first, double second) {
  const auto low = static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(first)));
  const auto high = static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(second)));
  return static_cast<Pair>((low & 0xffffU) | (high << 16U));
}

}  // namespace

template <MapWord Word>
Layer<Word> make_layer(const TrainedLayer& trained, float steps_in) {
  constexpr auto kStep = static_cast<std::size_t>(kChannelsOf<Word>);
  const auto taps = area(trained.taps, trained.taps);
  const std::size_t channels = trained.bias.size();
  const std::size_t inputs = trained.weights.size() / (channels * taps);
  const auto tile = static_cast<std::size_t>(channel_tile(static_cast<int>(channels)));
  Layer<Word> layer{.taps = trained.taps,
                    .channels = static_cast<int>(channels),
                    .inputs = static_cast<int>((inputs + kStep - 1) / kStep),
                    .weights = {},
                    .scale = {},
                    .offset = {},
                    .slope = trained.slope};
  constexpr float kStepsOut = kStep == 1 ? 1 : kFixedSteps;
  std::vector<double> steps;
  for (std::size_t c = 0; c < channels; ++c) {
    const auto own = std::span(trained.weights).subspan(c * inputs * taps, inputs * taps);
    steps.push_back(kStep == 1 ? 1 : steps_of_weights(own));
    layer.scale.push_back(static_cast<float>(kStepsOut / (steps[c] * steps_in)));
    layer.offset.push_back(trained.bias[c] * kStepsOut);
  }
  const auto weight = [&](std::size_t channel, std::size_t input, std::size_t tap) {
    return input < inputs
               ? trained.weights[(channel * inputs + input) * taps + tap] * steps[channel]
               : 0.0;
  };
  for (std::size_t first = 0; first < channels; first += tile)
    for (std::size_t tap = 0; tap < taps; ++tap)
      for (std::size_t input = 0; input < inputs; input += kStep)
        for (std::size_t c = first; c < first + tile; ++c) {
          if constexpr (kStep == 1)
            layer.weights.push_back(static_cast<float>(weight(c, input, tap)));
          else
            layer.weights.push_back(
                pair_of_weights(weight(c, input, tap), weight(c, input + 1, tap)));
        }
  return layer;
}

WideLayer make_wide_layer(const TrainedLayer& trained) {
  const auto taps = area(trained.taps, trained.taps);
  const std::size_t channels = trained.bias.size();
  const std::size_t inputs = trained.weights.size() / (channels * taps);
  const auto tile = static_cast<std::size_t>(wide_tile(static_cast<int>(channels)));
  WideLayer layer{.taps = trained.taps,
                  .channels = static_cast<int>(channels),
                  .inputs = static_cast<int>(inputs),
                  .weights = {},
                  .bias = trained.bias,
                  .slope = trained.slope};
  layer.weights.reserve(trained.weights.size());
  for (std::size_t first = 0; first < channels; first += tile)
    for (std::size_t tap = 0; tap < taps; ++tap)
      for (std::size_t input = 0; input < inputs; ++input)
        for (std::size_t c = first; c < first + tile; ++c)
          layer.weights.push_back(trained.weights[(c * inputs + input) * taps + tap]);
  return layer;
}

template Layer<float> make_layer(const TrainedLayer& trained, float steps_in);
template Layer<Pair> make_layer(const TrainedLayer& trained, float steps_in);

template <>
void convolve(const Layer<float>& layer, const float* in, const Grid& in_grid, int places,
              float* out, const Grid& out_grid) {
  HWY_DYNAMIC_DISPATCH(convolve_f32_here)(layer, in, in_grid, places, out, out_grid);
}

template <>
void convolve(const Layer<Pair>& layer, const Pair* in, const Grid& in_grid, int places, Pair* out,
              const Grid& out_grid) {
  HWY_DYNAMIC_DISPATCH(convolve_fixed_here)(layer, in, in_grid, places, out, out_grid);
}

void convolve(const WideLayer& layer, const float* in, const Grid& in_grid, int places, float* out,
              const Grid& out_grid) {
  HWY_DYNAMIC_DISPATCH(convolve_wide_here)(layer, in, in_grid, places, out, out_grid);
}

void convolve_to_scores(const Layer<Pair>& layer, const Score& score, const Pair* in,
                        const Grid& in_grid, int places, float* out) {
  HWY_DYNAMIC_DISPATCH(convolve_to_scores_here)(layer, score, in, in_grid, places, out);
}

template <>
void larger(const float* a, const float* b, std::size_t words, float* out) {
  HWY_DYNAMIC_DISPATCH(larger_f32_here)(a, b, words, out);
}

template <>
void larger(const Pair* a, const Pair* b, std::size_t words, Pair* out) {
  HWY_DYNAMIC_DISPATCH(larger_fixed_here)(a, b, words, out);
}

template <>
void pool_columns(const float* row, std::size_t words, int width, int side, float* out) {
  HWY_DYNAMIC_DISPATCH(pool_columns_f32_here)(row, words, width, side, out);
}

template <>
void pool_columns(const Pair* row, std::size_t words, int width, int side, Pair* out) {
  HWY_DYNAMIC_DISPATCH(pool_columns_fixed_here)(row, words, width, side, out);
}

void larger_of_neighbours(const Pair* in, std::size_t words, Pair* out) {
  HWY_DYNAMIC_DISPATCH(larger_of_neighbours_here)(in, words, out);
}

void fixed_pixels(const float* red, const float* green, const float* blue, std::size_t words,
                  Pair* out, std::ptrdiff_t channel) {
  HWY_DYNAMIC_DISPATCH(fixed_pixels_here)(red, green, blue, words, out, channel);
}

}  // namespace visavis::detect
#endif
