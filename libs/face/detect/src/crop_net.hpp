#pragma once

/// R-Net and O-Net in f32, picture by picture.

#include <span>
#include <vector>

#include "kernels.hpp"
#include "maps.hpp"
#include "trained.hpp"
#include "verdict.hpp"

namespace visavis::detect {

inline constexpr int kRefineSide = 24;
inline constexpr int kOutputSide = 48;

/// Layers of 3×3 taps with maxima, one of 2×2, a dense one and the head. Thread-compatible.
class CropNet {
 public:
  [[nodiscard]] static CropNet refine(const TrainedNet& rnet);
  [[nodiscard]] static CropNet output(const TrainedNet& onet);

  /// @param crops  [n, 3, side, side] as the network gets them
  /// @return one verdict each, in order; R-Net says nothing of points.
  [[nodiscard]] std::vector<Verdict> look(std::span<const float> crops);

 private:
  CropNet(const TrainedNet& net, int side, std::vector<int> windows);
  /// One crop up to the dense layer's input.
  void run_maps(std::span<const float> crop, float* out);

  int side_;
  std::vector<int> windows_;  ///< Of the maxima after each of the first layers.
  std::vector<TwoRows<WideLayer>> pooled_;
  std::vector<WideLayer> layers_;  ///< The others.
  Scratch<float> scratch_;
  Buffer<float> last_, dense_, head_;
};

}  // namespace visavis::detect
