#pragma once

/// MTCNN's second and third stage: a network looks at each candidate's pixels.

#include <cstddef>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "crop_net.hpp"
#include "kernels.hpp"
#include "side_by_side.hpp"
#include "trained.hpp"
#include "verdict.hpp"

namespace visavis::detect {

/// Candidates' pixels as a network wants them. Thread-compatible.
class CropDrawer {
 public:
  CropDrawer(const models::Preparation& preparation, int side)
      : mean_(preparation.mean[0]), scale_(preparation.scale[0]), side_(side) {}

  [[nodiscard]] std::size_t crop_size() const noexcept {
    return std::size_t{3} * area(side_, side_);
  }
  /// @return [n, 3, side, side], valid until the next call
  [[nodiscard]] std::span<const float> draw(std::span<const ImageView> images,
                                            std::span<const Candidate> candidates);

 private:
  float mean_;
  float scale_;
  int side_;
  std::vector<float> pixels_;
};

/// Drops candidates without a pixel inside their picture.
void drop_empty(std::span<const ImageView> images, std::vector<Candidate>& candidates);

/// R-Net. The screen sees every candidate; those that it does not put below the threshold by more
/// than its margin are seen again in f32, and only that answer counts. Thread-compatible.
class RefineStage {
 public:
  [[nodiscard]] static Result<RefineStage> open(const models::Network& network);

  /// @pre  no candidate is empty
  /// @return a verdict each, in order; an empty one, of score 0, for what the screen refuses.
  [[nodiscard]] std::vector<Verdict> judge(std::span<const ImageView> images,
                                           std::span<const Candidate> candidates, float threshold);

 private:
  RefineStage(const TrainedNet& net, float margin, const models::Preparation& preparation)
      : net_(CropNet::refine(net)),
        screen_(net),
        margin_(margin),
        drawer_(preparation, kRefineSide) {}

  CropNet net_;
  RefineScreen screen_;
  float margin_;
  CropDrawer drawer_;
};

/// O-Net. Thread-compatible.
class OutputStage {
 public:
  [[nodiscard]] static Result<OutputStage> open(const models::Network& network);

  /// @pre  no candidate is empty
  /// @return a verdict each, in order
  [[nodiscard]] std::vector<Verdict> judge(std::span<const ImageView> images,
                                           std::span<const Candidate> candidates);

 private:
  OutputStage(const TrainedNet& net, const models::Preparation& preparation)
      : net_(CropNet::output(net)), drawer_(preparation, kOutputSide) {}

  CropNet net_;
  CropDrawer drawer_;
};

}  // namespace visavis::detect
