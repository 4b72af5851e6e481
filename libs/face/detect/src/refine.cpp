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
  VISAVIS_TRY(screen, NetworkPart::open_screen(network, part, channels));
  CropNet result(std::move(net), network.manifest.preparation, has_points ? 48 : 24, has_points);
  if (screen) result.margin_ = network.screens.find(part)->second.margin;
  result.screen_ = std::move(screen);
  return result;
}

Result<std::vector<Verdict>> CropNet::judge(std::span<const ImageView> images,
                                            std::vector<Candidate>& candidates, float threshold) {
  std::erase_if(candidates, [&](const Candidate& candidate) {
    const image::Window window = window_of(candidate, images);
    return window.width <= 0 || window.height <= 0;
  });
  if (!screen_) return judge_all(net_, images, candidates);
  VISAVIS_TRY(verdicts, judge_all(*screen_, images, candidates));
  std::vector<std::size_t> doubtful;
  std::vector<Candidate> again;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    if (verdicts[i].score < threshold - margin_) continue;
    doubtful.push_back(i);
    again.push_back(candidates[i]);
  }
  VISAVIS_TRY(confirmed, judge_all(net_, images, again));
  for (std::size_t k = 0; k < doubtful.size(); ++k) verdicts[doubtful[k]] = confirmed[k];
  return verdicts;
}

Result<std::vector<Verdict>> CropNet::judge_all(NetworkPart& net, std::span<const ImageView> images,
                                                std::span<const Candidate> candidates) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(candidates.size());
  for (std::span<const Candidate> left = candidates; !left.empty();) {
    const std::size_t batch = next_batch(left.size());
    const std::size_t count = std::min(batch, left.size());
    VISAVIS_CHECK(judge_batch(net, images, left.first(count), batch, verdicts));
    left = left.subspan(count);
  }
  return verdicts;
}

Result<void> CropNet::judge_batch(NetworkPart& net, std::span<const ImageView> images,
                                  std::span<const Candidate> candidates, std::size_t batch,
                                  std::vector<Verdict>& verdicts) {
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
  VISAVIS_TRY(outputs, net.run(std::span(pixels_).first(count),
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
