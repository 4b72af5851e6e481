#include "refine.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "network_part.hpp"
#include "side_by_side.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

constexpr std::size_t kMostAtOnce = 32;
constexpr std::array<std::int64_t, 3> kOutputs{2, 4, 10};

image::Window window_of(const Candidate& candidate, std::span<const ImageView> images) {
  const ImageView& image = images[static_cast<std::size_t>(candidate.image)];
  return pixels_of(candidate.box, image.width, image.height);
}

}  // namespace

std::span<const float> CropDrawer::draw(std::span<const ImageView> images,
                                        std::span<const Candidate> candidates, std::size_t batch) {
  if (pixels_.size() < batch * crop_size()) pixels_.resize(batch * crop_size());
  float* out = pixels_.data();
  for (const Candidate& candidate : candidates) {
    image::resize_area_planar(images[static_cast<std::size_t>(candidate.image)],
                              window_of(candidate, images), side_, side_, mean_, scale_, out, side_,
                              std::ptrdiff_t{side_} * side_);
    out += crop_size();
  }
  return std::span(pixels_).first(batch * crop_size());
}

void drop_empty(std::span<const ImageView> images, std::vector<Candidate>& candidates) {
  std::erase_if(candidates, [&](const Candidate& candidate) {
    const image::Window window = window_of(candidate, images);
    return window.width <= 0 || window.height <= 0;
  });
}

Result<RefineStage> RefineStage::open(const models::Network& network) {
  VISAVIS_TRY(source, find_screen(network, "rnet"));
  VISAVIS_TRY(trained, read_rnet(*source.graph));
  return RefineStage(trained, source.margin, network.manifest.preparation);
}

std::vector<Verdict> RefineStage::judge(std::span<const ImageView> images,
                                        std::span<const Candidate> candidates, float threshold) {
  const float least = log_odds(threshold - margin_);
  std::vector<Verdict> verdicts(candidates.size());
  std::vector<std::size_t> doubtful;
  std::vector<float> again;
  const auto confirm = [&] {
    const std::vector<Verdict> confirmed = net_.look(again);
    for (std::size_t k = 0; k < doubtful.size(); ++k) verdicts[doubtful[k]] = confirmed[k];
    doubtful.clear();
    again.clear();
  };
  for (std::size_t first = 0; first < candidates.size(); first += kLanes) {
    const std::size_t count = std::min(kLanes, candidates.size() - first);
    const auto crops = drawer_.draw(images, candidates.subspan(first, count), count);
    const std::vector<float> odds = screen_.look(crops);
    for (std::size_t i = 0; i < count; ++i) {
      if (odds[i] < least) continue;
      const auto crop = crops.subspan(i * drawer_.crop_size(), drawer_.crop_size());
      doubtful.push_back(first + i);
      again.insert(again.end(), crop.begin(), crop.end());
      if (doubtful.size() == kLanes) confirm();
    }
  }
  confirm();
  return verdicts;
}

// A call costs less than half a crop in it (OpenVINO, one thread), so filling up is right while it
// saves more calls than it wastes crops.
std::size_t next_batch(std::size_t left) noexcept {
  if (left >= kMostAtOnce) return kMostAtOnce;
  const std::size_t above = std::bit_ceil(left);
  const auto calls = static_cast<std::size_t>(std::popcount(left));
  return above - left + 1 < calls ? above : std::bit_floor(left);
}

Result<OutputStage> OutputStage::open(const models::Network& network) {
  VISAVIS_TRY(net, NetworkPart::open(network, "onet", kOutputs));
  return OutputStage(std::move(net), network.manifest.preparation);
}

Result<std::vector<Verdict>> OutputStage::judge(std::span<const ImageView> images,
                                                std::span<const Candidate> candidates) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(candidates.size());
  for (std::span<const Candidate> left = candidates; !left.empty();) {
    const std::size_t batch = next_batch(left.size());
    const std::size_t count = std::min(batch, left.size());
    VISAVIS_CHECK(judge_batch(images, left.first(count), batch, verdicts));
    left = left.subspan(count);
  }
  return verdicts;
}

Result<void> OutputStage::judge_batch(std::span<const ImageView> images,
                                      std::span<const Candidate> candidates, std::size_t batch,
                                      std::vector<Verdict>& verdicts) {
  VISAVIS_TRY(outputs, net_.run(drawer_.draw(images, candidates, batch),
                                {static_cast<std::int64_t>(batch), 3, kSide, kSide}));
  const auto scores = outputs[0].floats();
  const auto shifts = outputs[1].floats();
  const auto points = outputs[2].floats();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    Verdict verdict{.score = scores[2 * i + 1], .shift = {}, .points = {}};
    std::ranges::copy(shifts.subspan(4 * i, 4), verdict.shift.begin());
    std::ranges::copy(points.subspan(10 * i, 10), verdict.points.begin());
    verdicts.push_back(verdict);
  }
  return {};
}

}  // namespace visavis::detect
