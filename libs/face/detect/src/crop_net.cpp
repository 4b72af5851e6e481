#include "crop_net.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "kernels.hpp"
#include "maps.hpp"
#include "trained.hpp"

namespace visavis::detect {
namespace {

constexpr int kColours = 3;
constexpr int kDenseSide = 3;  // of the map that the dense layer reads

/// Planes to [pixel][3]. @param out  with room for whole lanes
void interleave(std::span<const float> crop, Buffer<float>& out) {
  const std::size_t pixels = crop.size() / kColours;
  float* to = at_least(out, whole_lanes(std::ssize(crop)) + std::ptrdiff_t{kLanes});
  for (std::size_t i = 0; i < pixels; ++i)
    for (std::size_t c = 0; c < kColours; ++c) *to++ = crop[c * pixels + i];
}

}  // namespace

CropNet CropNet::refine(const TrainedNet& rnet) { return {rnet, kRefineSide, {3, 3}}; }
CropNet CropNet::output(const TrainedNet& onet) { return {onet, kOutputSide, {3, 3, 2}}; }

CropNet::CropNet(const TrainedNet& net, int side, std::vector<int> windows)
    : side_(side), windows_(std::move(windows)) {
  int inputs = kColours;
  for (std::size_t i = 0; i < net.layers.size(); ++i) {
    if (i < windows_.size()) {
      pooled_.push_back(make_wide_two_rows(net.layers[i], inputs));
      inputs = pooled_.back().layer.channels;
    } else {
      layers_.push_back(make_wide_layer(net.layers[i], inputs));
      inputs = layers_.back().channels;
    }
  }
  layers_.push_back(make_wide_layer(net.head, inputs));
}

void CropNet::run_maps(std::span<const float> crop, float* out) {
  interleave(crop, scratch_.pixels);
  const float* in = scratch_.pixels.data();
  Size size{.height = side_, .width = side_};
  for (std::size_t i = 0; i < pooled_.size(); ++i) {
    size = run_pooled(pooled_[i], in, size, windows_[i], scratch_, scratch_.next);
    scratch_.next.swap(scratch_.map);
    in = scratch_.map.data();
  }
  run_layer(layers_[0], in, size, scratch_, out);
}

std::vector<Verdict> CropNet::look(std::span<const float> crops) {
  const std::size_t crop = kColours * area(side_, side_);
  const std::size_t count = crops.size() / crop;
  const WideLayer& dense = layers_[1];
  const WideLayer& head = layers_[2];
  const Grid maps = in_grid(dense, kDenseSide);
  const std::ptrdiff_t map = kDenseSide * maps.row;
  const auto places = static_cast<int>(count);
  float* const last = at_least(last_, places * map);
  for (std::size_t n = 0; n < count; ++n)
    run_maps(crops.subspan(n * crop, crop), last + static_cast<std::ptrdiff_t>(n) * map);
  // All pictures together, so that these weights, most of the network's, are read once for several.
  float* const answers = at_least(dense_, std::ptrdiff_t{places} * dense.channels);
  float* const heads = at_least(head_, std::ptrdiff_t{places} * head.channels);
  convolve(dense, last, {.row = maps.row, .column = maps.column, .place = map, .channel = 1},
           places, answers, out_grid(dense, places));
  convolve(head, answers, in_grid(head, places), places, heads, out_grid(head, places));
  std::vector<Verdict> verdicts(count);
  for (std::size_t n = 0; n < count; ++n) {
    const float* const answer = heads + n * static_cast<std::size_t>(head.channels);
    verdicts[n].score = probability(answer[1] - answer[0]);
    std::copy_n(answer + 2, verdicts[n].shift.size(), verdicts[n].shift.begin());
    std::copy_n(answer + 6, verdicts[n].points.size(), verdicts[n].points.begin());
  }
  return verdicts;
}

}  // namespace visavis::detect
