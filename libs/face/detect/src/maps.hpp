#pragma once

/// Layers over whole maps, with the maxima that may follow them.

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels.hpp"

namespace visavis::detect {

struct Size {
  int height = 0;
  int width = 0;
};

/// Memory that a network keeps from call to call.
template <MapWord Word>
struct Scratch {
  std::vector<Word> pixels, row, columns, map, next;
};

template <class T>
T* at_least(std::vector<T>& buffer, std::ptrdiff_t size) {
  if (std::ssize(buffer) < size) buffer.resize(static_cast<std::size_t>(size));
  return buffer.data();
}

/// [row][column][place]. @param channel  words from one of the layer's inputs to the next
[[nodiscard]] inline Grid grid_of(int width, std::ptrdiff_t place, std::ptrdiff_t channel) {
  return {.row = width * place, .column = place, .place = place, .channel = channel};
}

/// Sixteen pictures side by side: [row][column][word][16].
template <MapWord Word>
Grid in_grid(const Layer<Word>& layer, int width) {
  constexpr auto kWord = static_cast<std::ptrdiff_t>(kLanes);
  return grid_of(width, layer.inputs * kWord, kWord);
}
template <MapWord Word>
Grid out_grid(const Layer<Word>& layer, int width) {
  constexpr auto kWord = static_cast<std::ptrdiff_t>(kLanes);
  return grid_of(width, layer.channels / kChannelsOf<Word> * kWord, kWord);
}

/// One picture: [row][column][channel].
inline Grid in_grid(const WideLayer& layer, int width) { return grid_of(width, layer.inputs, 1); }
inline Grid out_grid(const WideLayer& layer, int width) {
  return grid_of(width, layer.channels, 1);
}

/// @return the size of the map that is written to `out`
template <class AnyLayer, class Word>
Size run_layer(const AnyLayer& layer, const Word* in, Size size, Word* out) {
  const Size result{.height = size.height - layer.taps + 1, .width = size.width - layer.taps + 1};
  const Grid from = in_grid(layer, size.width);
  const Grid to = out_grid(layer, result.width);
  for (int y = 0; y < result.height; ++y)
    convolve(layer, in + y * from.row, from, result.width, out + y * to.row, to);
  return result;
}

/// out = in, or the larger of both.
template <MapWord Word>
void merge(const Word* in, bool first, std::ptrdiff_t words, Word* out) {
  if (first)
    std::copy_n(in, words, out);
  else
    larger(in, out, static_cast<std::size_t>(words), out);
}

/// The layer and the maxima of its map: windows of `side` pixels, every 2, rounding up. Row by row,
/// so that what is read again is still in the first-level cache.
template <class AnyLayer, class Word>
Size run_pooled(const AnyLayer& layer, const Word* in, Size size, int side, Scratch<Word>& scratch,
                std::vector<Word>& out) {
  const Size full{.height = size.height - layer.taps + 1, .width = size.width - layer.taps + 1};
  const Size result{.height = pooled_side(full.height, side),
                    .width = pooled_side(full.width, side)};
  const Grid from = in_grid(layer, size.width);
  const Grid to = out_grid(layer, full.width);
  const std::ptrdiff_t out_row = result.width * to.place;
  Word* const row = at_least(scratch.row, to.row);
  Word* const columns = at_least(scratch.columns, out_row);
  Word* const map = at_least(out, result.height * out_row);
  for (int y = 0; y < full.height; ++y) {
    convolve(layer, in + y * from.row, from, full.width, row, to);
    pool_columns(row, static_cast<std::size_t>(to.place), full.width, side, columns);
    for (int k = y % 2; k < side && k <= y; k += 2)
      if ((y - k) / 2 < result.height) merge(columns, k == 0, out_row, map + (y - k) / 2 * out_row);
  }
  return result;
}

}  // namespace visavis::detect
