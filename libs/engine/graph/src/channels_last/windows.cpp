// Convolutions and pools.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "lowering.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"

namespace visavis::graph::channels_last {
namespace {

/// How a window moves along one axis; `before` and `after` are what its padding really reaches.
struct Axis {
  std::int64_t size = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 0;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t before = 0;
  std::int64_t after = 0;
  std::int64_t declared_after = 0;

  [[nodiscard]] std::int64_t reach() const { return (kernel - 1) * dilation + 1; }
  /// Zeros that TensorFlow's SAME adds, in all.
  [[nodiscard]] std::int64_t same() const {
    return std::max<std::int64_t>((out - 1) * stride + reach() - size, 0);
  }
  [[nodiscard]] bool is_same() const {
    return out == (size + stride - 1) / stride && before == same() / 2 &&
           after == same() - same() / 2;
  }
};
using Axes = std::array<Axis, 2>;

Axes axes_of(Lowering& lower, const Node& node, std::array<std::int64_t, 2> kernel) {
  const Shape& from = lower.shape(node.inputs[0]);
  const Shape& to = lower.shape(node.outputs[0]);
  const Ints strides = node.get_or<Ints>("strides", {1, 1});
  const Ints dilations = node.get_or<Ints>("dilations", {1, 1});
  const Ints pads = node.get_or<Ints>("pads", {0, 0, 0, 0});
  const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
  Axes axes;
  for (std::size_t i = 0; i < 2; ++i) {
    Axis& axis = axes[i];
    axis = {.size = from[i + 2],
            .out = to[i + 2],
            .kernel = kernel[i],
            .stride = strides[i],
            .dilation = dilations[i]};
    if (automatic == "NOTSET") {
      axis.before = pads[i];
      axis.declared_after = pads[i + 2];
    } else if (automatic != "VALID") {
      const std::int64_t odd = automatic == "SAME_LOWER" ? axis.same() % 2 : 0;
      axis.before = axis.same() / 2 + odd;
      axis.declared_after = axis.same() - axis.before;
    }
    // What no window reaches need not be there; what a window beyond the declared padding reaches
    // must (ceil_mode).
    axis.after = std::max<std::int64_t>(
        (axis.out - 1) * axis.stride + axis.reach() - axis.size - axis.before, 0);
  }
  return axes;
}

/// Whether a node's padding goes with its input's size, so that a form of it for all sizes is SAME.
bool follows_size(const Node& node) {
  return node.get_or<std::int64_t>("ceil_mode", 0) != 0 ||
         node.get_or<std::string>("auto_pad", "NOTSET").starts_with("SAME");
}

/// The attribute padding; what is neither SAME nor VALID is padded before.
std::string padded(Lowering& lower, const Node& node, std::string& x, const Axes& axes, float value,
                   bool same_is_known) {
  const bool is_same = same_is_known && axes[0].is_same() && axes[1].is_same();
  if (is_same && follows_size(node)) return "SAME";
  // In larger steps it depends on the size whether a padding is SAME, and how far windows reach.
  const bool is_for_all = lower.sizes_are_free() && !follows_size(node);
  const auto after = [&](const Axis& axis) {
    return is_for_all ? std::max(axis.after, axis.declared_after) : axis.after;
  };
  const auto is_valid = [&](const Axis& axis) { return axis.before == 0 && after(axis) == 0; };
  if (std::ranges::all_of(axes, is_valid)) return "VALID";
  if (is_same && (!is_for_all || (axes[0].stride == 1 && axes[1].stride == 1))) return "SAME";
  x = lower.pad(
      x, {{0, 0}, {axes[0].before, after(axes[0])}, {axes[1].before, after(axes[1])}, {0, 0}},
      value);
  return "VALID";
}

Attributes strides_of(const Axes& axes) {
  return {{"strides", Ints{axes[0].stride, axes[1].stride}}};
}

struct Weights {
  Tensor kernel;  ///< ONNX's: out, in / groups, h, w.
  std::vector<float> bias;
  std::vector<float> scales;  ///< See Lowering::weight_scales.
};

Result<Weights> weights_of(Lowering& lower, const Node& node) {
  const Tensor* kernel = lower.constant(node.inputs[1]);
  if (kernel == nullptr || kernel->type() != ElementType::kFloat32)
    return unsupported(node, "weights that are computed");
  Weights weights{
      .kernel = *kernel,
      .bias = {},
      .scales = lower.weight_scales(node.inputs[1], static_cast<std::size_t>(kernel->shape[0]), 0)};
  if (Lowering::has(node, 2)) {
    VISAVIS_TRY(bias, lower.floats(node, 2));
    weights.bias = std::move(bias);
  } else {
    weights.bias.assign(static_cast<std::size_t>(kernel->shape[0]), 0.F);
  }
  return weights;
}

/// The part of the weights that makes outputs [begin, begin + size).
Weights part_of(const Weights& all, std::int64_t begin, std::int64_t size) {
  const auto& values = std::get<std::vector<float>>(all.kernel.values);
  Weights part{.kernel = {.name = all.kernel.name, .shape = all.kernel.shape, .values = {}},
               .bias = {},
               .scales = {}};
  part.kernel.shape[0] = size;
  const auto step = static_cast<std::int64_t>(values.size()) / all.kernel.shape[0];
  part.kernel.values =
      std::vector<float>(values.begin() + begin * step, values.begin() + (begin + size) * step);
  part.bias.assign(all.bias.begin() + begin, all.bias.begin() + begin + size);
  if (!all.scales.empty())
    part.scales.assign(all.scales.begin() + begin, all.scales.begin() + begin + size);
  return part;
}

}  // namespace

Result<void> convolution(Lowering& lower, const Node& node) {
  if (lower.rank(node.inputs[0]) != 4) return unsupported(node, "other than pictures");
  VISAVIS_TRY(weights, weights_of(lower, node));
  const Shape& kernel = weights.kernel.shape;
  const std::int64_t channels = lower.shape(node.inputs[0])[1];
  const auto groups = node.get_or<std::int64_t>("group", 1);
  const Axes axes = axes_of(lower, node, {kernel[2], kernel[3]});
  std::string x = lower.last_of(node.inputs[0]);
  Attributes attributes = strides_of(axes);
  attributes.emplace_back("dilations", Ints{axes[0].dilation, axes[1].dilation});
  attributes.emplace_back("padding", padded(lower, node, x, axes, 0, true));
  const Shape made = last(lower.shape(node.outputs[0]));
  const auto convolve = [&](const char* op, const std::string& from, Weights part,
                            const Ints& order, Shape to) {
    const std::int64_t outputs = part.kernel.shape[0];
    const std::string w = lower.add(permuted(part.kernel, order));
    const std::string b = lower.add_floats({outputs}, std::move(part.bias));
    Attributes with = attributes;
    if (!part.scales.empty()) with.emplace_back("weight_scales", std::move(part.scales));
    return lower.emit(op, {from, w, b}, std::move(to), std::move(with));
  };
  if (groups == 1) {
    lower.keep(node.outputs[0], convolve("Conv", x, std::move(weights), {0, 2, 3, 1}, made), true);
    return {};
  }
  if (groups == channels) {
    lower.keep(node.outputs[0],
               convolve("DepthwiseConv", x, std::move(weights), {1, 2, 3, 0}, made), true);
    return {};
  }
  std::vector<std::string> parts;
  const std::int64_t in = channels / groups;
  const std::int64_t out = kernel[0] / groups;
  for (std::int64_t g = 0; g < groups; ++g) {
    Shape to = made;
    to[3] = out;
    parts.push_back(convolve("Conv", lower.slice(x, 3, g * in, in), part_of(weights, g * out, out),
                             {0, 2, 3, 1}, std::move(to)));
  }
  lower.keep(node.outputs[0],
             lower.emit("Concat", std::move(parts), made, {{"axis", std::int64_t{3}}}), true);
  return {};
}

namespace {

/// One axis of a transposed convolution.
struct Stamp {
  std::int64_t whole = 0;   ///< What all windows cover together.
  std::int64_t before = 0;  ///< What of it is cut off.
  std::int64_t out = 0;
  std::int64_t kernel = 0;
  std::int64_t stride = 1;

  /// TensorFlow's SAME: as many steps as the input has numbers, the odd pixel cut off behind.
  [[nodiscard]] bool is_same() const {
    const std::int64_t over = whole - out;
    return over > -stride && over < kernel && before == std::max<std::int64_t>(over, 0) / 2 &&
           (out + stride - 1) / stride == (whole - kernel) / stride + 1;
  }
};

Result<std::array<Stamp, 2>> stamps_of(Lowering& lower, const Node& node, const Shape& kernel) {
  const Shape& x = lower.shape(node.inputs[0]);
  const Shape& y = lower.shape(node.outputs[0]);
  const Ints strides = node.get_or<Ints>("strides", {1, 1});
  const Ints pads = node.get_or<Ints>("pads", {0, 0, 0, 0});
  const Ints more = node.get_or<Ints>("output_padding", {0, 0});
  const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
  if (node.get_or<Ints>("dilations", {1, 1}) != Ints{1, 1}) return unsupported(node, "dilation");
  const bool follows = automatic.starts_with("SAME") || node.find("output_shape") != nullptr;
  std::array<Stamp, 2> out;
  for (std::size_t i = 0; i < 2; ++i) {
    Stamp& axis = out[i];
    axis = {.whole = (x[i + 2] - 1) * strides[i] + kernel[i + 2],
            .before = automatic == "NOTSET" ? pads[i] : 0,
            .out = y[i + 2],
            .kernel = kernel[i + 2],
            .stride = strides[i]};
    if (follows) {
      const std::int64_t over = std::max<std::int64_t>(axis.whole + more[i] - axis.out, 0);
      axis.before = automatic == "SAME_UPPER" ? over / 2 : over - over / 2;
    }
    if (axis.before + axis.out - axis.whole >= axis.stride)
      return unsupported(node, "an output that no window reaches");
  }
  return out;
}

/// The kernel of all channels, with zeros where a group does not read: in, out, height, width.
Result<Tensor> whole_kernel(const Node& node, const Tensor& given, std::int64_t groups) {
  if (groups == 1) return given;
  constexpr std::int64_t kMost = std::int64_t{1} << 24;
  const std::int64_t in = given.shape[0];
  const std::int64_t out = given.shape[1];
  const std::int64_t area = given.shape[2] * given.shape[3];
  if (in * out > kMost / std::max<std::int64_t>(groups * area, 1))
    return unsupported(node, "so many groups");
  const auto& from = std::get<std::vector<float>>(given.values);
  std::vector<float> values(static_cast<std::size_t>(in * out * groups * area), 0.F);
  for (std::int64_t i = 0; i < in; ++i)
    for (std::int64_t o = 0; o < out; ++o)
      std::copy_n(from.begin() + (i * out + o) * area, area,
                  values.begin() + (i * out * groups + i / (in / groups) * out + o) * area);
  Shape shape = given.shape;
  shape[1] = out * groups;
  return Tensor{.name = given.name, .shape = std::move(shape), .values = std::move(values)};
}

}  // namespace

/// What TensorFlow's padding does not cut off is cut off behind it.
Result<void> transposed_convolution(Lowering& lower, const Node& node) {
  if (lower.rank(node.inputs[0]) != 4) return unsupported(node, "other than pictures");
  const Tensor* given = lower.constant(node.inputs[1]);
  if (given == nullptr || given->type() != ElementType::kFloat32)
    return unsupported(node, "weights that are computed");
  VISAVIS_TRY(kernel, whole_kernel(node, *given, node.get_or<std::int64_t>("group", 1)));
  VISAVIS_TRY(axes, stamps_of(lower, node, kernel.shape));
  const std::string x = lower.last_of(node.inputs[0]);
  const Shape made = last(lower.shape(node.outputs[0]));
  const bool same = axes[0].is_same() && axes[1].is_same();
  Shape whole = made;
  for (std::size_t i = 0; i < 2 && !same; ++i)
    whole[i + 1] = std::max(axes[i].whole, axes[i].before + axes[i].out);
  const std::string w = lower.add(permuted(kernel, Ints{1, 2, 3, 0}));
  std::string y = lower.emit("TransposeConv", {x, w}, whole,
                             {{"strides", Ints{axes[0].stride, axes[1].stride}},
                              {"padding", std::string(same ? "SAME" : "VALID")},
                              {"size", Ints{whole[1], whole[2]}}});
  for (std::size_t i = 0; i < 2 && !same; ++i)
    if (whole[i + 1] != axes[i].out) y = lower.slice(y, i + 1, axes[i].before, axes[i].out);
  if (Lowering::has(node, 2)) {
    VISAVIS_TRY(bias, lower.floats(node, 2));
    const std::string b = lower.add_floats({1, 1, 1, made[3]}, std::move(bias));
    y = lower.emit("Add", {y, b}, made);
  }
  lower.keep(node.outputs[0], y, true);
  return {};
}

namespace {

Result<Axes> pool_axes(Lowering& lower, const Node& node) {
  if (lower.rank(node.inputs[0]) != 4) return unsupported(node, "other than pictures");
  if (node.outputs.size() > 1) return unsupported(node, "places of the largest");
  const Ints kernel = node.get_or<Ints>("kernel_shape", {});
  if (kernel.size() != 2) return unsupported(node, "other than two sides");
  const Axes axes = axes_of(lower, node, {kernel[0], kernel[1]});
  if (axes[0].dilation != 1 || axes[1].dilation != 1) return unsupported(node, "dilation");
  return axes;
}

Attributes pool_attributes(const Axes& axes, std::string padding) {
  Attributes attributes = strides_of(axes);
  attributes.emplace_back("kernel_shape", Ints{axes[0].kernel, axes[1].kernel});
  attributes.emplace_back("padding", std::move(padding));
  return attributes;
}

/// How many numbers a window averages: those on the picture, and, if asked for, on the declared
/// padding, but not beyond.
std::int64_t counted(const Axis& axis, std::int64_t at, bool with_padding) {
  const std::int64_t begin = at * axis.stride - axis.before;
  const std::int64_t low = with_padding ? begin : std::max<std::int64_t>(begin, 0);
  const std::int64_t high = axis.size + (with_padding ? axis.declared_after : 0);
  return std::max<std::int64_t>(std::min(begin + axis.kernel, high) - low, 0);
}

}  // namespace

Result<void> max_pool(Lowering& lower, const Node& node) {
  VISAVIS_TRY(axes, pool_axes(lower, node));
  std::string x = lower.last_of(node.inputs[0]);
  Attributes attributes = pool_attributes(
      axes, padded(lower, node, x, axes, std::numeric_limits<float>::lowest(), true));
  lower.keep(node.outputs[0],
             lower.emit("MaxPool", {x}, last(lower.shape(node.outputs[0])), std::move(attributes)),
             true);
  return {};
}

/// The mean of what lies on the picture is TensorFlow's own. Others are a mean of all under the
/// window, times what it is too small by.
Result<void> average_pool(Lowering& lower, const Node& node) {
  VISAVIS_TRY(axes, pool_axes(lower, node));
  const bool with_padding = node.get_or<std::int64_t>("count_include_pad", 0) != 0;
  std::string x = lower.last_of(node.inputs[0]);
  const Shape made = last(lower.shape(node.outputs[0]));
  std::string padding = padded(lower, node, x, axes, 0, !with_padding);
  const bool was_padded = lower.made(x) != last(lower.shape(node.inputs[0]));
  std::string mean =
      lower.emit("AveragePool", {x}, made, pool_attributes(axes, std::move(padding)));
  if (was_padded) {
    std::vector<float> factors;
    const std::int64_t all = axes[0].kernel * axes[1].kernel;
    for (std::int64_t y = 0; y < axes[0].out; ++y)
      for (std::int64_t column = 0; column < axes[1].out; ++column) {
        const std::int64_t count =
            counted(axes[0], y, with_padding) * counted(axes[1], column, with_padding);
        factors.push_back(
            count == 0 ? 0.F
                       : static_cast<float>(static_cast<double>(all) / static_cast<double>(count)));
      }
    if (std::ranges::any_of(factors, [](float factor) { return factor != 1; })) {
      const std::string by = lower.add_floats({1, axes[0].out, axes[1].out, 1}, std::move(factors));
      mean = lower.emit("Mul", {mean, by}, made);
    }
  }
  lower.keep(node.outputs[0], mean, true);
  return {};
}

Result<void> global_pool(Lowering& lower, const Node& node) {
  if (lower.rank(node.inputs[0]) != 4) return unsupported(node, "other than pictures");
  const std::string x = lower.last_of(node.inputs[0]);
  const std::string axes = lower.add_ints({1, 2});
  lower.keep(node.outputs[0],
             lower.emit(node.op == "GlobalMaxPool" ? "Max" : "Mean", {x, axes},
                        last(lower.shape(node.outputs[0])), {{"keepdims", std::int64_t{1}}}),
             true);
  return {};
}

Result<void> reduce_mean(Lowering& lower, const Node& node) {
  const std::size_t rank = lower.rank(node.inputs[0]);
  Ints wanted = node.get_or<Ints>("axes", {});
  if (Lowering::has(node, 1)) {
    VISAVIS_TRY(given, lower.ints(node, 1));
    wanted = std::move(given);
  }
  if (wanted.empty())
    for (std::size_t i = 0; i < rank; ++i) wanted.push_back(static_cast<std::int64_t>(i));
  const auto keep = node.get_or<std::int64_t>("keepdims", 1);
  const bool pixels_only =
      std::ranges::all_of(wanted, [&](std::int64_t axis) { return axis_of(axis, rank) >= 2; });
  // Without its pixels a picture's numbers stand as the channels do, in either order.
  const bool as_last =
      lower.is_last(node.inputs[0]) && (keep != 0 || (pixels_only && wanted.size() == 2));
  for (std::int64_t& axis : wanted) {
    axis = static_cast<std::int64_t>(axis_of(axis, rank));
    if (as_last) axis = kAxisInLast[axis];
  }
  const std::string x = lower.in_order(node.inputs[0], as_last);
  const Shape& made = lower.shape(node.outputs[0]);
  const std::string axes = lower.add_ints(wanted);
  const bool stays = as_last && keep != 0;
  lower.keep(node.outputs[0],
             lower.emit("Mean", {x, axes}, stays ? last(made) : made, {{"keepdims", keep}}), stays);
  return {};
}

}  // namespace visavis::graph::channels_last
