#include "screen.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "fixed_point.hpp"

namespace visavis::detect {
namespace {

constexpr auto kLanes = static_cast<int>(kFixedLanes);
constexpr int kKept = 4;  // rows that a layer and its pooling reach back
constexpr int kRows = 12;

/// The trained numbers of a network by their names.
class Weights {
 public:
  explicit Weights(const graph::Graph& graph) : graph_(graph) {}

  Result<std::span<const float>> find(const std::string& name, std::size_t count) const {
    const graph::Tensor* tensor = graph_.initializer(name);
    const auto* values =
        tensor == nullptr ? nullptr : std::get_if<std::vector<float>>(&tensor->values);
    if (values == nullptr || values->size() != count)
      return fail(ErrorCode::kModelMismatch,
                  graph_.name + " has no weights " + name + " for a screen");
    return std::span<const float>(*values);
  }

  /// A layer and the PReLU behind it.
  Result<TrainedLayer> layer(const std::string& name, const std::string& slopes, int channels,
                             int inputs, int taps) const {
    const auto n = static_cast<std::size_t>(channels);
    const auto size = n * static_cast<std::size_t>(inputs * taps * taps);
    VISAVIS_TRY(weights, find(name + ".weight", size));
    VISAVIS_TRY(bias, find(name + ".bias", n));
    VISAVIS_TRY(slope, find(slopes + ".weight", n));
    return TrainedLayer{.weights = weights, .bias = bias, .slope = slope, .taps = taps};
  }

  Result<FixedLayer> fixed(const std::string& name, const std::string& slopes, int channels,
                           int inputs, int taps, float steps_in = kFixedSteps) const {
    VISAVIS_TRY(trained, layer(name, slopes, channels, inputs, taps));
    return make_fixed_layer(trained, steps_in);
  }

  /// The second class against the first.
  Result<FixedScore> score(const std::string& name, std::size_t inputs) const {
    VISAVIS_TRY(weights, find(name + ".weight", 2 * inputs));
    VISAVIS_TRY(bias, find(name + ".bias", 2));
    FixedScore score{.weights = {}, .bias = bias[1] - bias[0]};
    for (std::size_t i = 0; i < inputs; ++i)
      score.weights.push_back((weights[inputs + i] - weights[i]) / kFixedSteps);
    return score;
  }

 private:
  const graph::Graph& graph_;
};

template <class T>
T* at_least(std::vector<T>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
  return buffer.data();
}

int blocks_of(int places) { return (places + kLanes - 1) / kLanes; }
int pooled_side(int side) { return (side + 1) / 2; }  // 2×2, every 2, rounding up

/// Words of a row that is computed in whole blocks and read by taps up to two places further.
int padded(int blocks) { return (blocks + 1) * kLanes; }

FixedGrid image_grid(int pairs, int stride) {
  return {.row = std::ptrdiff_t{pairs} * stride, .column = 1, .place = kLanes, .pair = stride};
}

/// Sixteen pictures side by side: [side][side][pairs][16].
FixedGrid batch_grid(int pairs, int side) {
  const std::ptrdiff_t place = std::ptrdiff_t{pairs} * kLanes;
  return {.row = side * place, .column = place, .place = place, .pair = kLanes};
}

/// 3×3, every 2, rounding up; `out` must not be `in`.
void pool_batch(const Pair* in, int pairs, int side, Pair* out) {
  const auto words = static_cast<std::size_t>(pairs) * kFixedLanes;
  const auto at = [&](int y, int x) { return in + static_cast<std::size_t>(y * side + x) * words; };
  const int pooled = side / 2;  // of 22 and 9
  for (int y = 0; y < pooled; ++y) {
    for (int x = 0; x < pooled; ++x, out += words) {
      std::copy_n(at(2 * y, 2 * x), words, out);
      for (int row = 2 * y; row < std::min(2 * y + 3, side); ++row)
        for (int column = 2 * x; column < std::min(2 * x + 3, side); ++column)
          fixed_max(out, at(row, column), words, out);
    }
  }
}

/// A layer over a whole batch of pictures.
void run_batch(const FixedLayer& layer, const Pair* in, int side, Pair* out) {
  const int out_side = side - layer.taps + 1;
  const FixedGrid from = batch_grid(layer.inputs, side);
  const FixedGrid to = batch_grid(layer.channels / 2, out_side);
  for (int y = 0; y < out_side; ++y)
    fixed_row(layer, in + y * from.row, from, out_side, out + y * to.row, to);
}

}  // namespace

Result<models::Screen> find_screen(const models::Network& network, std::string_view part) {
  const auto found = network.screens.find(part);
  if (found == network.screens.end() || !found->second.graph)
    return fail(ErrorCode::kModelMismatch,
                network.manifest.id + " has no screen for " + std::string(part));
  return found->second;
}

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

float log_odds(float probability) noexcept {
  if (probability <= 0) return -std::numeric_limits<float>::infinity();
  return std::log(probability / (1 - probability));
}

Result<ProposalScreen> ProposalScreen::make(const graph::Graph& pnet) {
  const Weights weights(pnet);
  ProposalScreen screen;
  VISAVIS_TRY(first, weights.fixed("conv1", "prelu1", 10, 3, 3, kFixedPixelSteps));
  VISAVIS_TRY(second, weights.fixed("conv2", "prelu2", 16, 10, 3));
  VISAVIS_TRY(third, weights.fixed("conv3", "prelu3", 32, 16, 3));
  VISAVIS_TRY(score, weights.score("conv4_1", 32));
  screen.first_ = std::move(first);
  screen.second_ = std::move(second);
  screen.third_ = std::move(third);
  screen.score_ = std::move(score);
  return screen;
}

void ProposalScreen::lay_out(int width) {
  const int pooled_width = pooled_side(width - 2);
  first_blocks_ = (blocks_of(width - 2) + 1) / 2 * 2;
  second_blocks_ = blocks_of(pooled_width - 2);
  third_blocks_ = blocks_of(pooled_width - 4);
  stride_ = static_cast<std::size_t>(third_blocks_) * kFixedLanes;
  pixel_grid_ = image_grid(first_.inputs, padded(first_blocks_));
  full_grid_ = image_grid(second_.inputs, first_blocks_ * kLanes);
  pooled_grid_ = image_grid(second_.inputs, padded(std::max(first_blocks_ / 2, second_blocks_)));
  middle_grid_ = image_grid(third_.inputs, padded(second_blocks_));
  pixels_.start(pixel_grid_.row);
  pooled_.start(pooled_grid_.row);
  middle_.start(middle_grid_.row);
}

void ProposalScreen::take_row(const float* row, std::size_t width, std::size_t plane) {
  const std::size_t whole = width / kFixedLanes * kFixedLanes;
  Pair* const to = pixels_.add();
  fixed_pixels(row, row + plane, row + 2 * plane, whole, to, pixel_grid_.pair);
  if (whole == width) return;
  std::array<std::array<float, kFixedLanes>, 3> rest{};
  for (std::size_t c = 0; c < 3; ++c)
    std::copy_n(row + c * plane + whole, width - whole, rest[c].begin());
  fixed_pixels(rest[0].data(), rest[1].data(), rest[2].data(), kFixedLanes,
               to + static_cast<std::ptrdiff_t>(whole), pixel_grid_.pair);
}

void ProposalScreen::pool_row(int y, int full_width, int full_height) {
  Pair* const full = at_least(full_, static_cast<std::size_t>(2 * full_grid_.row));
  fixed_row(first_, pixels_.from(2 * y), pixel_grid_, first_blocks_, full, full_grid_);
  if (2 * y + 1 < full_height) {
    Pair* const below = full + full_grid_.row;
    fixed_row(first_, pixels_.from(2 * y + 1), pixel_grid_, first_blocks_, below, full_grid_);
    fixed_max(full, below, static_cast<std::size_t>(full_grid_.row), full);
  }
  Pair* const out = pooled_.add();
  for (int pair = 0; pair < second_.inputs; ++pair) {
    Pair* const row = full + pair * full_grid_.pair;
    if (full_width % 2 != 0) row[full_width] = row[full_width - 1];  // a window of one column
    fixed_max_of_neighbours(row, static_cast<std::size_t>(first_blocks_ / 2) * kFixedLanes,
                            out + pair * pooled_grid_.pair);
  }
}

std::span<const float> ProposalScreen::look(std::span<const float> pixels, int width, int height) {
  lay_out(width);
  const auto columns = static_cast<std::size_t>(width);
  const std::size_t plane = columns * static_cast<std::size_t>(height);
  const int pooled_height = pooled_side(height - 2);
  const std::size_t size = static_cast<std::size_t>(pooled_height - 4) * stride_;
  float* map = at_least(map_, size);
  int taken = 0;
  for (int y = 0; y < pooled_height; ++y) {
    for (; taken < std::min(2 * y + 4, height); ++taken)
      take_row(pixels.data() + static_cast<std::size_t>(taken) * columns, columns, plane);
    pool_row(y, width - 2, height - 2);
    if (y < 2) continue;
    fixed_row(second_, pooled_.from(y - 2), pooled_grid_, second_blocks_, middle_.add(),
              middle_grid_);
    if (y < 4) continue;
    fixed_scores(third_, score_, middle_.from(y - 4), middle_grid_, third_blocks_, map);
    map += stride_;
  }
  return std::span(map_).first(size);
}

Result<RefineScreen> RefineScreen::make(const graph::Graph& rnet) {
  const Weights weights(rnet);
  RefineScreen screen;
  VISAVIS_TRY(first, weights.fixed("conv1", "prelu1", 28, 3, 3, kFixedPixelSteps));
  VISAVIS_TRY(second, weights.fixed("conv2", "prelu2", 48, 28, 3));
  VISAVIS_TRY(third, weights.fixed("conv3", "prelu3", 64, 48, 2));
  VISAVIS_TRY(dense, weights.layer("dense4", "prelu4", 128, 64, 3));
  VISAVIS_TRY(score, weights.score("dense5_1", 128));
  // The dense layer reads the last map columns first: [128][x][y][channel].
  std::vector<float> turned(dense.weights.size());
  for (std::size_t out = 0; out < 128; ++out)
    for (std::size_t x = 0; x < 3; ++x)
      for (std::size_t y = 0; y < 3; ++y)
        for (std::size_t c = 0; c < 64; ++c)
          turned[((out * 64 + c) * 3 + y) * 3 + x] =
              dense.weights[((out * 3 + x) * 3 + y) * 64 + c];
  dense.weights = turned;
  screen.first_ = std::move(first);
  screen.second_ = std::move(second);
  screen.third_ = std::move(third);
  screen.dense_ = make_fixed_layer(dense, kFixedSteps);
  screen.score_ = std::move(score);
  return screen;
}

void RefineScreen::look(std::span<const float> crops, std::vector<float>& odds) {
  constexpr std::size_t kPlaces = std::size_t{kSide} * kSide;
  const std::size_t count = crops.size() / (3 * kPlaces);
  std::array<Pair, 2 * kPlaces> crop;
  Pair* const pixels = at_least(pixels_, 2 * kPlaces * kFixedLanes);
  for (std::size_t lane = 0; lane < count; ++lane) {
    const float* from = crops.data() + lane * 3 * kPlaces;
    fixed_pixels(from, from + kPlaces, from + 2 * kPlaces, kPlaces, crop.data(), kPlaces);
    for (std::size_t i = 0; i < kPlaces; ++i) {
      pixels[2 * i * kFixedLanes + lane] = crop[i];
      pixels[(2 * i + 1) * kFixedLanes + lane] = crop[kPlaces + i];
    }
  }
  Pair* const full = at_least(full_, std::size_t{22 * 22 * 14} * kFixedLanes);
  Pair* const pooled = at_least(pooled_, std::size_t{11 * 11 * 14} * kFixedLanes);
  Pair* const next = at_least(next_, std::size_t{9 * 9 * 24} * kFixedLanes);
  run_batch(first_, pixels, kSide, full);
  pool_batch(full, first_.channels / 2, 22, pooled);
  run_batch(second_, pooled, 11, next);
  pool_batch(next, second_.channels / 2, 9, pooled);
  run_batch(third_, pooled, 4, next);
  std::array<float, kFixedLanes> scores;
  fixed_scores(dense_, score_, next, batch_grid(dense_.inputs, 3), 1, scores.data());
  odds.insert(odds.end(), scores.begin(), scores.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace visavis::detect
