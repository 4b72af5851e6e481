#include "screen.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels.hpp"
#include "maps.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

constexpr auto kBlock = static_cast<int>(kLanes);
constexpr int kKept = 4;  // rows that two rows of the next map are made of
constexpr int kRows = 12;

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
  at_least(words_, kRows * words);
}

Pair* Rows::add(int rows) {
  if (end_ + rows - first_ > kRows) {
    std::copy_n(words_.data() + (end_ - kKept - first_) * row_, kKept * row_, words_.data());
    first_ = end_ - kKept;
  }
  Pair* const next = words_.data() + (end_ - first_) * row_;
  end_ += rows;
  return next;
}

void Rows::prepare(int y, Buffer<Pair>& out) const {
  const auto row = [&](int k) {
    return words_.data() + (std::min(y + k, end_ - 1) - first_) * row_;
  };
  prepare_rows<Pair>({row(0), row(1), row(2), row(3)}, row_, at_least(out, 4 * row_));
}

ProposalScreen::ProposalScreen(const TrainedNet& pnet)
    : first_(make_two_rows(pnet.layers[0], kFixedPixelSteps)),
      second_(make_two_rows(pnet.layers[1], kFixedSteps)),
      third_(make_two_rows(pnet.layers[2], kFixedSteps)),
      score_(make_score(pnet.head)) {}

void ProposalScreen::lay_out(int width) {
  const int pooled_width = pooled_side(width - 2, 2);
  first_blocks_ = (blocks_of(width - 2) + 1) / 2 * 2;
  second_blocks_ = blocks_of(pooled_width - 2);
  third_blocks_ = blocks_of(pooled_width - 4);
  stride_ = static_cast<std::size_t>(third_blocks_) * kLanes;
  pixel_grid_ = image_grid(first_.layer.inputs, padded(first_blocks_));
  pooled_grid_ =
      image_grid(second_.layer.inputs, padded(std::max(first_blocks_ / 2, second_blocks_)));
  middle_grid_ = image_grid(third_.layer.inputs, padded(second_blocks_));
  pixels_.start(pixel_grid_.row);
  pooled_.start(pooled_grid_.row);
  middle_.start(middle_grid_.row);
}

void ProposalScreen::take_row(const float* row, std::size_t width, std::size_t plane) {
  const std::size_t whole = width / kLanes * kLanes;
  Pair* const to = pixels_.add(1);
  fixed_pixels(row, row + plane, row + 2 * plane, whole, to, pixel_grid_.channel);
  if (whole == width) return;
  std::array<std::array<float, kLanes>, 3> rest{};
  for (std::size_t c = 0; c < 3; ++c)
    std::copy_n(row + c * plane + whole, width - whole, rest[c].begin());
  fixed_pixels(rest[0].data(), rest[1].data(), rest[2].data(), kLanes,
               to + static_cast<std::ptrdiff_t>(whole), pixel_grid_.channel);
}

void ProposalScreen::pool_row(int y, int full_width, int full_height) {
  pixels_.prepare(2 * y, prepared_);
  convolve_to_pools(first_, prepared_.data(), pixel_grid_, first_blocks_, full_width,
                    2 * y + 1 < full_height, pooled_.add(1), pooled_grid_);
}

std::span<const float> ProposalScreen::look(std::span<const float> pixels, int width, int height) {
  lay_out(width);
  const auto columns = static_cast<std::size_t>(width);
  const std::size_t plane = columns * static_cast<std::size_t>(height);
  const int pooled_height = pooled_side(height - 2, 2);
  const int rows = pooled_height - 4;
  const auto stride = static_cast<std::ptrdiff_t>(stride_);
  float* const map = at_least(map_, (rows + 1) * stride);
  int taken = 0, pooled = 0, middle = 0;  // rows so far
  for (int y = 0; y < rows; y += 2) {
    for (; middle < std::min(y + 4, rows + 2); middle += 2) {
      for (; pooled < std::min(middle + 4, pooled_height); ++pooled) {
        for (; taken < std::min(2 * pooled + 4, height); ++taken)
          take_row(pixels.data() + static_cast<std::size_t>(taken) * columns, columns, plane);
        pool_row(pooled, width - 2, height - 2);
      }
      pooled_.prepare(middle, prepared_);
      convolve(second_, prepared_.data(), pooled_grid_, second_blocks_, middle_.add(2),
               middle_grid_);
    }
    middle_.prepare(y, prepared_);
    convolve_to_scores(third_, score_, prepared_.data(), middle_grid_, third_blocks_,
                       map + y * stride, stride);
  }
  return std::span(map, static_cast<std::size_t>(rows * stride));
}

}  // namespace visavis::detect
