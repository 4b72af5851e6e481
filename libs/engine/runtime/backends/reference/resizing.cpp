// Resize and Upsample, one axis after the other.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/resize.hpp>

#include "kernel.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {
namespace {

Result<graph::Resizing> resizing(const Call& call) {
  const graph::ResizeInputs places = graph::resize_inputs(call.node, call.opset);
  std::span<const float> scales;
  std::span<const std::int64_t> sizes;
  if (places.scales) {
    VISAVIS_TRY(given, call.floats(*places.scales));
    scales = given;
  }
  if (places.sizes) {
    VISAVIS_TRY(given, call.ints(*places.sizes));
    sizes = given;
  }
  return graph::resizing_of(call.node, call.opset, call.inputs[0]->shape, scales, sizes);
}

/// @param inner  how many numbers one step along the axis is
Floats resized(const Floats& x, std::span<const graph::ResizeTap> taps, std::size_t in,
               std::size_t inner) {
  Floats out;
  out.reserve(x.size() / in * taps.size());
  for (std::size_t outer = 0; outer < x.size(); outer += in * inner)
    for (const graph::ResizeTap& tap : taps) {
      const float* first = x.data() + outer + static_cast<std::size_t>(tap.first) * inner;
      const float* second = x.data() + outer + static_cast<std::size_t>(tap.second) * inner;
      for (std::size_t i = 0; i < inner; ++i)
        out.push_back(tap.weight == 0 ? first[i]
                                      : first[i] * (1 - tap.weight) + second[i] * tap.weight);
    }
  return out;
}

Outputs resize(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(how, resizing(call));
  VISAVIS_TRY(count, call.count(how.shape()));
  if (count == 0) return one({.shape = how.shape(), .data = Floats{}});
  Floats data(x.begin(), x.end());
  Shape shape = call.inputs[0]->shape;
  for (std::size_t i = 0; i < how.axes.size(); ++i) {
    const graph::ResizeAxis& axis = how.axes[i];
    if (!axis.changes()) continue;
    shape[i] = axis.out;
    VISAVIS_CHECK(call.count(shape));  // it may be larger than the result
    std::vector<graph::ResizeTap> taps;
    for (std::int64_t at = 0; at < axis.out; ++at) taps.push_back(how.tap(axis, at));
    data = resized(data, taps, static_cast<std::size_t>(axis.in),
                   product(std::span<const std::int64_t>(shape).subspan(i + 1)));
  }
  return one({.shape = std::move(shape), .data = std::move(data)});
}

constexpr auto kOperators =
    std::to_array<Operator>({{"Resize", resize, 1, 4}, {"Upsample", resize, 1, 2}});

}  // namespace

std::span<const Operator> resizing_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
