#include "refine.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/image/resize.hpp>
#include <visavis/models/manifest.hpp>
#include <visavis/models/network.hpp>
#include <visavis/vocab/image.hpp>

#include "candidate.hpp"
#include "network_part.hpp"
#include "screen.hpp"

namespace visavis::detect {
namespace {

constexpr std::size_t kMostAtOnce = 32;

image::Window window_of(const Candidate& candidate, std::span<const ImageView> images) {
  const ImageView& image = images[static_cast<std::size_t>(candidate.image)];
  return pixels_of(candidate.box, image.width, image.height);
}

}  // namespace

// A call costs about as much as one crop in it (R-Net 25 µs and 27 µs, O-Net 80 and 180; OpenVINO,
// one thread), so filling up is right while it wastes fewer crops than it saves calls.
std::size_t next_batch(std::size_t left) noexcept {
  if (left >= kMostAtOnce) return kMostAtOnce;
  const std::size_t above = std::bit_ceil(left);
  const auto calls = static_cast<std::size_t>(std::popcount(left));
  return above - left + 1 < calls ? above : std::bit_floor(left);
}

Result<CropNet> CropNet::open(const models::Network& network, std::string_view part) {
  const bool has_points = part == "onet";
  const std::vector<std::int64_t> channels =
      has_points ? std::vector<std::int64_t>{2, 4, 10} : std::vector<std::int64_t>{2, 4};
  VISAVIS_TRY(net, NetworkPart::open(network, part, channels));
  CropNet result(std::move(net), network.manifest.preparation, has_points ? 48 : 24, has_points);
  if (has_points) return result;
  VISAVIS_TRY(source, find_screen(network, part));
  VISAVIS_TRY(screen, RefineScreen::make(*source.graph));
  result.screen_ = std::move(screen);
  result.margin_ = source.margin;
  return result;
}

Result<std::vector<Verdict>> CropNet::judge(std::span<const ImageView> images,
                                            std::vector<Candidate>& candidates, float threshold) {
  std::erase_if(candidates, [&](const Candidate& candidate) {
    const image::Window window = window_of(candidate, images);
    return window.width <= 0 || window.height <= 0;
  });
  if (!screen_) return judge_all(images, candidates);
  const std::vector<float> odds = screened(images, candidates);
  std::vector<Verdict> verdicts(candidates.size());  // a score of 0 for those that are refused
  std::vector<std::size_t> doubtful;
  std::vector<Candidate> again;
  for (std::size_t i = 0; i < odds.size(); ++i) {
    if (odds[i] < log_odds(threshold - margin_)) continue;
    doubtful.push_back(i);
    again.push_back(candidates[i]);
  }
  VISAVIS_TRY(confirmed, judge_all(images, again));
  for (std::size_t k = 0; k < doubtful.size(); ++k) verdicts[doubtful[k]] = confirmed[k];
  return verdicts;
}

std::vector<float> CropNet::screened(std::span<const ImageView> images,
                                     std::span<const Candidate> candidates) {
  std::vector<float> odds;
  odds.reserve(candidates.size());
  for (std::span<const Candidate> left = candidates; !left.empty();) {
    const std::size_t count = std::min(RefineScreen::kAtOnce, left.size());
    screen_->look(draw(images, left.first(count), count), odds);
    left = left.subspan(count);
  }
  return odds;
}

Result<std::vector<Verdict>> CropNet::judge_all(std::span<const ImageView> images,
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

std::span<const float> CropNet::draw(std::span<const ImageView> images,
                                     std::span<const Candidate> candidates, std::size_t batch) {
  const std::ptrdiff_t plane = std::ptrdiff_t{side_} * side_;
  const std::size_t count = batch * 3 * static_cast<std::size_t>(plane);
  if (pixels_.size() < count) pixels_.resize(count);
  float* out = pixels_.data();
  for (const Candidate& candidate : candidates) {
    image::resize_area_planar(images[static_cast<std::size_t>(candidate.image)],
                              window_of(candidate, images), side_, side_, mean_, scale_, out, side_,
                              plane);
    out += 3 * plane;
  }
  return std::span(pixels_).first(count);
}

Result<void> CropNet::judge_batch(std::span<const ImageView> images,
                                  std::span<const Candidate> candidates, std::size_t batch,
                                  std::vector<Verdict>& verdicts) {
  VISAVIS_TRY(outputs, net_.run(draw(images, candidates, batch),
                                {static_cast<std::int64_t>(batch), 3, side_, side_}));
  const auto scores = outputs[0].floats();
  const auto shifts = outputs[1].floats();
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    Verdict verdict{.score = scores[2 * i + 1], .shift = {}, .points = {}};
    std::ranges::copy_n(shifts.begin() + static_cast<std::ptrdiff_t>(4 * i), 4,
                        verdict.shift.begin());
    if (has_points_)
      std::ranges::copy_n(outputs[2].floats().begin() + static_cast<std::ptrdiff_t>(10 * i), 10,
                          verdict.points.begin());
    verdicts.push_back(verdict);
  }
  return {};
}

}  // namespace visavis::detect
