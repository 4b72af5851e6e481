#pragma once

/// P-Net's windows in f32 and R-Net's crops in fixed point, sixteen at a time side by side.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels.hpp"
#include "maps.hpp"
#include "trained.hpp"
#include "verdict.hpp"

namespace visavis::detect {

/// P-Net in f32 on its own windows. Thread-compatible.
class ProposalWindows {
 public:
  explicit ProposalWindows(const TrainedNet& pnet);

  /// @param windows  [n, 3, height, width] as P-Net gets them; sides of 11 or 12 pixels
  /// @return one verdict each, in order
  [[nodiscard]] std::vector<Verdict> look(std::span<const float> windows, int width, int height);

 private:
  std::array<Layer<float>, 4> layers_;
  Scratch<float> scratch_;
};

/// R-Net in fixed point. Thread-compatible.
class RefineScreen {
 public:
  explicit RefineScreen(const TrainedNet& rnet);

  /// @return the log odds of each crop
  [[nodiscard]] std::vector<float> look(std::span<const float> crops);

 private:
  std::array<TwoRows<Layer<Pair>>, 2> pooled_;
  Layer<Pair> third_, dense_;
  Score score_;
  Scratch<Pair> scratch_;
};

}  // namespace visavis::detect
