#pragma once

/// Convolutions in 16-bit fixed point: what MTCNN's screens are made of.
///
/// An activation is `value * kSteps`, rounded to an integer of at most kLargest. Two of them, of
/// neighbouring channels, stand in one 32-bit word, so that an instruction multiplies both with
/// their weights and adds the two products exactly (vpdpwssd, vpmaddwd). Sixteen words stand for
/// sixteen places, or sixteen pictures, side by side. Sums are exact, so every CPU agrees on them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace visavis::detect {

inline constexpr std::size_t kFixedLanes = 16;   ///< Places, or pictures, computed side by side.
inline constexpr float kFixedSteps = 512;        ///< To 1.
inline constexpr float kFixedLargest = 8191;     ///< In steps: activations beyond ±16 are cut.
inline constexpr float kFixedPixelSteps = 8192;  ///< To 1, of pixels, which lie within ±.997.

/// Two channels' activations in a word, the first in the lower half.
using Pair = std::int32_t;

/// A convolution with PReLU, stride 1, no padding, as it was trained.
struct TrainedLayer {
  std::span<const float> weights;  ///< [channels, inputs, taps, taps]
  std::span<const float> bias;     ///< [channels]
  std::span<const float> slope;    ///< [channels], where the sum is negative.
  int taps = 1;                    ///< Along a side of the kernel.
};

/// The same in fixed point.
struct FixedLayer {
  int taps = 1;
  int channels = 0;
  int inputs = 0;  ///< Pairs of channels.
  /// In the order in which they are read: by tile of channels, row, column, pair, channel.
  std::vector<Pair> weights;
  std::vector<float> scale;   ///< Of each channel: steps = sum * scale + offset.
  std::vector<float> offset;  ///< In steps.
  std::vector<float> slope;
};

/// What follows the last layer: for each place Σ weight · value + bias, of values in steps.
struct FixedScore {
  std::vector<float> weights;  ///< For each channel.
  float bias = 0;
};

/// Channels whose sums are computed side by side.
[[nodiscard]] constexpr int fixed_tile(int channels) noexcept {
  return channels % 8 == 0 ? 8 : channels % 14 == 0 ? 14 : 10;
}

/// @param steps_in  what the inputs' values were multiplied by.
/// @pre  finite weights; the channels are a multiple of 8, 10 or 14
[[nodiscard]] FixedLayer make_fixed_layer(const TrainedLayer& trained, float steps_in);

/// Where the words of a grid of places stand, as distances in words. A place is kFixedLanes words.
struct FixedGrid {
  std::ptrdiff_t row = 0;     ///< To the next row.
  std::ptrdiff_t column = 0;  ///< To the next column, that is one tap further.
  std::ptrdiff_t place = 0;   ///< To the next kFixedLanes words of the row.
  std::ptrdiff_t pair = 0;    ///< To the next pair of channels.
};

/// One row of a layer's output.
/// @pre  what the taps reach from each of the places is there to be read
void fixed_row(const FixedLayer& layer, const Pair* in, const FixedGrid& in_grid, int places,
               Pair* out, const FixedGrid& out_grid);

/// The score of every place of a row instead: out[places][kFixedLanes].
void fixed_scores(const FixedLayer& layer, const FixedScore& score, const Pair* in,
                  const FixedGrid& in_grid, int places, float* out);

/// The larger of each half of two words; `out` may be one of them.
/// @pre here and below: `words` is a multiple of kFixedLanes
void fixed_max(const Pair* a, const Pair* b, std::size_t words, Pair* out);

/// The larger of neighbours, half by half: of in[2 i] and in[2 i + 1].
void fixed_max_of_neighbours(const Pair* in, std::size_t words, Pair* out);

/// Pixels as they go into the networks, (x - 127.5) / 128, from three planes to two words each: red
/// and green, and `pair` words further blue and nothing.
void fixed_pixels(const float* red, const float* green, const float* blue, std::size_t words,
                  Pair* out, std::ptrdiff_t pair);

}  // namespace visavis::detect
