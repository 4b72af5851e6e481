#include "side_by_side.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "kernels.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

struct Size {
  int height = 0;
  int width = 0;
};

constexpr int kHeadChannels = 8;
constexpr std::size_t kCrop = std::size_t{RefineNet::kSide} * RefineNet::kSide;

template <class T>
T* at_least(std::vector<T>& buffer, std::ptrdiff_t size) {
  if (std::ssize(buffer) < size) buffer.resize(static_cast<std::size_t>(size));
  return buffer.data();
}

/// [height][width][words][16]
Grid grid_of(int words, int width) {
  const auto lanes = static_cast<std::ptrdiff_t>(kLanes);
  const std::ptrdiff_t place = words * lanes;
  return {.row = width * place, .column = place, .place = place, .channel = lanes};
}

template <MapWord Word>
int words_out(const Layer<Word>& layer) {
  return layer.channels / kChannelsOf<Word>;
}

/// Pictures [n, 3, pixels], n ≤ 16, to [pixels][3][16].
void interleave(std::span<const float> pictures, std::size_t pixels, std::vector<float>& out) {
  const std::size_t count = pictures.size() / (3 * pixels);
  float* to = at_least(out, static_cast<std::ptrdiff_t>(3 * pixels * kLanes));
  for (std::size_t i = 0; i < pixels; ++i)
    for (std::size_t c = 0; c < 3; ++c, to += kLanes)
      for (std::size_t n = 0; n < count; ++n) to[n] = pictures[(3 * n + c) * pixels + i];
}

/// Crops to [pixels][2][16].
void interleave(std::span<const float> crops, std::vector<Pair>& out) {
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

/// @return the size of the map that is written to `out`
template <MapWord Word>
Size run(const Layer<Word>& layer, const Word* in, Size size, Word* out) {
  const Size result{.height = size.height - layer.taps + 1, .width = size.width - layer.taps + 1};
  const Grid from = grid_of(layer.inputs, size.width);
  const Grid to = grid_of(words_out(layer), result.width);
  for (int y = 0; y < result.height; ++y)
    convolve(layer, in + y * from.row, from, result.width, out + y * to.row, to);
  return result;
}

/// out = in, or the larger of both.
template <MapWord Word>
void merge(const Word* in, bool first, std::ptrdiff_t words, Word* out) {
  if (first)
    std::copy_n(in, words, out);
  else
    larger(in, out, static_cast<std::size_t>(words), out);
}

/// The layer and the maxima of its map: windows of `side` pixels, every 2, rounding up. Row by row,
/// so that what is read again is still in the first-level cache.
template <MapWord Word>
Size run_pooled(const Layer<Word>& layer, const Word* in, Size size, int side,
                SideBySide<Word>& scratch, std::vector<Word>& out) {
  const Size full{.height = size.height - layer.taps + 1, .width = size.width - layer.taps + 1};
  const auto pooled = [side](int n) { return (n - side + 1) / 2 + 1; };
  const Size result{.height = pooled(full.height), .width = pooled(full.width)};
  const Grid from = grid_of(layer.inputs, size.width);
  const Grid to = grid_of(words_out(layer), full.width);
  const std::ptrdiff_t out_row = result.width * to.place;
  Word* const row = at_least(scratch.row, to.row);
  Word* const columns = at_least(scratch.columns, out_row);
  Word* const map = at_least(out, result.height * out_row);
  for (int y = 0; y < full.height; ++y) {
    convolve(layer, in + y * from.row, from, full.width, row, to);
    for (int x = 0; x < result.width; ++x)
      for (int k = 0; k < side && 2 * x + k < full.width; ++k)
        merge(row + (2 * x + k) * to.place, k == 0, to.place, columns + x * to.place);
    for (int k = y % 2; k < side && k <= y; k += 2)
      if ((y - k) / 2 < result.height) merge(columns, k == 0, out_row, map + (y - k) / 2 * out_row);
  }
  return result;
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

/// R-Net up to its dense layer's input, a 3×3 map.
template <MapWord Word>
const Word* run_refine(std::span<const Layer<Word>> layers, SideBySide<Word>& scratch) {
  const Size crop{.height = RefineNet::kSide, .width = RefineNet::kSide};
  const Size first = run_pooled(layers[0], scratch.pixels.data(), crop, 3, scratch, scratch.map);
  const Size second = run_pooled(layers[1], scratch.map.data(), first, 3, scratch, scratch.next);
  Word* const last = at_least(scratch.map, 9 * grid_of(words_out(layers[2]), 1).place);
  run(layers[2], scratch.next.data(), second, last);
  return last;
}

}  // namespace

ProposalWindows::ProposalWindows(const TrainedNet& pnet)
    : layers_{make_layer<float>(pnet.layers[0], 1), make_layer<float>(pnet.layers[1], 1),
              make_layer<float>(pnet.layers[2], 1), make_layer<float>(pnet.head, 1)} {}

std::vector<Verdict> ProposalWindows::look(std::span<const float> windows, int width, int height) {
  const auto pixels = static_cast<std::size_t>(width * height);
  std::vector<Verdict> verdicts;
  for_each_batch(windows, 3 * pixels, [&](std::span<const float> batch) {
    interleave(batch, pixels, scratch_.pixels);
    const Size pooled = run_pooled(layers_[0], scratch_.pixels.data(),
                                   {.height = height, .width = width}, 2, scratch_, scratch_.map);
    float* const next = at_least(scratch_.next, 9 * grid_of(layers_[1].channels, 1).place);
    const Size second = run(layers_[1], scratch_.map.data(), pooled, next);
    const Size third = run(layers_[2], next, second, scratch_.map.data());
    std::array<float, kHeadChannels * kLanes> head;
    run(layers_[3], scratch_.map.data(), third, head.data());
    read_head(head.data(), batch.size() / (3 * pixels), verdicts);
  });
  return verdicts;
}

RefineNet::RefineNet(const TrainedNet& rnet)
    : layers_{make_layer<float>(rnet.layers[0], 1), make_layer<float>(rnet.layers[1], 1),
              make_layer<float>(rnet.layers[2], 1), make_layer<float>(rnet.layers[3], 1),
              make_layer<float>(rnet.head, 1)} {}

std::vector<Verdict> RefineNet::look(std::span<const float> crops) {
  std::vector<Verdict> verdicts;
  for_each_batch(crops, 3 * kCrop, [&](std::span<const float> batch) {
    interleave(batch, kCrop, scratch_.pixels);
    const float* last = run_refine(std::span<const Layer<float>>(layers_), scratch_);
    float* const dense = at_least(scratch_.next, grid_of(layers_[3].channels, 1).place);
    const Size one = run(layers_[3], last, {.height = 3, .width = 3}, dense);
    std::array<float, kHeadChannels * kLanes> head;
    run(layers_[4], dense, one, head.data());
    read_head(head.data(), batch.size() / (3 * kCrop), verdicts);
  });
  return verdicts;
}

RefineScreen::RefineScreen(const TrainedNet& rnet)
    : layers_{make_layer<Pair>(rnet.layers[0], kFixedPixelSteps),
              make_layer<Pair>(rnet.layers[1], kFixedSteps),
              make_layer<Pair>(rnet.layers[2], kFixedSteps),
              make_layer<Pair>(rnet.layers[3], kFixedSteps)},
      score_(make_score(rnet.head)) {}

std::vector<float> RefineScreen::look(std::span<const float> crops) {
  std::vector<float> odds;
  for_each_batch(crops, 3 * kCrop, [&](std::span<const float> batch) {
    interleave(batch, scratch_.pixels);
    const Pair* last = run_refine(std::span<const Layer<Pair>>(layers_), scratch_);
    std::array<float, kLanes> scores;
    convolve_to_scores(layers_[3], score_, last, grid_of(layers_[3].inputs, 3), 1, scores.data());
    const auto count = static_cast<std::ptrdiff_t>(batch.size() / (3 * kCrop));
    odds.insert(odds.end(), scores.begin(), scores.begin() + count);
  });
  return odds;
}

}  // namespace visavis::detect
