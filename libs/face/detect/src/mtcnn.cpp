#include "mtcnn.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/detect/detector.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "options.hpp"
#include "proposal.hpp"
#include "pyramid.hpp"
#include "refine.hpp"

namespace visavis::detect {
namespace {

constexpr std::array kDefaultThresholds{0.6F, 0.7F, 0.7F};
constexpr double kRefineOverlap = 0.7;
constexpr float kContainedOverlap = 0.7F;

/// A candidate with what O-Net says of its points.
struct Found {
  Candidate candidate;
  Landmarks landmarks{};
};

/// Applies `work` to each run of candidates of one picture.
template <class Work>
void for_each_image(std::span<const Candidate> candidates, Work work) {
  while (!candidates.empty()) {
    const auto end = std::ranges::find_if(
        candidates, [&](const Candidate& c) { return c.image != candidates.front().image; });
    const auto count = static_cast<std::size_t>(end - candidates.begin());
    work(candidates.first(count));
    candidates = candidates.subspan(count);
  }
}

/// R-Net's verdicts applied: what passes, suppressed, moved, square.
std::vector<Candidate> refine(std::span<const Candidate> candidates,
                              std::span<const Verdict> verdicts, float threshold) {
  std::vector<Candidate> passed;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (verdicts[i].score > threshold)
      passed.push_back({.box = candidates[i].box,
                        .score = verdicts[i].score,
                        .shift = verdicts[i].shift,
                        .image = candidates[i].image});
  std::vector<Candidate> kept;
  for_each_image(passed, [&](std::span<const Candidate> of_image) {
    for (const std::size_t k : suppress(of_image, kRefineOverlap)) {
      Candidate next = of_image[k];
      next.box = squared(shifted_inclusive(next.box, next.shift));
      kept.push_back(next);
    }
  });
  return kept;
}

/// In the box before it is moved; counts pixels from 1 as the original does.
Landmarks place_points(const Rect& box, const std::array<float, 10>& points) {
  const float width = box.x2 - box.x1 + 1;
  const float height = box.y2 - box.y1 + 1;
  Landmarks landmarks;
  for (std::size_t k = 0; k < landmarks.size(); ++k)
    landmarks[k] = {.x = width * points[k] + box.x1 - 1, .y = height * points[k + 5] + box.y1 - 1};
  return landmarks;
}

Face face_of(const Found& found) {
  const Rect& r = found.candidate.box;
  return {.box = {.x = r.x1, .y = r.y1, .width = r.x2 - r.x1, .height = r.y2 - r.y1},
          .confidence = found.candidate.score,
          .landmarks = found.landmarks};
}

/// O-Net's verdicts applied.
std::vector<std::vector<Face>> conclude(std::span<const Candidate> candidates,
                                        std::span<const Verdict> verdicts, float threshold,
                                        std::size_t images) {
  std::vector<Candidate> passed;
  std::vector<Landmarks> points;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (!(verdicts[i].score > threshold)) continue;
    passed.push_back({.box = shifted_inclusive(candidates[i].box, verdicts[i].shift),
                      .score = verdicts[i].score,
                      .shift = verdicts[i].shift,
                      .image = candidates[i].image});
    points.push_back(place_points(candidates[i].box, verdicts[i].points));
  }
  std::vector<std::vector<Face>> faces(images);
  std::size_t first = 0;
  for_each_image(passed, [&](std::span<const Candidate> of_image) {
    std::vector<Face>& found = faces[static_cast<std::size_t>(of_image.front().image)];
    for (const std::size_t k : suppress_contained(of_image, kContainedOverlap))
      found.push_back(face_of({.candidate = of_image[k], .landmarks = points[first + k]}));
    first += of_image.size();
  });
  return faces;
}

class Mtcnn final : public Detector {
 public:
  Mtcnn(ProposalNet pnet, RefineStage rnet, OutputStage onet, DetectorOptions options)
      : pnet_(std::move(pnet)),
        rnet_(std::move(rnet)),
        onet_(std::move(onet)),
        options_(std::move(options)) {}

  Result<std::vector<std::vector<Face>>> detect(std::span<const ImageView> images) override {
    VISAVIS_CHECK(check_images(images));
    std::vector<std::vector<Level>> pyramids;
    for (const ImageView& image : images) {
      VISAVIS_TRY(levels,
                  make_pyramid(image.width, image.height, options_.min_face_px, options_.factor));
      pyramids.push_back(std::move(levels));
    }
    const std::vector<Cell> cells = pnet_.find_cells(images, pyramids, options_.thresholds[0]);
    std::vector<Candidate> candidates = boxes_of(cells, pyramids);
    drop_empty(images, candidates);
    candidates = refine(candidates, rnet_.judge(images, candidates, options_.thresholds[1]),
                        options_.thresholds[1]);
    drop_empty(images, candidates);
    return conclude(candidates, onet_.judge(images, candidates), options_.thresholds[2],
                    images.size());
  }

  [[nodiscard]] bool finds_landmarks() const noexcept override { return true; }

 private:
  ProposalNet pnet_;
  RefineStage rnet_;
  OutputStage onet_;
  DetectorOptions options_;  ///< With all three thresholds.
};

}  // namespace

Result<std::unique_ptr<Detector>> open_mtcnn(const models::Network& network,
                                             const DetectorOptions& options) {
  VISAVIS_TRY(complete, complete_options(options, kDefaultThresholds));
  VISAVIS_TRY(pnet, ProposalNet::open(network));
  VISAVIS_TRY(rnet, RefineStage::open(network));
  VISAVIS_TRY(onet, OutputStage::open(network));
  return std::make_unique<Mtcnn>(std::move(pnet), std::move(rnet), std::move(onet),
                                 std::move(complete));
}

}  // namespace visavis::detect
