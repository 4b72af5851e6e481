#pragma once

/// MTCNN's second and third stage: a network looks at each candidate's pixels.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "network_part.hpp"
#include "screen.hpp"

namespace visavis::detect {

/// What a network says of one candidate.
struct Verdict {
  float score = 0;
  std::array<float, 4> shift{};
  std::array<float, 10> points{};  ///< O-Net: five x, then five y, in box sides.
};

/// Thread-compatible. Runs batches of few sizes, because every new one costs a compilation. With a
/// screen (R-Net), the network sees only what the screen does not refuse.
class CropNet {
 public:
  /// @param part  "rnet" or "onet".
  [[nodiscard]] static Result<CropNet> open(const models::Network& network, std::string_view part);

  /// Drops candidates without a pixel inside their picture.
  /// @return a verdict for each of the others, in their order; an empty one, of score 0, for those
  /// that the screen puts below `threshold` by more than its margin.
  [[nodiscard]] Result<std::vector<Verdict>> judge(std::span<const ImageView> images,
                                                   std::vector<Candidate>& candidates,
                                                   float threshold);

 private:
  CropNet(NetworkPart net, const models::Preparation& preparation, int side, bool has_points)
      : net_(std::move(net)),
        mean_(preparation.mean[0]),
        scale_(preparation.scale[0]),
        side_(side),
        has_points_(has_points) {}
  /// The screen's log odds.
  [[nodiscard]] std::vector<float> screened(std::span<const ImageView> images,
                                            std::span<const Candidate> candidates);
  /// The candidates' pixels as the network wants them, room for `batch` of them.
  [[nodiscard]] std::span<const float> draw(std::span<const ImageView> images,
                                            std::span<const Candidate> candidates,
                                            std::size_t batch);
  [[nodiscard]] Result<std::vector<Verdict>> judge_all(std::span<const ImageView> images,
                                                       std::span<const Candidate> candidates);
  [[nodiscard]] Result<void> judge_batch(std::span<const ImageView> images,
                                         std::span<const Candidate> candidates, std::size_t batch,
                                         std::vector<Verdict>& verdicts);

  NetworkPart net_;
  std::optional<RefineScreen> screen_;
  float margin_ = 0;
  float mean_ = 0;
  float scale_ = 1;
  int side_ = 0;
  bool has_points_ = false;
  std::vector<float> pixels_;
};

/// The size of the next batch when `left` crops are left: a power of two, at most 32, that may
/// exceed `left`.
[[nodiscard]] std::size_t next_batch(std::size_t left) noexcept;

}  // namespace visavis::detect
