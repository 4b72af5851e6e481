/// Layers made ready for the kernels.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels.hpp"

namespace visavis::detect {
namespace {

/// What a channel's weights are multiplied by: as much as lets no sum leave 32 bits.
/// @param sum  of the sizes of the trained weights, of which there are `count`
/// @param largest  of the sizes of the weights that are kept
double steps_of_weights(double sum, std::size_t count, double largest) {
  constexpr double kMostSum = 2147483647.0 / kFixedLargest;
  constexpr double kMostWeight = 32767;
  if (largest == 0) return 1;
  // Rounding adds at most a half to each weight, or to the three weights that take three's place,
  // whose rows are up to twice as large.
  const double room = kMostSum - static_cast<double>(count);
  return std::min(room / sum, kMostWeight / largest);
}

Pair pair_of_weights(double first, double second) {
  const auto low = static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(first)));
  const auto high = static_cast<std::uint32_t>(static_cast<std::int32_t>(std::lround(second)));
  return static_cast<Pair>((low & 0xffffU) | (high << 16U));
}

/// A trained layer's weights in the order of its taps, or of the rows that TwoRows reads.
class Weights {
 public:
  explicit Weights(const TrainedLayer& trained, bool two_rows)
      : trained_(trained), taps_(area(trained.taps, trained.taps)), two_rows_(two_rows) {}

  [[nodiscard]] std::size_t channels() const { return trained_.bias.size(); }
  [[nodiscard]] std::size_t inputs() const {
    return trained_.weights.size() / (channels() * taps_);
  }
  /// Zero beyond the trained channels and inputs.
  [[nodiscard]] double at(std::size_t channel, std::size_t input, std::size_t row,
                          std::size_t column) const {
    if (channel >= channels() || input >= inputs()) return 0;
    const auto side = static_cast<std::size_t>(trained_.taps);
    const float* const taps = &trained_.weights[(channel * inputs() + input) * taps_ + column];
    if (!two_rows_) return taps[row * side];
    const double first = taps[0], second = taps[side], third = taps[2 * side];
    return std::array{(first + second + third) / 2, (first - second + third) / 2, first,
                      third}[row];
  }
  /// Applies `add` to the weights of `tile` channels from `first` on in the order in which they are
  /// read; inputs up to `most`, `step` at a time.
  template <class Add>
  void for_each(std::size_t first, std::size_t tile, std::size_t most, std::size_t step,
                Add add) const {
    const auto side = static_cast<std::size_t>(trained_.taps);
    const std::size_t rows = two_rows_ ? 4 : side, together = two_rows_ ? 2 : 1;
    for (std::size_t upper = 0; upper < rows; upper += together)
      for (std::size_t column = 0; column < side; ++column)
        for (std::size_t input = 0; input < most; input += step)
          for (std::size_t row = upper; row < upper + together; ++row)
            for (std::size_t c = first; c < first + tile; ++c) add(c, input, row, column);
  }
  [[nodiscard]] double steps(std::size_t channel) const {
    const std::size_t count = inputs() * taps_;
    double sum = 0;
    for (const float w : std::span(trained_.weights).subspan(channel * count, count))
      sum += std::abs(static_cast<double>(w));
    double largest = 0;
    for_each(channel, 1, inputs(), 1,
             [&](auto... place) { largest = std::max(largest, std::abs(at(place...))); });
    return steps_of_weights(sum, count, largest);
  }

 private:
  const TrainedLayer& trained_;
  std::size_t taps_;
  bool two_rows_;
};

template <MapWord Word>
Layer<Word> lay_out(const TrainedLayer& trained, float steps_in, std::size_t tile, bool two_rows) {
  constexpr auto kStep = static_cast<std::size_t>(kChannelsOf<Word>);
  constexpr float kStepsOut = kStep == 1 ? 1 : kFixedSteps;
  const Weights weights(trained, two_rows);
  Layer<Word> layer{.taps = trained.taps,
                    .channels = static_cast<int>(weights.channels()),
                    .inputs = static_cast<int>((weights.inputs() + kStep - 1) / kStep),
                    .weights = {},
                    .scale = {},
                    .offset = {},
                    .slope = trained.slope};
  std::vector<double> steps;
  for (std::size_t c = 0; c < weights.channels(); ++c) {
    steps.push_back(kStep == 1 ? 1 : weights.steps(c));
    layer.scale.push_back(static_cast<float>(kStepsOut / (steps[c] * steps_in)));
    layer.offset.push_back(trained.bias[c] * kStepsOut);
  }
  const auto add = [&](std::size_t c, std::size_t input, std::size_t row, std::size_t column) {
    const double weight = weights.at(c, input, row, column) * steps[c];
    if constexpr (kStep == 1)
      layer.weights.push_back(static_cast<float>(weight));
    else
      layer.weights.push_back(
          pair_of_weights(weight, weights.at(c, input + 1, row, column) * steps[c]));
  };
  for (std::size_t first = 0; first < weights.channels(); first += tile)
    weights.for_each(first, tile, weights.inputs(), kStep, add);
  return layer;
}

WideLayer lay_out_wide(const TrainedLayer& trained, int inputs, bool two_rows) {
  const Weights weights(trained, two_rows);
  const std::size_t channels = (weights.channels() + kLanes - 1) / kLanes * kLanes;
  const auto tile = static_cast<std::size_t>(wide_tile(static_cast<int>(channels)));
  WideLayer layer{.taps = trained.taps,
                  .channels = static_cast<int>(channels),
                  .inputs = inputs,
                  .weights = {},
                  .bias = trained.bias,
                  .slope = trained.slope};
  layer.bias.resize(channels);
  layer.slope.resize(channels);
  for (std::size_t first = 0; first < channels; first += tile)
    weights.for_each(first, tile, static_cast<std::size_t>(inputs), 1, [&](auto... place) {
      layer.weights.push_back(static_cast<float>(weights.at(place...)));
    });
  return layer;
}

std::size_t size_of(int tile) { return static_cast<std::size_t>(tile); }

}  // namespace

template <MapWord Word>
Layer<Word> make_layer(const TrainedLayer& trained, float steps_in) {
  const int tile = channel_tile(static_cast<int>(trained.bias.size()));
  return lay_out<Word>(trained, steps_in, size_of(tile), false);
}

TwoRows<Layer<Pair>> make_two_rows(const TrainedLayer& trained, float steps_in) {
  const int tile = two_rows_tile(static_cast<int>(trained.bias.size()));
  return {.layer = lay_out<Pair>(trained, steps_in, size_of(tile), true)};
}

WideLayer make_wide_layer(const TrainedLayer& trained, int inputs) {
  return lay_out_wide(trained, inputs, false);
}

TwoRows<WideLayer> make_wide_two_rows(const TrainedLayer& trained, int inputs) {
  return {.layer = lay_out_wide(trained, inputs, true)};
}

template Layer<float> make_layer(const TrainedLayer& trained, float steps_in);
template Layer<Pair> make_layer(const TrainedLayer& trained, float steps_in);

}  // namespace visavis::detect
