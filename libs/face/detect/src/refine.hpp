#pragma once

/// MTCNN's second and third stage: a network looks at each candidate's pixels.

#include <cstddef>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "network_part.hpp"
#include "side_by_side.hpp"
#include "trained.hpp"

namespace visavis::detect {

/// Candidates' pixels as a network wants them. Thread-compatible.
class CropDrawer {
 public:
  CropDrawer(const models::Preparation& preparation, int side)
      : mean_(preparation.mean[0]), scale_(preparation.scale[0]), side_(side) {}

  [[nodiscard]] std::size_t crop_size() const noexcept {
    return std::size_t{3} * static_cast<std::size_t>(side_ * side_);
  }
  /// @return [n, 3, side, side], valid until the next call, with room for `batch` of them
  [[nodiscard]] std::span<const float> draw(std::span<const ImageView> images,
                                            std::span<const Candidate> candidates,
                                            std::size_t batch);

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
      : net_(net), screen_(net), margin_(margin), drawer_(preparation, RefineNet::kSide) {}

  RefineNet net_;
  RefineScreen screen_;
  float margin_;
  CropDrawer drawer_;
};

/// O-Net, by the engine, in batches of few sizes, because every new one costs a compilation.
/// Thread-compatible.
class OutputStage {
 public:
  [[nodiscard]] static Result<OutputStage> open(const models::Network& network);

  /// @pre  no candidate is empty
  /// @return a verdict each, in order
  [[nodiscard]] Result<std::vector<Verdict>> judge(std::span<const ImageView> images,
                                                   std::span<const Candidate> candidates);

 private:
  OutputStage(NetworkPart net, const models::Preparation& preparation)
      : net_(std::move(net)), drawer_(preparation, kSide) {}
  [[nodiscard]] Result<void> judge_batch(std::span<const ImageView> images,
                                         std::span<const Candidate> candidates, std::size_t batch,
                                         std::vector<Verdict>& verdicts);

  static constexpr int kSide = 48;
  NetworkPart net_;
  CropDrawer drawer_;
};

/// The size of O-Net's next batch when `left` crops are left: a power of two, at most 32, that may
/// exceed `left`.
[[nodiscard]] std::size_t next_batch(std::size_t left) noexcept;

}  // namespace visavis::detect
