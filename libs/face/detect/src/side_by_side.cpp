#include "side_by_side.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "crop_net.hpp"
#include "kernels.hpp"
#include "maps.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

constexpr int kHeadChannels = 16;
constexpr std::size_t kCrop = area(kRefineSide, kRefineSide);

/// Pictures [n, 3, pixels], n ≤ 16, to [pixels][3][16].
void interleave(std::span<const float> pictures, std::size_t pixels, Buffer<float>& out) {
  const std::size_t count = pictures.size() / (3 * pixels);
  float* to = at_least(out, static_cast<std::ptrdiff_t>(3 * pixels * kLanes));
  for (std::size_t i = 0; i < pixels; ++i)
    for (std::size_t c = 0; c < 3; ++c, to += kLanes)
      for (std::size_t n = 0; n < count; ++n) to[n] = pictures[(3 * n + c) * pixels + i];
}

/// Crops to [pixels][2][16].
void interleave(std::span<const float> crops, Buffer<Pair>& out) {
  const std::size_t count = crops.size() / (3 * kCrop);
  std::array<std::array<Pair, 2 * kCrop>, kLanes> fixed;
  for (std::size_t n = 0; n < count; ++n) {
    const float* from = crops.data() + 3 * n * kCrop;
    fixed_pixels(from, from + kCrop, from + 2 * kCrop, kCrop, fixed[n].data(), kCrop);
  }
  Pair* to = at_least(out, static_cast<std::ptrdiff_t>(2 * kCrop * kLanes));
  for (std::size_t i = 0; i < kCrop; ++i)
    for (std::size_t w = 0; w < 2; ++w, to += kLanes)
      for (std::size_t n = 0; n < count; ++n) to[n] = fixed[n][w * kCrop + i];
}

/// The head's answers for up to sixteen pictures.
void read_head(const float* head, std::size_t count, std::vector<Verdict>& verdicts) {
  for (std::size_t n = 0; n < count; ++n) {
    Verdict verdict{.score = probability(head[kLanes + n] - head[n]), .shift = {}, .points = {}};
    for (std::size_t k = 0; k < 4; ++k) verdict.shift[k] = head[(2 + k) * kLanes + n];
    verdicts.push_back(verdict);
  }
}

/// Applies `work` to sixteen pictures of `size` numbers at a time.
template <class Work>
void for_each_batch(std::span<const float> pictures, std::size_t size, Work work) {
  for (; !pictures.empty(); pictures = pictures.subspan(std::min(kLanes * size, pictures.size())))
    work(pictures.first(std::min(kLanes * size, pictures.size())));
}

}  // namespace

ProposalWindows::ProposalWindows(const TrainedNet& pnet)
    : layers_{make_layer<float>(pnet.layers[0], 1), make_layer<float>(pnet.layers[1], 1),
              make_layer<float>(pnet.layers[2], 1), make_layer<float>(pnet.head, 1)} {}

std::vector<Verdict> ProposalWindows::look(std::span<const float> windows, int width, int height) {
  const auto pixels = area(width, height);
  std::vector<Verdict> verdicts;
  for_each_batch(windows, 3 * pixels, [&](std::span<const float> batch) {
    interleave(batch, pixels, scratch_.pixels);
    const Size pooled = run_pooled(layers_[0], scratch_.pixels.data(),
                                   {.height = height, .width = width}, 2, scratch_, scratch_.map);
    float* const next = at_least(scratch_.next, 9 * out_grid(layers_[1], 1).place);
    const Size second = run_layer(layers_[1], scratch_.map.data(), pooled, scratch_, next);
    const Size third = run_layer(layers_[2], next, second, scratch_, scratch_.map.data());
    std::array<float, kHeadChannels * kLanes> head;
    run_layer(layers_[3], scratch_.map.data(), third, scratch_, head.data());
    read_head(head.data(), batch.size() / (3 * pixels), verdicts);
  });
  return verdicts;
}

RefineScreen::RefineScreen(const TrainedNet& rnet)
    : pooled_{make_two_rows(rnet.layers[0], kFixedPixelSteps),
              make_two_rows(rnet.layers[1], kFixedSteps)},
      third_(make_layer<Pair>(rnet.layers[2], kFixedSteps)),
      dense_(make_layer<Pair>(rnet.layers[3], kFixedSteps)),
      score_(make_score(rnet.head)) {}

std::vector<float> RefineScreen::look(std::span<const float> crops) {
  std::vector<float> odds;
  for_each_batch(crops, 3 * kCrop, [&](std::span<const float> batch) {
    interleave(batch, scratch_.pixels);
    Size size{.height = kRefineSide, .width = kRefineSide};
    size = run_pooled(pooled_[0], scratch_.pixels.data(), size, 3, scratch_, scratch_.map);
    size = run_pooled(pooled_[1], scratch_.map.data(), size, 3, scratch_, scratch_.next);
    Pair* const last = at_least(scratch_.map, 9 * out_grid(third_, 1).place);
    run_layer(third_, scratch_.next.data(), size, scratch_, last);
    std::array<float, kLanes> scores;
    convolve_to_scores(dense_, score_, last, in_grid(dense_, 3), 1, scores.data());
    const auto count = static_cast<std::ptrdiff_t>(batch.size() / (3 * kCrop));
    odds.insert(odds.end(), scores.begin(), scores.begin() + count);
  });
  return odds;
}

}  // namespace visavis::detect
