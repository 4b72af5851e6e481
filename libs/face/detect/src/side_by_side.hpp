#pragma once

/// P-Net's windows and R-Net's crops, sixteen at a time side by side.

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels.hpp"
#include "trained.hpp"

namespace visavis::detect {

/// What a network says of one candidate.
struct Verdict {
  float score = 0;
  std::array<float, 4> shift{};
  std::array<float, 10> points{};  ///< O-Net: five x, then five y, in box sides.
};

/// Scratch memory of a network. Thread-compatible.
template <MapWord Word>
struct SideBySide {
  std::vector<Word> pixels, row, columns, map, next;
};

/// P-Net in f32 on its own windows. Thread-compatible.
class ProposalWindows {
 public:
  explicit ProposalWindows(const TrainedNet& pnet);

  /// @param windows  [n, 3, height, width] as P-Net gets them; sides of 11 or 12 pixels
  /// @return one verdict each, in order
  [[nodiscard]] std::vector<Verdict> look(std::span<const float> windows, int width, int height);

 private:
  std::array<Layer<float>, 4> layers_;
  SideBySide<float> scratch_;
};

/// R-Net in f32. Thread-compatible.
class RefineNet {
 public:
  static constexpr int kSide = 24;

  explicit RefineNet(const TrainedNet& rnet);

  /// @param crops  [n, 3, 24, 24] as R-Net gets them
  [[nodiscard]] std::vector<Verdict> look(std::span<const float> crops);

 private:
  std::array<Layer<float>, 5> layers_;
  SideBySide<float> scratch_;
};

/// R-Net in fixed point. Thread-compatible.
class RefineScreen {
 public:
  explicit RefineScreen(const TrainedNet& rnet);

  /// @return the log odds of each crop
  [[nodiscard]] std::vector<float> look(std::span<const float> crops);

 private:
  std::array<Layer<Pair>, 4> layers_;
  Score score_;
  SideBySide<Pair> scratch_;
};

}  // namespace visavis::detect
