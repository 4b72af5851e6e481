#pragma once

/// P-Net in fixed point over whole levels: twice as fast as in f32, and right to about a hundredth.
/// It says for certain only what is no face; the rest is for the network itself.

#include <cstddef>
#include <span>
#include <vector>

#include "kernels.hpp"
#include "trained.hpp"

namespace visavis::detect {

/// The last few rows of a map that is made and read from top to bottom. Thread-compatible.
class Rows {
 public:
  /// Forgets all rows. @param words  of each row
  void start(std::ptrdiff_t words);
  /// Room for the next rows, one after the other; the four before them stay.
  [[nodiscard]] Pair* add(int rows);
  /// Four rows, from one of those that stay, made ready; below the last one it stands again.
  void prepare(int y, Buffer<Pair>& out) const;

 private:
  Buffer<Pair> words_;
  std::ptrdiff_t row_ = 0;
  int first_ = 0;
  int end_ = 0;
};

/// Thread-compatible. Keeps its scratch memory, which is bounded by the largest input.
class ProposalScreen {
 public:
  explicit ProposalScreen(const TrainedNet& pnet);

  /// @param pixels  [3, height, width], as P-Net gets them; both sides at least 11
  /// @return the log odds of each cell, [map_side(height)][stride()]; valid until the next call
  [[nodiscard]] std::span<const float> look(std::span<const float> pixels, int width, int height);
  /// Of the last map: its rows' distance.
  [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

 private:
  void lay_out(int width);
  /// The next row of pixels, from three planes. @param row  its start in the first
  void take_row(const float* row, std::size_t width, std::size_t plane);
  /// Row `y` behind the first layer and its pooling. @param full  size of the layer's map
  void pool_row(int y, int full_width, int full_height);

  TwoRows<Layer<Pair>> first_, second_, third_;
  Score score_;
  std::size_t stride_ = 0;
  // Blocks of a row of each layer's map, and how each layer's input lies.
  int first_blocks_ = 0, second_blocks_ = 0, third_blocks_ = 0;
  Grid pixel_grid_, pooled_grid_, middle_grid_;
  Rows pixels_, pooled_, middle_;
  Buffer<Pair> prepared_;
  Buffer<float> map_;
};

}  // namespace visavis::detect
