#pragma once

/// P-Net and R-Net in fixed point: several times as fast as in f32, and right to a few hundredths.
/// They say for certain only what is no face; the rest is for the networks themselves.

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/models/network.hpp>

#include "fixed_point.hpp"

namespace visavis::detect {

/// The screen that the model has for a part.
/// @return kModelMismatch if it has none.
[[nodiscard]] Result<models::Screen> find_screen(const models::Network& network,
                                                 std::string_view part);

/// log(p / (1 - p)), which is what screens answer with; for p ≤ 0 less than anything.
[[nodiscard]] float log_odds(float probability) noexcept;

/// The last few rows of a map that is made and read from top to bottom. Thread-compatible.
class Rows {
 public:
  /// Forgets all rows. @param words  of each row
  void start(std::ptrdiff_t words);
  /// Room for the next row; the four before it stay.
  [[nodiscard]] Pair* add();
  /// One of the rows that stay, with those after it.
  [[nodiscard]] const Pair* from(int y) const { return words_.data() + (y - first_) * row_; }

 private:
  std::vector<Pair> words_;
  std::ptrdiff_t row_ = 0;
  int first_ = 0;
  int end_ = 0;
};

/// Thread-compatible. Keeps its scratch memory, which is bounded by the largest input.
class ProposalScreen {
 public:
  /// @param pnet  with its weights named as in the training framework: conv1.weight, prelu1.weight
  /// …
  /// @return kModelMismatch if one of them is missing or of another shape.
  [[nodiscard]] static Result<ProposalScreen> make(const graph::Graph& pnet);

  /// @param pixels  [3, height, width], as P-Net gets them; both sides at least 11
  /// @return the log odds of each cell, [map_side(height)][stride()]; valid until the next call
  [[nodiscard]] std::span<const float> look(std::span<const float> pixels, int width, int height);
  /// Of the last map: its rows' distance.
  [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

 private:
  ProposalScreen() = default;

  void lay_out(int width);
  /// The next row of pixels, from three planes. @param row  its start in the first
  void take_row(const float* row, std::size_t width, std::size_t plane);
  /// Row `y` behind the first layer and its pooling. @param full  size of the layer's map
  void pool_row(int y, int full_width, int full_height);

  FixedLayer first_, second_, third_;
  FixedScore score_;
  std::size_t stride_ = 0;
  // Blocks of a row of each layer's map, and how each layer's input lies.
  int first_blocks_ = 0, second_blocks_ = 0, third_blocks_ = 0;
  FixedGrid pixel_grid_, full_grid_, pooled_grid_, middle_grid_;
  Rows pixels_, pooled_, middle_;
  std::vector<Pair> full_;
  std::vector<float> map_;
};

/// Thread-compatible.
class RefineScreen {
 public:
  static constexpr int kSide = 24;
  static constexpr std::size_t kAtOnce = kFixedLanes;

  /// @param rnet  as for ProposalScreen
  [[nodiscard]] static Result<RefineScreen> make(const graph::Graph& rnet);

  /// @param crops  [n, 3, 24, 24], as R-Net gets them, n ≤ kAtOnce
  /// @param odds  log odds, appended in order
  void look(std::span<const float> crops, std::vector<float>& odds);

 private:
  RefineScreen() = default;

  FixedLayer first_, second_, third_, dense_;
  FixedScore score_;
  std::vector<Pair> pixels_, full_, pooled_, next_;
};

}  // namespace visavis::detect
