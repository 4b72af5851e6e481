// Resize and Upsample, where TensorFlow has the same.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lowering.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/resize.hpp"

namespace visavis::graph::channels_last {
namespace {

Result<Resizing> resizing(Lowering& lower, const Node& node) {
  const Shape& x = lower.shape(node.inputs[0]);
  const ResizeInputs places = resize_inputs(node, lower.opset());
  std::vector<float> scales;
  if (places.scales) {
    VISAVIS_TRY(given, lower.floats(node, *places.scales));
    scales = std::move(given);
  }
  Ints sizes;
  if (places.sizes) {
    // They may have been computed from shapes, as the shape of the result was.
    VISAVIS_TRY(axes, resize_axes(node, x.size()));
    for (const std::size_t axis : axes) sizes.push_back(lower.shape(node.outputs[0])[axis]);
  }
  return resizing_of(node, lower.opset(), x, scales, sizes);
}

/// A way in which TensorFlow can place the numbers.
struct Way {
  Coordinates coordinates;
  Nearest nearest;
  bool align_corners;
  bool half_pixel_centers;
};

/// As TensorFlow documents tf.compat.v1.image.resize and its kernels compute it: where half pixels
/// count, the nearest number is that of the place rounded down before half a pixel is taken off.
constexpr auto kWays =
    std::to_array<Way>({{Coordinates::kAsymmetric, Nearest::kFloor, false, false},
                        {Coordinates::kHalfPixel, Nearest::kPreferCeil, false, true},
                        {Coordinates::kAlignCorners, Nearest::kPreferCeil, true, false}});

}  // namespace

Result<void> resize(Lowering& lower, const Node& node) {
  VISAVIS_TRY(how, resizing(lower, node));
  if (how.axes.size() != 4 || how.axes[0].changes() || how.axes[1].changes())
    return unsupported(node, "other than pictures");
  const auto pixels = std::span(how.axes).subspan(2);
  const auto* way = std::ranges::find_if(kWays, [&](const Way& candidate) {
    return std::ranges::all_of(pixels, [&](const ResizeAxis& axis) {
      return how.is_like(axis, candidate.coordinates, candidate.nearest);
    });
  });
  if (way == kWays.end()) return unsupported(node, "places that TensorFlow does not have");
  const std::string x = lower.last_of(node.inputs[0]);
  const std::string size = lower.add_ints({pixels[0].out, pixels[1].out});
  lower.keep(
      node.outputs[0],
      lower.emit(how.linear ? "ResizeBilinear" : "ResizeNearest", {x, size}, last(how.shape()),
                 {{"align_corners", std::int64_t{way->align_corners ? 1 : 0}},
                  {"half_pixel_centers", std::int64_t{way->half_pixel_centers ? 1 : 0}}}),
      true);
  return {};
}

}  // namespace visavis::graph::channels_last
