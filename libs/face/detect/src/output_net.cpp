#include "output_net.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels.hpp"
#include "maps.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

constexpr std::size_t kPixels = std::size_t{OutputNet::kSide} * OutputNet::kSide;
constexpr std::ptrdiff_t kLast = 3 * 3 * 128;  // the map that the dense layer reads
constexpr std::ptrdiff_t kDense = 256;
constexpr std::ptrdiff_t kHead = 16;

/// Planes to [row][column][3].
void interleave(std::span<const float> crop, std::vector<float>& out) {
  float* to = at_least(out, static_cast<std::ptrdiff_t>(3 * kPixels));
  for (std::size_t i = 0; i < kPixels; ++i)
    for (std::size_t c = 0; c < 3; ++c) *to++ = crop[c * kPixels + i];
}

}  // namespace

OutputNet::OutputNet(const TrainedNet& onet)
    : layers_{make_wide_layer(onet.layers[0]), make_wide_layer(onet.layers[1]),
              make_wide_layer(onet.layers[2]), make_wide_layer(onet.layers[3]),
              make_wide_layer(onet.layers[4]), make_wide_layer(onet.head)} {}

std::vector<Verdict> OutputNet::look(std::span<const float> crops) {
  const auto count = std::ssize(crops) / static_cast<std::ptrdiff_t>(3 * kPixels);
  float* const last = at_least(last_, count * kLast);
  for (std::ptrdiff_t n = 0; n < count; ++n) {
    interleave(crops.subspan(static_cast<std::size_t>(n) * 3 * kPixels, 3 * kPixels),
               scratch_.pixels);
    Size size{.height = kSide, .width = kSide};
    size = run_pooled(layers_[0], scratch_.pixels.data(), size, 3, scratch_, scratch_.map);
    size = run_pooled(layers_[1], scratch_.map.data(), size, 3, scratch_, scratch_.next);
    size = run_pooled(layers_[2], scratch_.next.data(), size, 2, scratch_, scratch_.map);
    run_layer(layers_[3], scratch_.map.data(), size, last + n * kLast);
  }
  // All pictures together, so that these weights, most of the network's, are read once for several.
  const auto places = static_cast<int>(count);
  float* const dense = at_least(dense_, count * kDense);
  float* const head = at_least(head_, count * kHead);
  const Grid maps{.row = kLast / 3, .column = kLast / 9, .place = kLast, .channel = 1};
  convolve(layers_[4], last, maps, places, dense, grid_of(1, kDense, 1));
  convolve(layers_[5], dense, grid_of(1, kDense, 1), places, head, grid_of(1, kHead, 1));
  std::vector<Verdict> verdicts(static_cast<std::size_t>(count));
  for (std::ptrdiff_t n = 0; n < count; ++n) {
    const float* const answer = head + n * kHead;
    Verdict& verdict = verdicts[static_cast<std::size_t>(n)];
    verdict.score = probability(answer[1] - answer[0]);
    std::copy_n(answer + 2, 4, verdict.shift.begin());
    std::copy_n(answer + 6, 10, verdict.points.begin());
  }
  return verdicts;
}

}  // namespace visavis::detect
