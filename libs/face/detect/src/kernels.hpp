#pragma once

/// The arithmetic of MTCNN's small networks: convolutions without padding, PReLU, maxima. In f32,
/// and in 16-bit fixed point at twice the speed.
///
/// Sixteen places of a picture, or the same place of sixteen pictures, are computed side by side
/// (SIMD through Highway, chosen at run time). In fixed point, activations are values times
/// kFixedSteps, rounded to integers; those of two neighbouring channels stand in one word, so that
/// one instruction multiplies both with their weights and adds the two products exactly (vpdpwssd,
/// vpmaddwd). Sums are exact too, so that every CPU agrees on them.

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <vector>

namespace visavis::detect {

inline constexpr std::size_t kLanes = 16;

/// Starts memory where a cache line starts: a vector of 64 bytes that lies across two takes twice
/// the time to load.
template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t kLine{64};

  LineAllocator() = default;
  template <class U>
  explicit LineAllocator(const LineAllocator<U>& /*other*/) noexcept {}
  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), kLine));
  }
  void deallocate(T* memory, std::size_t /*count*/) noexcept { ::operator delete(memory, kLine); }
  friend bool operator==(const LineAllocator&, const LineAllocator&) = default;
};
template <class T>
using Buffer = std::vector<T, LineAllocator<T>>;

/// @pre  neither is negative
[[nodiscard]] constexpr std::size_t area(int width, int height) noexcept {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
}

/// Two channels' activations in fixed point, the first in the lower half.
using Pair = std::int32_t;

inline constexpr float kFixedSteps = 512;        ///< To 1.
inline constexpr float kFixedLargest = 8191;     ///< In steps: activations beyond ±16 are cut.
inline constexpr float kFixedPixelSteps = 8192;  ///< To 1, of pixels, which lie within ±.997.

/// A number of a map: f32, or a pair in fixed point.
template <class Word>
concept MapWord = std::is_same_v<Word, float> || std::is_same_v<Word, Pair>;

/// Channels in a word.
template <MapWord Word>
inline constexpr int kChannelsOf = std::is_same_v<Word, float> ? 1 : 2;

/// A convolution with PReLU, stride 1, no padding, as it was trained.
struct TrainedLayer {
  std::vector<float> weights;  ///< [channels, inputs, taps, taps]
  std::vector<float> bias;     ///< [channels]
  std::vector<float> slope;    ///< [channels], below zero; 1 where there is no PReLU.
  int taps = 1;                ///< Along a side of the kernel.
};

/// The same, made ready.
template <MapWord Word>
struct Layer {
  int taps = 1;
  int channels = 0;
  int inputs = 0;  ///< In words.
  /// In the order in which they are read: by tile of channels, row, column, input, channel.
  Buffer<Word> weights;
  std::vector<float> scale;   ///< Of each channel: value = sum * scale + offset.
  std::vector<float> offset;  ///< In fixed point the value is in steps.
  std::vector<float> slope;
};

/// Channels whose sums are computed side by side.
[[nodiscard]] constexpr int channel_tile(int channels) noexcept {
  return channels % 8 == 0 ? 8 : 10;
}
/// The same where two rows are computed.
[[nodiscard]] constexpr int two_rows_tile(int channels) noexcept {
  return channels % 4 == 0 ? 4 : 2;
}

/// @param steps_in  what the inputs' values were multiplied by; 1 for f32.
/// @pre  finite weights; the channels are a multiple of 8 or 10
template <MapWord Word>
[[nodiscard]] Layer<Word> make_layer(const TrainedLayer& trained, float steps_in);

/// A layer in f32 for one picture, whose channels, a multiple of 16, are computed side by side: for
/// few pictures and many channels. Its maps are [row][column][channel].
struct WideLayer {
  int taps = 1;
  int channels = 0;
  int inputs = 0;
  Buffer<float> weights;  ///< By tile of channels, row, column, input, channel.
  std::vector<float> bias;
  std::vector<float> slope;
};

[[nodiscard]] constexpr int wide_tile(int channels) noexcept {
  return channels % 48 == 0 ? 48 : channels % 32 == 0 ? 32 : 16;
}

/// @param inputs  of the map that it reads, at least the layer's own; the others count nothing.
/// @return with channels of nothing up to a multiple of 16
[[nodiscard]] WideLayer make_wide_layer(const TrainedLayer& trained, int inputs);

/// A layer of 3×3 taps that computes two rows at a time with two thirds of the products: Winograd's
/// F(2, 3) down the columns (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
/// CVPR 2016). It reads four rows r prepared as r1 + r2, r2 - r1, r0 - r2 and r3 - r1; their
/// weights are (g0 + g1 + g2) / 2, (g0 - g1 + g2) / 2, g0 and g2. With the sums s of their products
/// the rows are s0 + s1 + s2 and s0 - s1 + s3. In fixed point this too is exact: a prepared row
/// still fits 16 bits, and what wraps in the sums wraps back.
template <class Base>
struct TwoRows {
  /// Its weights by tile of channels, first or last two rows, column, input, row, channel.
  Base layer;
};

inline constexpr int kMostInputs = 32;  ///< In words, of TwoRows.

/// @pre  3×3 taps; in fixed point at most kMostInputs
[[nodiscard]] TwoRows<Layer<Pair>> make_two_rows(const TrainedLayer& trained, float steps_in);
[[nodiscard]] TwoRows<WideLayer> make_wide_two_rows(const TrainedLayer& trained, int inputs);

/// What may follow the last layer in fixed point: for each place Σ weight · steps + bias.
struct Score {
  std::vector<float> weights;  ///< For each channel.
  float bias = 0;
};

/// Where the words of a map stand, as distances in words. A place is kLanes words.
struct Grid {
  std::ptrdiff_t row = 0;      ///< To the next row.
  std::ptrdiff_t column = 0;   ///< To the next column, that is one tap further.
  std::ptrdiff_t place = 0;    ///< To the next place of the row.
  std::ptrdiff_t channel = 0;  ///< To the next word of the same places.
};

/// One row of a layer's output.
/// @pre  what the taps reach from each of the places is there to be read
template <MapWord Word>
void convolve(const Layer<Word>& layer, const Word* in, const Grid& in_grid, int places, Word* out,
              const Grid& out_grid);

/// The same by channels; `channel` of the grids is not used, and a place is all channels of one
/// pixel.
void convolve(const WideLayer& layer, const float* in, const Grid& in_grid, int places, float* out,
              const Grid& out_grid);

/// Up to the next multiple of kLanes.
[[nodiscard]] constexpr std::ptrdiff_t whole_lanes(std::ptrdiff_t words) noexcept {
  constexpr auto kWhole = static_cast<std::ptrdiff_t>(kLanes);
  return (words + kWhole - 1) / kWhole * kWhole;
}

/// Four rows made ready for TwoRows, whole_lanes(words) of each.
/// @param out  the prepared rows, one after the other
template <MapWord Word>
void prepare_rows(const std::array<const Word*, 4>& rows, std::ptrdiff_t words, Word* out);

/// Two rows of a layer's output. @param in  prepared; in_grid.row is from one to the next.
void convolve(const TwoRows<Layer<Pair>>& layer, const Pair* in, const Grid& in_grid, int places,
              Pair* out, const Grid& out_grid);
void convolve(const TwoRows<WideLayer>& layer, const float* in, const Grid& in_grid, int places,
              float* out, const Grid& out_grid);

/// The largest of each 2×2 window of two rows instead, where lanes are neighbouring columns.
/// @param blocks  places, an even number: half as many are written.
/// @param width  columns that count; the last window may have only one.
/// @param both  whether the second row counts.
void convolve_to_pools(const TwoRows<Layer<Pair>>& layer, const Pair* in, const Grid& in_grid,
                       int blocks, int width, bool both, Pair* out, const Grid& out_grid);

/// The score of every place of a row instead: out[places][kLanes].
void convolve_to_scores(const Layer<Pair>& layer, const Score& score, const Pair* in,
                        const Grid& in_grid, int places, float* out);
/// Of two rows. @param row  from one to the next in `out`
void convolve_to_scores(const TwoRows<Layer<Pair>>& layer, const Score& score, const Pair* in,
                        const Grid& in_grid, int places, float* out, std::ptrdiff_t row);

/// The larger of two words, channel by channel; `out` may be one of them.
/// @pre here and below: `words` is a multiple of kLanes
template <MapWord Word>
void larger(const Word* a, const Word* b, std::size_t words, Word* out);

/// Windows along a side of `pixels`, every 2 pixels; the last one may have fewer than `window`.
[[nodiscard]] constexpr int pooled_side(int pixels, int window) noexcept {
  return (pixels - window + 1) / 2 + 1;
}

/// The largest of each window of a row [width][words], channel by channel:
/// [pooled_side(width, window)][words].
template <MapWord Word>
void pool_columns(const Word* row, std::size_t words, int width, int window, Word* out);

/// Pixels as they go into the networks, (x - 127.5) / 128, from three planes to two words each: red
/// and green, and `channel` words further blue and nothing.
void fixed_pixels(const float* red, const float* green, const float* blue, std::size_t words,
                  Pair* out, std::ptrdiff_t channel);

}  // namespace visavis::detect
