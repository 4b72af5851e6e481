#include "screen.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

constexpr auto kBlock = static_cast<int>(kLanes);
constexpr int kKept = 4;  // rows that a layer and its pooling reach back
constexpr int kRows = 12;

template <class T>
T* at_least(std::vector<T>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
  return buffer.data();
}

int blocks_of(int places) { return (places + kBlock - 1) / kBlock; }

/// Words of a row that is computed in whole blocks and read by taps up to two places further.
int padded(int blocks) { return (blocks + 1) * kBlock; }

Grid image_grid(int pairs, int stride) {
  return {.row = std::ptrdiff_t{pairs} * stride, .column = 1, .place = kBlock, .channel = stride};
}

}  // namespace

void Rows::start(std::ptrdiff_t words) {
  row_ = words;
  first_ = end_ = 0;
  at_least(words_, static_cast<std::size_t>(kRows * words));
}

Pair* Rows::add() {
  if (end_ - first_ == kRows) {
    std::copy_n(words_.data() + (kRows - kKept) * row_, kKept * row_, words_.data());
    first_ = end_ - kKept;
  }
  return words_.data() + (end_++ - first_) * row_;
}

ProposalScreen::ProposalScreen(const TrainedNet& pnet)
    : first_(make_layer<Pair>(pnet.layers[0], kFixedPixelSteps)),
      second_(make_layer<Pair>(pnet.layers[1], kFixedSteps)),
      third_(make_layer<Pair>(pnet.layers[2], kFixedSteps)),
      score_(make_score(pnet.head)) {}

void ProposalScreen::lay_out(int width) {
  const int pooled_width = pooled_side(width - 2, 2);
  first_blocks_ = (blocks_of(width - 2) + 1) / 2 * 2;
  second_blocks_ = blocks_of(pooled_width - 2);
  third_blocks_ = blocks_of(pooled_width - 4);
  stride_ = static_cast<std::size_t>(third_blocks_) * kLanes;
  pixel_grid_ = image_grid(first_.inputs, padded(first_blocks_));
  full_grid_ = image_grid(second_.inputs, first_blocks_ * kBlock);
  pooled_grid_ = image_grid(second_.inputs, padded(std::max(first_blocks_ / 2, second_blocks_)));
  middle_grid_ = image_grid(third_.inputs, padded(second_blocks_));
  pixels_.start(pixel_grid_.row);
  pooled_.start(pooled_grid_.row);
  middle_.start(middle_grid_.row);
}

void ProposalScreen::take_row(const float* row, std::size_t width, std::size_t plane) {
  const std::size_t whole = width / kLanes * kLanes;
  Pair* const to = pixels_.add();
  fixed_pixels(row, row + plane, row + 2 * plane, whole, to, pixel_grid_.channel);
  if (whole == width) return;
  std::array<std::array<float, kLanes>, 3> rest{};
  for (std::size_t c = 0; c < 3; ++c)
    std::copy_n(row + c * plane + whole, width - whole, rest[c].begin());
  fixed_pixels(rest[0].data(), rest[1].data(), rest[2].data(), kLanes,
               to + static_cast<std::ptrdiff_t>(whole), pixel_grid_.channel);
}

void ProposalScreen::pool_row(int y, int full_width, int full_height) {
  Pair* const full = at_least(full_, static_cast<std::size_t>(2 * full_grid_.row));
  convolve(first_, pixels_.from(2 * y), pixel_grid_, first_blocks_, full, full_grid_);
  if (2 * y + 1 < full_height) {
    Pair* const below = full + full_grid_.row;
    convolve(first_, pixels_.from(2 * y + 1), pixel_grid_, first_blocks_, below, full_grid_);
    larger(full, below, static_cast<std::size_t>(full_grid_.row), full);
  }
  Pair* const out = pooled_.add();
  for (int pair = 0; pair < second_.inputs; ++pair) {
    Pair* const row = full + pair * full_grid_.channel;
    if (full_width % 2 != 0) row[full_width] = row[full_width - 1];  // a window of one column
    larger_of_neighbours(row, static_cast<std::size_t>(first_blocks_ / 2) * kLanes,
                         out + pair * pooled_grid_.channel);
  }
}

std::span<const float> ProposalScreen::look(std::span<const float> pixels, int width, int height) {
  lay_out(width);
  const auto columns = static_cast<std::size_t>(width);
  const std::size_t plane = columns * static_cast<std::size_t>(height);
  const int pooled_height = pooled_side(height - 2, 2);
  const std::size_t size = static_cast<std::size_t>(pooled_height - 4) * stride_;
  float* map = at_least(map_, size);
  int taken = 0;
  for (int y = 0; y < pooled_height; ++y) {
    for (; taken < std::min(2 * y + 4, height); ++taken)
      take_row(pixels.data() + static_cast<std::size_t>(taken) * columns, columns, plane);
    pool_row(y, width - 2, height - 2);
    if (y < 2) continue;
    convolve(second_, pooled_.from(y - 2), pooled_grid_, second_blocks_, middle_.add(),
             middle_grid_);
    if (y < 4) continue;
    convolve_to_scores(third_, score_, middle_.from(y - 4), middle_grid_, third_blocks_, map);
    map += stride_;
  }
  return std::span(map_).first(size);
}

}  // namespace visavis::detect
