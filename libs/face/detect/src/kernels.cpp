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
#include <cstddef>
#include <cstdint>

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

/// Rounded to the nearest, in the lower half of each lane; what is above it says nothing. Beyond
/// 1.5 · 2^23 a float has no fraction left, and its last bits count from there.
/// @pre  |v| < 32768
HWY_INLINE Ints lower_half(Floats v) {
  return hn::BitCast(D32(), hn::Add(v, hn::Set(DF(), 12582912.0F)));
}

HWY_INLINE Ints steps_of(Floats v) {
  const DF df;
  return lower_half(hn::Max(hn::Min(v, hn::Set(df, kFixedLargest)), hn::Set(df, -kFixedLargest)));
}

/// Of lower halves.
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

// As many sums as leave registers for the operands: 24 or 20 of 32.
template <class Word, class Out>
void run_row(const Layer<Word>& layer, const Word* in, const Grid& grid, int places,
             const Out& out) {
  switch (channel_tile(layer.channels)) {
    case 10:
      run_places<2, 10>(layer, in, grid, 0, places / 2 * 2, out);
      return run_places<1, 10>(layer, in, grid, places / 2 * 2, places, out);
    default:
      run_places<3, 8>(layer, in, grid, 0, places / 3 * 3, out);
      return run_places<1, 8>(layer, in, grid, places / 3 * 3, places, out);
  }
}

/// The sums of two rows.
template <class Sums>
using Both = std::array<Sums, 2>;

/// From the sums of the first two prepared rows to what both rows have of them.
HWY_INLINE void cross(Ints& a, Ints& b) {
  const auto sum = hn::Add(a, b);
  b = hn::Sub(a, b);
  a = sum;
}
HWY_INLINE void cross(Floats& a, Floats& b) {
  const auto sum = hn::Add(a, b);
  b = hn::Sub(a, b);
  a = sum;
}

/// Where the words lie that a row of three taps reads, in the order of their weights. One loop over
/// them, because between a loop for columns and one for inputs the compiler does not keep the sums.
class Reach {
 public:
  Reach(const Layer<Pair>& layer, const Grid& grid) {
    for (int x = 0; x < 3; ++x)
      for (int i = 0; i < layer.inputs; ++i)
        distances_[count_++] = x * grid.column + i * grid.channel;
  }
  [[nodiscard]] const std::ptrdiff_t* begin() const { return distances_.data(); }
  [[nodiscard]] const std::ptrdiff_t* end() const { return distances_.data() + count_; }
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  std::array<std::ptrdiff_t, std::size_t{3} * kMostInputs> distances_;
  std::size_t count_ = 0;
};

/// Adds the products of two prepared rows, each to its own sums.
template <std::size_t kPlaces, std::size_t kChannels>
HWY_INLINE void add_two_rows(const Pair* in, const Grid& grid, const Reach& reach,
                             const Pair* weights,
                             Both<std::array<Sums<Pair, kChannels>, kPlaces>>& sums) {
  const D32 d;
  for (const std::ptrdiff_t distance : reach) {
    const Pair* from = in + distance;
    for (std::size_t row = 0; row < 2; ++row, from += grid.row, weights += kChannels) {
      std::array<Ints, kPlaces> values;
      for (std::size_t p = 0; p < kPlaces; ++p)
        values[p] = hn::LoadU(d, from + static_cast<std::ptrdiff_t>(p) * grid.place);
      for (std::size_t c = 0; c < kChannels; ++c) {
        const auto weight = hn::Set(d, weights[c]);
        for (std::size_t p = 0; p < kPlaces; ++p)
          sums[row][p][c] = add_products(values[p], weight, sums[row][p][c]);
      }
    }
  }
}

/// The sums of two rows of a tile of neighbouring places and channels.
template <std::size_t kPlaces, std::size_t kChannels>
HWY_INLINE Both<std::array<Sums<Pair, kChannels>, kPlaces>> two_rows_sums(const Layer<Pair>& layer,
                                                                          std::size_t channel,
                                                                          const Pair* in,
                                                                          const Grid& grid,
                                                                          const Reach& reach) {
  Both<std::array<Sums<Pair, kChannels>, kPlaces>> sums;
  for (auto& of_row : sums)
    for (auto& of_place : of_row)
      for (auto& sum : of_place) sum = hn::Zero(D32());
  const Pair* const weights = layer.weights.data() + 4 * channel * reach.size();
  add_two_rows<kPlaces, kChannels>(in, grid, reach, weights, sums);
  for (std::size_t p = 0; p < kPlaces; ++p)
    for (std::size_t c = 0; c < kChannels; ++c) cross(sums[0][p][c], sums[1][p][c]);
  add_two_rows<kPlaces, kChannels>(in + 2 * grid.row, grid, reach,
                                   weights + 2 * kChannels * reach.size(), sums);
  return sums;
}

/// Two rows of a tile of neighbouring places and channels.
template <std::size_t kPlaces, std::size_t kChannels, class Out>
void run_two_rows_tile(const Layer<Pair>& layer, std::size_t channel, const Pair* in,
                       const Grid& grid, const Reach& reach, std::ptrdiff_t place,
                       const Both<Out>& out) {
  const auto lanes = static_cast<std::ptrdiff_t>(hn::Lanes(D32()));
  for (std::ptrdiff_t lane = 0; lane < static_cast<std::ptrdiff_t>(kLanes); lane += lanes) {
    const auto sums = two_rows_sums<kPlaces, kChannels>(
        layer, channel, in + place * grid.place + lane, grid, reach);
    for (std::size_t p = 0; p < kPlaces; ++p)
      for (std::size_t row = 0; row < 2; ++row)
        out[row].template take<kChannels>(channel, place + static_cast<std::ptrdiff_t>(p), lane,
                                          sums[row][p]);
  }
}

template <std::size_t kPlaces, std::size_t kChannels, class Out>
void run_two_rows_places(const Layer<Pair>& layer, const Pair* in, const Grid& grid,
                         const Reach& reach, std::ptrdiff_t first, std::ptrdiff_t end,
                         const Both<Out>& out) {
  const auto channels = static_cast<std::size_t>(layer.channels);
  for (std::size_t channel = 0; channel < channels; channel += kChannels)
    for (std::ptrdiff_t place = first; place < end; place += std::ptrdiff_t{kPlaces})
      run_two_rows_tile<kPlaces, kChannels>(layer, channel, in, grid, reach, place, out);
}

template <class Out>
void run_two_rows(const Layer<Pair>& layer, const Pair* in, const Grid& grid, int places,
                  const Both<Out>& out) {
  const Reach reach(layer, grid);
  if (two_rows_tile(layer.channels) == 4) {
    run_two_rows_places<3, 4>(layer, in, grid, reach, 0, places / 3 * 3, out);
    return run_two_rows_places<1, 4>(layer, in, grid, reach, places / 3 * 3, places, out);
  }
  run_two_rows_places<2, 2>(layer, in, grid, reach, 0, places / 2 * 2, out);
  run_two_rows_places<1, 2>(layer, in, grid, reach, places / 2 * 2, places, out);
}

template <std::size_t kPlaces, std::size_t kWords>
using WideSums = std::array<std::array<Floats, kWords>, kPlaces>;

HWY_INLINE Floats halves(Floats v) { return v; }
HWY_INLINE hn::Vec<D16> halves(Ints v) { return hn::BitCast(D16(), v); }

/// One place's kWords × 16 channels.
template <std::size_t kWords>
HWY_INLINE void put_wide(const WideLayer& layer, std::size_t channel,
                         const std::array<Floats, kWords>& sums, float* out) {
  const DF d;
  const auto zero = hn::Zero(d);
  for (std::size_t w = 0; w < kWords; ++w, channel += kLanes) {
    const auto v = hn::Add(sums[w], hn::LoadU(d, layer.bias.data() + channel));
    const auto slope = hn::LoadU(d, layer.slope.data() + channel);
    hn::StoreU(hn::MulAdd(hn::Min(v, zero), slope, hn::Max(v, zero)), d, out + channel);
  }
}

/// The maxima of two rows of neighbouring places, 2×2 each.
struct Pools {
  const Layer<Pair>& layer;
  Pair* out;
  Grid grid;  ///< Of the maxima.
  int width;  ///< Places of a row that count; a window at its end may have one column.
  bool both;  ///< Whether the second row counts.

  /// The activation of the largest of four sums, two of which are in the second vector. PReLU falls
  /// below zero where its slope is negative: there the smallest sum counts too.
  HWY_INLINE Floats activated_largest(std::size_t channel, const Both<Ints>& first,
                                      const Both<Ints>& second, std::ptrdiff_t column) const {
    const auto pool = [&](auto choose) {
      const auto low = both ? choose(first[0], first[1]) : first[0];
      const auto high = both ? choose(second[0], second[1]) : second[0];
      const auto even = hn::ConcatEven(D32(), high, low);
      const auto count = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, width / 2 - column));
      const auto odd =
          hn::IfThenElse(hn::FirstN(D32(), count), hn::ConcatOdd(D32(), high, low), even);
      return activated(layer, channel, choose(even, odd));
    };
    const auto largest = pool([](Ints a, Ints b) { return hn::Max(a, b); });
    if (layer.slope[channel] >= 0) return largest;
    return hn::Max(largest, pool([](Ints a, Ints b) { return hn::Min(a, b); }));
  }
};

/// A tile of neighbouring places, an even number of vectors, and two channels.
template <std::size_t kVectors>
void run_pools_tile(const Pair* in, const Grid& grid, const Reach& reach, std::size_t channel,
                    std::ptrdiff_t place, const Pools& pools) {
  const auto lanes = static_cast<std::ptrdiff_t>(hn::Lanes(D32()));
  Grid vectors = grid;
  vectors.place = lanes;
  const auto sums = two_rows_sums<kVectors, 2>(pools.layer, channel, in + place, vectors, reach);
  const std::ptrdiff_t word = static_cast<std::ptrdiff_t>(channel) / 2 * pools.grid.channel;
  for (std::size_t v = 0; v < kVectors; v += 2) {
    const std::ptrdiff_t column = (place + static_cast<std::ptrdiff_t>(v) * lanes) / 2;
    const auto steps = [&](std::size_t c) {
      return steps_of(pools.activated_largest(channel + c, {sums[0][v][c], sums[1][v][c]},
                                              {sums[0][v + 1][c], sums[1][v + 1][c]}, column));
    };
    hn::StoreU(pair_of(steps(0), steps(1)), D32(), pools.out + word + column);
  }
}

void run_pools(const Pair* in, const Grid& grid, std::ptrdiff_t places, const Pools& pools) {
  constexpr std::size_t kVectors = 4;
  const auto lanes = static_cast<std::ptrdiff_t>(hn::Lanes(D32()));
  const std::ptrdiff_t tile = lanes * std::ptrdiff_t{kVectors};
  const Reach reach(pools.layer, grid);
  for (std::size_t c = 0; c < static_cast<std::size_t>(pools.layer.channels); c += 2) {
    std::ptrdiff_t place = 0;
    for (; place + tile <= places; place += tile)
      run_pools_tile<kVectors>(in, grid, reach, c, place, pools);
    for (; place < places; place += 2 * lanes) run_pools_tile<2>(in, grid, reach, c, place, pools);
  }
}

/// A tile of neighbouring places and kWords × 16 channels.
template <std::size_t kPlaces, std::size_t kWords>
void run_wide_tile(const WideLayer& layer, std::size_t channel, const float* in,
                   const Grid& in_grid, float* out, const Grid& out_grid) {
  const DF d;
  const auto products = area(layer.taps, layer.taps) * static_cast<std::size_t>(layer.inputs);
  for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(d)) {
    WideSums<kPlaces, kWords> sums;
    for (auto& of_place : sums)
      for (auto& sum : of_place) sum = hn::Zero(d);
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
    for (std::size_t p = 0; p < kPlaces; ++p)
      put_wide<kWords>(layer, channel + lane, sums[p],
                       out + static_cast<std::ptrdiff_t>(p) * out_grid.place);
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
  if constexpr (kWords < 3) {
    if (left >= 12) return run.template operator()<12>();
    if (left >= 8) return run.template operator()<8>();
  }
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

/// Adds the products of two prepared rows, each to its own sums.
template <std::size_t kPlaces, std::size_t kWords>
HWY_INLINE void add_two_wide_rows(const float* in, const Grid& grid, int numbers,
                                  const float* weights, Both<WideSums<kPlaces, kWords>>& sums) {
  const DF d;
  for (int i = 0; i < numbers; ++i, ++in) {
    for (std::size_t row = 0; row < 2; ++row, weights += kWords * kLanes) {
      std::array<Floats, kWords> w;
      for (std::size_t k = 0; k < kWords; ++k) w[k] = hn::LoadU(d, weights + k * kLanes);
      const float* const from = in + static_cast<std::ptrdiff_t>(row) * grid.row;
      for (std::size_t p = 0; p < kPlaces; ++p) {
        const auto value = hn::Set(d, from[static_cast<std::ptrdiff_t>(p) * grid.place]);
        for (std::size_t k = 0; k < kWords; ++k)
          sums[row][p][k] = hn::MulAdd(value, w[k], sums[row][p][k]);
      }
    }
  }
}

template <std::size_t kPlaces, std::size_t kWords>
void run_two_wide_rows_tile(const WideLayer& layer, std::size_t channel, const float* in,
                            const Grid& in_grid, float* out, const Grid& out_grid) {
  const DF d;
  const int numbers = 3 * layer.inputs;  // the columns follow each other
  for (std::size_t lane = 0; lane < kLanes; lane += hn::Lanes(d)) {
    Both<WideSums<kPlaces, kWords>> sums;
    for (auto& of_row : sums)
      for (auto& of_place : of_row)
        for (auto& sum : of_place) sum = hn::Zero(d);
    const auto size = static_cast<std::size_t>(numbers);
    const float* const weights = layer.weights.data() + 4 * channel * size + lane;
    add_two_wide_rows<kPlaces, kWords>(in, in_grid, numbers, weights, sums);
    for (std::size_t p = 0; p < kPlaces; ++p)
      for (std::size_t w = 0; w < kWords; ++w) cross(sums[0][p][w], sums[1][p][w]);
    add_two_wide_rows<kPlaces, kWords>(in + 2 * in_grid.row, in_grid, numbers,
                                       weights + 2 * kWords * kLanes * size, sums);
    for (std::size_t row = 0; row < 2; ++row)
      for (std::size_t p = 0; p < kPlaces; ++p)
        put_wide<kWords>(layer, channel + lane, sums[row][p],
                         out + static_cast<std::ptrdiff_t>(row) * out_grid.row +
                             static_cast<std::ptrdiff_t>(p) * out_grid.place);
  }
}

/// The next of `left` places, in tiles of about the same size.
constexpr int next_places(int left, int most) {
  const int tiles = (left + most - 1) / most;
  return (left + tiles - 1) / tiles;
}

template <std::size_t kWords>
void run_two_wide_rows(const WideLayer& layer, const float* in, const Grid& in_grid, int places,
                       float* out, const Grid& out_grid) {
  constexpr std::size_t kTile = kWords * kLanes;
  constexpr int kMost = kWords == 3 ? 4 : 6;
  for (std::size_t c = 0; c < static_cast<std::size_t>(layer.channels); c += kTile) {
    for (int done = 0; done < places;) {
      const int now = next_places(places - done, kMost);
      const auto run = [&]<std::size_t kPlaces>() {
        run_two_wide_rows_tile<kPlaces, kWords>(layer, c, in + done * in_grid.place, in_grid,
                                                out + done * out_grid.place, out_grid);
      };
      switch (now) {
        case 6:
          run.template operator()<6>();
          break;
        case 5:
          run.template operator()<5>();
          break;
        case 4:
          run.template operator()<4>();
          break;
        case 3:
          run.template operator()<3>();
          break;
        case 2:
          run.template operator()<2>();
          break;
        default:
          run.template operator()<1>();
      }
      done += now;
    }
  }
}

template <class Word>
void run_prepare_rows(const std::array<const Word*, 4>& rows, std::ptrdiff_t words, Word* out) {
  const Tag<Word> d;
  words = whole_lanes(words);
  for (std::ptrdiff_t i = 0; i < words; i += static_cast<std::ptrdiff_t>(hn::Lanes(d))) {
    const auto r0 = halves(hn::LoadU(d, rows[0] + i)), r1 = halves(hn::LoadU(d, rows[1] + i));
    const auto r2 = halves(hn::LoadU(d, rows[2] + i)), r3 = halves(hn::LoadU(d, rows[3] + i));
    hn::StoreU(hn::BitCast(d, hn::Add(r1, r2)), d, out + i);
    hn::StoreU(hn::BitCast(d, hn::Sub(r2, r1)), d, out + words + i);
    hn::StoreU(hn::BitCast(d, hn::Sub(r0, r2)), d, out + 2 * words + i);
    hn::StoreU(hn::BitCast(d, hn::Sub(r3, r1)), d, out + 3 * words + i);
  }
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
  return lower_half(hn::Mul(hn::LoadU(df, values), hn::Set(df, kFixedPixelSteps)));
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
  switch (wide_tile(layer.channels)) {
    case 16:
      return run_wide_row<1>(layer, in, in_grid, places, out, out_grid);
    case 32:
      return run_wide_row<2>(layer, in, in_grid, places, out, out_grid);
    default:
      return run_wide_row<3>(layer, in, in_grid, places, out, out_grid);
  }
}

void convolve_two_rows_here(const Layer<Pair>& layer, const Pair* in, const Grid& in_grid,
                            int places, Pair* out, const Grid& out_grid) {
  const MapOut<Pair> first{.layer = layer, .out = out, .grid = out_grid};
  const MapOut<Pair> second{.layer = layer, .out = out + out_grid.row, .grid = out_grid};
  run_two_rows(layer, in, in_grid, places, Both<MapOut<Pair>>{first, second});
}

void convolve_two_wide_rows_here(const WideLayer& layer, const float* in, const Grid& in_grid,
                                 int places, float* out, const Grid& out_grid) {
  switch (wide_tile(layer.channels)) {
    case 16:
      return run_two_wide_rows<1>(layer, in, in_grid, places, out, out_grid);
    case 32:
      return run_two_wide_rows<2>(layer, in, in_grid, places, out, out_grid);
    default:
      return run_two_wide_rows<3>(layer, in, in_grid, places, out, out_grid);
  }
}

void prepare_rows_f32_here(const std::array<const float*, 4>& rows, std::ptrdiff_t words,
                           float* out) {
  run_prepare_rows(rows, words, out);
}

void prepare_rows_fixed_here(const std::array<const Pair*, 4>& rows, std::ptrdiff_t words,
                             Pair* out) {
  run_prepare_rows(rows, words, out);
}

void convolve_to_scores_here(const Layer<Pair>& layer, const Score& score, const Pair* in,
                             const Grid& in_grid, int places, float* out) {
  run_row(layer, in, in_grid, places, ScoresOut{.layer = layer, .score = score, .out = out});
}

void convolve_two_rows_to_scores_here(const Layer<Pair>& layer, const Score& score, const Pair* in,
                                      const Grid& in_grid, int places, float* out,
                                      std::ptrdiff_t row) {
  const ScoresOut first{.layer = layer, .score = score, .out = out};
  const ScoresOut second{.layer = layer, .score = score, .out = out + row};
  run_two_rows(layer, in, in_grid, places, Both<ScoresOut>{first, second});
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

void convolve_to_pools_here(const Layer<Pair>& layer, const Pair* in, const Grid& in_grid,
                            int blocks, int width, bool both, Pair* out, const Grid& out_grid) {
  run_pools(in, in_grid, static_cast<std::ptrdiff_t>(kLanes) * blocks,
            {.layer = layer, .out = out, .grid = out_grid, .width = width, .both = both});
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
HWY_EXPORT(convolve_two_rows_here);
HWY_EXPORT(convolve_two_wide_rows_here);
HWY_EXPORT(convolve_two_rows_to_scores_here);
HWY_EXPORT(prepare_rows_f32_here);
HWY_EXPORT(prepare_rows_fixed_here);
HWY_EXPORT(larger_f32_here);
HWY_EXPORT(larger_fixed_here);
HWY_EXPORT(pool_columns_f32_here);
HWY_EXPORT(pool_columns_fixed_here);
HWY_EXPORT(convolve_to_pools_here);
HWY_EXPORT(fixed_pixels_here);

}  // namespace

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

void convolve_to_scores(const TwoRows<Layer<Pair>>& layer, const Score& score, const Pair* in,
                        const Grid& in_grid, int places, float* out, std::ptrdiff_t row) {
  HWY_DYNAMIC_DISPATCH(convolve_two_rows_to_scores_here)
  (layer.layer, score, in, in_grid, places, out, row);
}

void convolve(const TwoRows<Layer<Pair>>& layer, const Pair* in, const Grid& in_grid, int places,
              Pair* out, const Grid& out_grid) {
  HWY_DYNAMIC_DISPATCH(convolve_two_rows_here)(layer.layer, in, in_grid, places, out, out_grid);
}

void convolve(const TwoRows<WideLayer>& layer, const float* in, const Grid& in_grid, int places,
              float* out, const Grid& out_grid) {
  HWY_DYNAMIC_DISPATCH(convolve_two_wide_rows_here)
  (layer.layer, in, in_grid, places, out, out_grid);
}

template <>
void prepare_rows(const std::array<const float*, 4>& rows, std::ptrdiff_t words, float* out) {
  HWY_DYNAMIC_DISPATCH(prepare_rows_f32_here)(rows, words, out);
}

template <>
void prepare_rows(const std::array<const Pair*, 4>& rows, std::ptrdiff_t words, Pair* out) {
  HWY_DYNAMIC_DISPATCH(prepare_rows_fixed_here)(rows, words, out);
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

void convolve_to_pools(const TwoRows<Layer<Pair>>& layer, const Pair* in, const Grid& in_grid,
                       int blocks, int width, bool both, Pair* out, const Grid& out_grid) {
  HWY_DYNAMIC_DISPATCH(convolve_to_pools_here)
  (layer.layer, in, in_grid, blocks, width, both, out, out_grid);
}

void fixed_pixels(const float* red, const float* green, const float* blue, std::size_t words,
                  Pair* out, std::ptrdiff_t channel) {
  HWY_DYNAMIC_DISPATCH(fixed_pixels_here)(red, green, blue, words, out, channel);
}

}  // namespace visavis::detect
#endif
