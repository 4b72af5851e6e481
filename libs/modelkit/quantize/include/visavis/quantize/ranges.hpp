#pragma once

/// Which reals the 256 steps of an 8-bit activation stand for.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

/// How a range is chosen from what was observed. All of them keep 0 exact.
enum class RangeMethod : std::uint8_t {
  kMinMax,  ///< Everything that was seen.
  /// What is left when a share of the values is cut off, half at each end.
  kPercentile,
  /// The least expected squared error: what clipping costs, and step²/12 for rounding (Banner et
  /// al., "Post training 4-bit quantization of convolutional networks", NeurIPS 2019, eq. 4).
  kMse,
  /// The least Kullback-Leibler divergence between the histogram and what 256 steps leave of it
  /// (Migacz, "8-bit inference with TensorRT", GTC 2017), both ends shrunk alike. The bin of 0
  /// counts as its neighbours do, as in NVIDIA's pytorch-quantization.
  kEntropy,
};

[[nodiscard]] std::string_view to_string(RangeMethod method) noexcept;  ///< "minmax", …
[[nodiscard]] Result<RangeMethod> parse_range_method(std::string_view text);

struct Range {
  float low = 0;   ///< At most 0.
  float high = 0;  ///< At least 0.
};

/// What a tensor held, over all samples.
struct Observed {
  static constexpr std::size_t kBins = 2048;

  Range range{};                      ///< Of everything seen, and 0.
  std::vector<std::uint64_t> bins{};  ///< kBins of equal width from range.low to range.high.
  /// Of each index of axis 1; empty for a tensor without one.
  std::vector<double> channel_means{};
  std::vector<float> channel_peaks{};  ///< Likewise the largest magnitudes.

  /// Counts values that lie in `range`. @pre `range` is final
  void count(std::span<const float> values);
};

/// @param kept  share of the values that kPercentile leaves, in (0, 1]; the others ignore it
[[nodiscard]] Range choose_range(const Observed& observed, RangeMethod method, double kept);

/// real = (step − zero) · scale
struct Steps {
  float scale = 1;
  std::uint8_t zero = 0;
};

/// Of an asymmetric uint8 activation: the ends become steps 0 and 255, shifted by less than a step
/// so that 0 is one of them.
[[nodiscard]] Steps steps_of(Range range) noexcept;

}  // namespace visavis::modelkit
