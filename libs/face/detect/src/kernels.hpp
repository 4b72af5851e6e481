#pragma once

/// The arithmetic of MTCNN's small networks: convolutions without padding, PReLU, maxima. In f32,
/// and in 16-bit fixed point at twice the speed.
///
/// Sixteen places of a picture, or the same place of sixteen pictures, are computed side by side
/// (SIMD through Highway, chosen at run time). In fixed point, activations are values times
/// kFixedSteps, rounded to integers; those of two neighbouring channels stand in one word, so that
/// one instruction multiplies both with their weights and adds the two products exactly (vpdpwssd,
/// vpmaddwd). Sums are exact too, so that every CPU agrees on them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

namespace visavis::detect {

inline constexpr std::size_t kLanes = 16;

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
  std::vector<Word> weights;
  std::vector<float> scale;   ///< Of each channel: value = sum * scale + offset.
  std::vector<float> offset;  ///< In fixed point the value is in steps.
  std::vector<float> slope;
};

/// Channels whose sums are computed side by side.
[[nodiscard]] constexpr int channel_tile(int channels) noexcept {
  return channels % 8 == 0 ? 8 : channels % 14 == 0 ? 14 : 10;
}

/// @param steps_in  what the inputs' values were multiplied by; 1 for f32.
/// @pre  finite weights; the channels are a multiple of 8, 10 or 14
template <MapWord Word>
[[nodiscard]] Layer<Word> make_layer(const TrainedLayer& trained, float steps_in);

/// A layer in f32 for one picture, whose channels, a multiple of 16, are computed side by side: for
/// few pictures and many channels. Its maps are [row][column][channel].
struct WideLayer {
  int taps = 1;
  int channels = 0;
  int inputs = 0;
  std::vector<float> weights;  ///< By tile of channels, row, column, input, channel.
  std::vector<float> bias;
  std::vector<float> slope;
};

[[nodiscard]] constexpr int wide_tile(int channels) noexcept {
  return channels % 32 == 0 ? 32 : 16;
}

/// @pre  the channels are a multiple of 16
[[nodiscard]] WideLayer make_wide_layer(const TrainedLayer& trained);

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

/// The score of every place of a row instead: out[places][kLanes].
void convolve_to_scores(const Layer<Pair>& layer, const Score& score, const Pair* in,
                        const Grid& in_grid, int places, float* out);

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

/// The larger of neighbours, channel by channel: of in[2 i] and in[2 i + 1].
void larger_of_neighbours(const Pair* in, std::size_t words, Pair* out);

/// Pixels as they go into the networks, (x - 127.5) / 128, from three planes to two words each: red
/// and green, and `channel` words further blue and nothing.
void fixed_pixels(const float* red, const float* green, const float* blue, std::size_t words,
                  Pair* out, std::ptrdiff_t channel);

}  // namespace visavis::detect
