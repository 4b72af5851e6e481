#pragma once

/// O-Net in f32, picture by picture.

#include <array>
#include <span>
#include <vector>

#include "kernels.hpp"
#include "maps.hpp"
#include "trained.hpp"
#include "verdict.hpp"

namespace visavis::detect {

/// Thread-compatible.
class OutputNet {
 public:
  static constexpr int kSide = 48;

  explicit OutputNet(const TrainedNet& onet);

  /// @param crops  [n, 3, 48, 48] as O-Net gets them
  /// @return one verdict each, in order
  [[nodiscard]] std::vector<Verdict> look(std::span<const float> crops);

 private:
  std::array<WideLayer, 6> layers_;
  Scratch<float> scratch_;
  std::vector<float> last_, dense_, head_;
};

}  // namespace visavis::detect
