#include "refine.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "side_by_side.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

constexpr std::size_t kMostAtOnce = 32;

image::Window window_of(const Candidate& candidate, std::span<const ImageView> images) {
  const ImageView& image = images[static_cast<std::size_t>(candidate.image)];
  return pixels_of(candidate.box, image.width, image.height);
}

}  // namespace

std::span<const float> CropDrawer::draw(std::span<const ImageView> images,
                                        std::span<const Candidate> candidates) {
  const std::size_t size = candidates.size() * crop_size();
  if (pixels_.size() < size) pixels_.resize(size);
  float* out = pixels_.data();
  for (const Candidate& candidate : candidates) {
    image::resize_area_planar(images[static_cast<std::size_t>(candidate.image)],
                              window_of(candidate, images), side_, side_, mean_, scale_, out, side_,
                              std::ptrdiff_t{side_} * side_);
    out += crop_size();
  }
  return std::span(pixels_).first(size);
}

void drop_empty(std::span<const ImageView> images, std::vector<Candidate>& candidates) {
  std::erase_if(candidates, [&](const Candidate& candidate) {
    const image::Window window = window_of(candidate, images);
    return window.width <= 0 || window.height <= 0;
  });
}

Result<RefineStage> RefineStage::open(const models::Network& network) {
  VISAVIS_TRY(source, find_data(network, "rnet"));
  VISAVIS_TRY(trained, read_rnet(*source.graph));
  return RefineStage(trained, source.screen_margin, network.manifest.preparation);
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
    const auto crops = drawer_.draw(images, candidates.subspan(first, count));
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

Result<OutputStage> OutputStage::open(const models::Network& network) {
  VISAVIS_TRY(source, find_data(network, "onet"));
  VISAVIS_TRY(trained, read_onet(*source.graph));
  return OutputStage(trained, network.manifest.preparation);
}

std::vector<Verdict> OutputStage::judge(std::span<const ImageView> images,
                                        std::span<const Candidate> candidates) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(candidates.size());
  for (std::size_t first = 0; first < candidates.size(); first += kMostAtOnce) {
    const std::size_t count = std::min(kMostAtOnce, candidates.size() - first);
    const auto crops = drawer_.draw(images, candidates.subspan(first, count));
    std::ranges::copy(net_.look(crops), std::back_inserter(verdicts));
  }
  return verdicts;
}

}  // namespace visavis::detect
