/// The shapes of what windows over pictures give, and of pictures that are resized.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "inference.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/resize.hpp"

namespace visavis::graph::inference {
namespace {

/// How a window of convolution or pooling moves along one axis.
struct Axis {
  std::int64_t size;
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t dilation;
  std::int64_t before;  ///< Padding at the beginning …
  std::int64_t after;   ///< … and at the end.
  bool up = false;      ///< A window that hangs over counts, unless it begins in the padding.

  [[nodiscard]] std::optional<std::int64_t> out() const {
    const std::int64_t reach = dilation * (kernel - 1) + 1;
    const std::int64_t room = size + before + after - reach;
    if (room < 0) return std::nullopt;
    const std::int64_t steps = up ? (room + stride - 1) / stride : room / stride;
    return up && steps * stride >= size + before ? steps : steps + 1;
  }
};

bool are_steps(std::span<const std::int64_t> values) {
  return std::ranges::all_of(values, [](std::int64_t n) { return n >= 1 && n <= kMost; });
}

}  // namespace

Result<Shape> Inference::convolution(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(weights, input(node, 1));
  if (x->size() < 3 || weights->size() != x->size()) return wrong(node, "weights of another rank");
  const auto groups = node.get_or<std::int64_t>("group", 1);
  if (groups < 1 || (*weights)[1] < 1 || (*weights)[1] != (*x)[1] / groups ||
      (*x)[1] % groups != 0 || (*weights)[0] < 1 || (*weights)[0] % groups != 0)
    return wrong(node, "weights for other channels");
  VISAVIS_CHECK(check_bias(node, (*weights)[0]));
  return windowed(node, *x, {weights->begin() + 2, weights->end()}, (*weights)[0]);
}

Result<void> Inference::check_bias(const Node& node, std::int64_t channels) const {
  if (!has(node, 2)) return {};
  VISAVIS_TRY(bias, input(node, 2));
  if (*bias != Shape{channels}) return wrong(node, "a bias for other channels");
  return {};
}

/// ONNX: stride · (in − 1) + output_padding + the window's reach − pads, or what output_shape
/// says.
Result<Shape> Inference::transposed(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  VISAVIS_TRY(weights, input(node, 1));
  if (x->size() < 3 || weights->size() != x->size()) return wrong(node, "weights of another rank");
  const auto groups = node.get_or<std::int64_t>("group", 1);
  if (groups < 1 || groups > kMaxElements || (*weights)[0] < 1 || (*weights)[0] != (*x)[1] ||
      (*x)[1] % groups != 0 || (*weights)[1] < 1 || (*weights)[1] > kMaxElements / groups)
    return wrong(node, "weights for other channels");
  VISAVIS_CHECK(check_bias(node, (*weights)[1] * groups));
  const std::size_t axes = x->size() - 2;
  const auto strides = node.get_or("strides", Ints(axes, 1));
  const auto dilations = node.get_or("dilations", Ints(axes, 1));
  const auto pads = node.get_or("pads", Ints(2 * axes, 0));
  const auto more = node.get_or("output_padding", Ints(axes, 0));
  const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
  const bool same = automatic.starts_with("SAME_");
  if (strides.size() != axes || dilations.size() != axes || pads.size() != 2 * axes ||
      more.size() != axes || !are_steps(strides) || !are_steps(dilations))
    return wrong(node, "windows that do not fit the input's rank");
  Shape out = {(*x)[0], (*weights)[1] * groups};
  if (const auto given = node.get_or("output_shape", Ints{}); !given.empty()) {
    if (given.size() != axes) return wrong(node, "an output_shape of another rank");
    out.insert(out.end(), given.begin(), given.end());
    return out;
  }
  for (std::size_t a = 0; a < axes; ++a) {
    const std::int64_t size = (*x)[2 + a];
    const std::int64_t kernel = (*weights)[2 + a];
    const bool padded = automatic == "NOTSET";
    const std::int64_t before = padded ? pads[a] : 0;
    const std::int64_t after = padded ? pads[axes + a] : 0;
    if (std::min({before, after, more[a]}) < 0 || std::max({before, after, more[a]}) > kMost ||
        size < 1 || kernel < 1)
      return wrong(node, "a padding beyond all limits, or an empty input");
    const std::int64_t whole =
        strides[a] * (size - 1) + more[a] + (kernel - 1) * dilations[a] + 1 - before - after;
    out.push_back(same ? size * strides[a] : whole);
    if (out.back() < 1) return wrong(node, "a padding larger than the output");
  }
  return out;
}

Result<Shape> Inference::pool(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  if (x->size() < 3) return wrong(node, "an input of too low a rank");
  return windowed(node, *x, node.get_or("kernel_shape", Ints{}), (*x)[1]);
}

Result<Shape> Inference::windowed(const Node& node, const Shape& x, const Ints& kernel,
                                  std::int64_t channels) const {
  const std::size_t axes = x.size() - 2;
  const auto strides = node.get_or("strides", Ints(axes, 1));
  const auto dilations = node.get_or("dilations", Ints(axes, 1));
  const auto pads = node.get_or("pads", Ints(2 * axes, 0));
  const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
  const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if (!same && automatic != "NOTSET" && automatic != "VALID")
    return wrong(node, "a padding that ONNX does not know");
  const bool fits = kernel.size() == axes && strides.size() == axes && dilations.size() == axes &&
                    pads.size() == 2 * axes && are_steps(kernel) && are_steps(strides) &&
                    are_steps(dilations);
  if (!fits) return wrong(node, "windows that do not fit the input's rank");
  Shape out = {x[0], channels};
  for (std::size_t a = 0; a < axes; ++a) {
    const bool given = automatic == "NOTSET";
    const std::int64_t before = given ? pads[a] : 0;
    const std::int64_t after = given ? pads[axes + a] : 0;
    if (std::min(before, after) < 0 || std::max(before, after) > kMost)
      return wrong(node, "a padding beyond all limits");
    Axis axis{.size = x[2 + a],
              .kernel = kernel[a],
              .stride = strides[a],
              .dilation = dilations[a],
              .before = before,
              .after = after,
              .up = node.get_or<std::int64_t>("ceil_mode", 0) != 0};
    if (same) {
      out.push_back((axis.size + axis.stride - 1) / axis.stride);
      continue;
    }
    const auto size = axis.out();
    if (!size) return wrong(node, "a window larger than the input");
    out.push_back(*size);
  }
  return out;
}

Result<Shape> Inference::global_pool(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  if (x->size() < 3) return wrong(node, "an input of too low a rank");
  Shape out(x->size(), 1);
  out[0] = (*x)[0];
  out[1] = (*x)[1];
  return out;
}

Result<Shape> Inference::resize(const Node& node) const {
  VISAVIS_TRY(x, input(node, 0));
  const ResizeInputs places = resize_inputs(node, graph_.opset);
  std::vector<float> scales;
  std::optional<Ints> sizes;
  if (places.scales) {
    const auto found = constants_.find(node.inputs[*places.scales]);
    const auto* floats = found == constants_.end()
                             ? nullptr
                             : std::get_if<std::vector<float>>(&found->second->values);
    if (floats == nullptr)
      return fail(ErrorCode::kUnsupported, node.op + ": its scales are no constant of float32");
    scales = *floats;
  }
  if (places.sizes) {
    VISAVIS_TRY(given, numbers(node, "sizes", *places.sizes));
    sizes = std::move(given);
  }
  VISAVIS_TRY(how, resizing_of(node, graph_.opset, *x, scales, sizes.value_or(Ints{})));
  return how.shape();
}

}  // namespace visavis::graph::inference
