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
  Buffer<Word> pixels, prepared, row, columns, map, next;
};

template <class T>
T* at_least(Buffer<T>& buffer, std::ptrdiff_t size) {
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

template <class Base>
Grid in_grid(const TwoRows<Base>& layer, int width) {
  return in_grid(layer.layer, width);
}
template <class Base>
Grid out_grid(const TwoRows<Base>& layer, int width) {
  return out_grid(layer.layer, width);
}

/// The side of a layer's map.
template <class AnyLayer>
int out_side(const AnyLayer& layer, int side) {
  return side - layer.taps + 1;
}
template <class Base>
int out_side(const TwoRows<Base>& layer, int side) {
  return out_side(layer.layer, side);
}

/// Rows that a layer computes at once.
template <class AnyLayer>
inline constexpr int kRowsOf = 1;
template <class Base>
inline constexpr int kRowsOf<TwoRows<Base>> = 2;

/// Row `y` of a layer's map, from a map of this size.
template <class AnyLayer, class Word>
void run_rows(const AnyLayer& layer, const Word* in, Size size, int y, Scratch<Word>& /*scratch*/,
              Word* out) {
  const int places = out_side(layer, size.width);
  const Grid from = in_grid(layer, size.width);
  convolve(layer, in + y * from.row, from, places, out, out_grid(layer, places));
}

/// Rows `y` and `y + 1`; at the end of an odd height the second says nothing.
template <class Base, class Word>
void run_rows(const TwoRows<Base>& layer, const Word* in, Size size, int y, Scratch<Word>& scratch,
              Word* out) {
  const int places = out_side(layer, size.width);
  Grid from = in_grid(layer, size.width);
  const auto row = [&](int k) { return in + std::min(y + k, size.height - 1) * from.row; };
  Word* const prepared = at_least(scratch.prepared, 4 * whole_lanes(from.row));
  prepare_rows<Word>({row(0), row(1), row(2), row(3)}, from.row, prepared);
  from.row = whole_lanes(from.row);
  convolve(layer, prepared, from, places, out, out_grid(layer, places));
}

/// @return the size of the map that is written to `out`
template <class AnyLayer, class Word>
Size run_layer(const AnyLayer& layer, const Word* in, Size size, Scratch<Word>& scratch,
               Word* out) {
  static_assert(kRowsOf<AnyLayer> == 1);
  const Size result{.height = out_side(layer, size.height), .width = out_side(layer, size.width)};
  const std::ptrdiff_t row = out_grid(layer, result.width).row;
  for (int y = 0; y < result.height; ++y) run_rows(layer, in, size, y, scratch, out + y * row);
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
                Buffer<Word>& out) {
  const Size full{.height = out_side(layer, size.height), .width = out_side(layer, size.width)};
  const Size result{.height = pooled_side(full.height, side),
                    .width = pooled_side(full.width, side)};
  const Grid to = out_grid(layer, full.width);
  const std::ptrdiff_t out_row = result.width * to.place;
  Word* const rows = at_least(scratch.row, kRowsOf<AnyLayer> * to.row);
  Word* const columns = at_least(scratch.columns, out_row);
  Word* const map = at_least(out, result.height * out_row);
  for (int y = 0; y < full.height; ++y) {
    const int ready = y % kRowsOf<AnyLayer>;
    if (ready == 0) run_rows(layer, in, size, y, scratch, rows);
    pool_columns(rows + ready * to.row, static_cast<std::size_t>(to.place), full.width, side,
                 columns);
    for (int k = y % 2; k < side && k <= y; k += 2)
      if ((y - k) / 2 < result.height) merge(columns, k == 0, out_row, map + (y - k) / 2 * out_row);
  }
  return result;
}

}  // namespace visavis::detect
